//! What the engine says of its work: the ledger, and whether a flush brought everything out.

use std::fmt;

/// A snapshot of the ledger: of all spans and log records, or of one signal's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Records that ended in this process.
    pub recorded: u64,
    /// Records that the receiver accepted.
    pub delivered: u64,
    /// Records that the receiver refused for good.
    pub rejected: u64,
    /// Records given up here, by reason.
    pub dropped: Dropped,
    /// Records on their way: in open chunks, in the queue, or in a request under way.
    pub queued: u64,
    /// Records in the [spool](crate::Config::spool), durable: they wait there, or an earlier session
    /// of this process left them there.
    pub spooled: u64,
    /// Records that were found in the spool: another process, or an earlier session, had accepted
    /// them and could not deliver them. They were not recorded here and are delivered from here.
    pub recovered: u64,
    /// Spans started and not ended yet; they are not records so far.
    pub live: u64,
    /// Texts that were replaced because they were secret; see [`Redaction`](crate::Redaction).
    /// Counted when their span ends, whatever becomes of it.
    pub redacted: u64,
    /// Panics of samplers, hooks, exporters and redacting functions of the program, all of them
    /// contained.
    pub panics: u64,
}

/// Records given up, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// The byte budget was spent.
    pub queue_full: u64,
    /// One record was larger than a request may be.
    pub too_large: u64,
    /// No receiver took it within the export timeout.
    pub unreachable: u64,
    /// It ended after shutdown.
    pub already_shutdown: u64,
    /// Shutdown's deadline came first.
    pub shutdown_deadline: u64,
    /// It was in the spool and cannot be read back.
    pub damaged: u64,
    /// A hook of the program dropped it; see [`Verdict`](crate::Verdict).
    pub by_hook: u64,
}

impl Dropped {
    /// Each reason by its name, with the number of records.
    pub fn by_reason(&self) -> [(&'static str, u64); 7] {
        [
            ("queue_full", self.queue_full),
            ("too_large", self.too_large),
            ("unreachable", self.unreachable),
            ("already_shutdown", self.already_shutdown),
            ("shutdown_deadline", self.shutdown_deadline),
            ("damaged", self.damaged),
            ("by_hook", self.by_hook),
        ]
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.by_reason().iter().map(|(_, count)| count).sum()
    }
}

impl Stats {
    /// The sum of two ledgers.
    #[cfg(feature = "otel")]
    pub(crate) fn plus(self, other: Self) -> Self {
        let (ours, theirs) = (self.dropped, other.dropped);
        Self {
            recorded: self.recorded + other.recorded,
            delivered: self.delivered + other.delivered,
            rejected: self.rejected + other.rejected,
            dropped: Dropped {
                queue_full: ours.queue_full + theirs.queue_full,
                too_large: ours.too_large + theirs.too_large,
                unreachable: ours.unreachable + theirs.unreachable,
                already_shutdown: ours.already_shutdown + theirs.already_shutdown,
                shutdown_deadline: ours.shutdown_deadline + theirs.shutdown_deadline,
                damaged: ours.damaged + theirs.damaged,
                by_hook: ours.by_hook + theirs.by_hook,
            },
            queued: self.queued + other.queued,
            spooled: self.spooled + other.spooled,
            recovered: self.recovered + other.recovered,
            live: self.live + other.live,
            redacted: self.redacted + other.redacted,
            panics: self.panics + other.panics,
        }
    }

    /// Records that were to be delivered and never will be: rejected or dropped, but not by a
    /// hook of the program.
    pub fn lost(&self) -> u64 {
        self.rejected + self.dropped.total() - self.dropped.by_hook
    }

    /// Whether every record is accounted for. True at every quiet moment; while threads record
    /// or requests are under way the numbers are read one after the other and may differ.
    pub fn is_balanced(&self) -> bool {
        let Self { delivered, rejected, dropped, queued, spooled, .. } = self;
        let known = delivered + rejected + dropped.total() + queued + spooled;
        self.recorded + self.recovered == known
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recorded, delivered, rejected, queued, live, dropped, .. } = self;
        write!(f, "recorded {recorded} · delivered {delivered} · rejected {rejected} · ")?;
        write!(f, "dropped {} · queued {queued} · live {live}", dropped.total())?;
        if self.spooled > 0 || self.recovered > 0 {
            write!(f, " · spooled {} · recovered {}", self.spooled, self.recovered)?;
        }
        Ok(())
    }
}

/// Not everything reached the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("{lost} records were lost since the last flush, {queued} are still queued")]
pub struct FlushError {
    /// Rejected or dropped since the last flush; [`stats`](crate::stats()) says why.
    pub lost: u64,
    /// Neither delivered nor given up when the time was over.
    pub queued: u64,
    /// The time was over before everything was dealt with, metrics that were still being collected
    /// among it.
    pub timed_out: bool,
}
