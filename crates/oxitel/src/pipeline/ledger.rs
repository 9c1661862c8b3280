//! The ledger: every record is delivered, rejected, dropped for a reason, or queued.
//!
//! Each number is counted where it happens, none is computed from the others: that is what makes
//! `recorded = delivered + rejected + dropped + queued` a check instead of a definition.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A snapshot of the ledger.
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
    /// Spans started and not ended yet; they are not records so far.
    pub live: u64,
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
}

impl Dropped {
    /// All of them.
    pub fn total(&self) -> u64 {
        let Self { queue_full, too_large, unreachable, already_shutdown, shutdown_deadline } = self;
        queue_full + too_large + unreachable + already_shutdown + shutdown_deadline
    }
}

impl Stats {
    /// Records that nobody will ever see: rejected or dropped.
    pub fn lost(&self) -> u64 {
        self.rejected + self.dropped.total()
    }

    /// Whether every record is accounted for. True at every quiet moment; while threads record
    /// or requests are under way the numbers are read one after the other and may differ.
    pub fn is_balanced(&self) -> bool {
        self.recorded == self.delivered + self.lost() + self.queued
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recorded, delivered, rejected, queued, live, dropped } = self;
        write!(f, "recorded {recorded} · delivered {delivered} · rejected {rejected} · ")?;
        write!(f, "dropped {} · queued {queued} · live {live}", dropped.total())
    }
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Counted by threads that are gone.
    recorded: AtomicU64,
    delivered: AtomicU64,
    rejected: AtomicU64,
    queue_full: AtomicU64,
    too_large: AtomicU64,
    unreachable: AtomicU64,
    already_shutdown: AtomicU64,
    shutdown_deadline: AtomicU64,
    queued: AtomicU64,
}

macro_rules! counters {
    ($($name:ident => $counter:ident),* $(,)?) => {$(
        pub(crate) fn $name(&self, records: u64) {
            // Relaxed: a statistic; nothing is ordered by it.
            self.$counter.fetch_add(records, Ordering::Relaxed);
        }
    )*};
}

impl Ledger {
    counters! {
        recorded => recorded,
        delivered => delivered,
        rejected => rejected,
        dropped_queue_full => queue_full,
        dropped_too_large => too_large,
        dropped_unreachable => unreachable,
        dropped_already_shutdown => already_shutdown,
        dropped_at_shutdown => shutdown_deadline,
        queued => queued,
    }

    pub(crate) fn left_queue(&self, records: u64) {
        self.queued.fetch_sub(records, Ordering::Relaxed);
    }

    /// What was counted here; open chunks and living threads come on top.
    pub(crate) fn read(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            recorded: read(&self.recorded),
            delivered: read(&self.delivered),
            rejected: read(&self.rejected),
            dropped: Dropped {
                queue_full: read(&self.queue_full),
                too_large: read(&self.too_large),
                unreachable: read(&self.unreachable),
                already_shutdown: read(&self.already_shutdown),
                shutdown_deadline: read(&self.shutdown_deadline),
            },
            queued: read(&self.queued),
            live: 0,
        }
    }
}
