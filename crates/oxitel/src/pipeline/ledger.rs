//! The ledger: every record is delivered, rejected, dropped for a reason, or queued.
//!
//! Each number is counted where it happens, none is computed from the others: that is what makes
//! `recorded = delivered + rejected + dropped + queued` a check instead of a definition.

use crate::stats::{Dropped, Stats};
use std::sync::atomic::{AtomicU64, Ordering};

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
    by_hook: AtomicU64,
    redacted: AtomicU64,
    panics: AtomicU64,
    queued: AtomicU64,
    /// A gauge that may pass below zero for a moment: it wraps.
    spooled: AtomicU64,
    recovered: AtomicU64,
    damaged: AtomicU64,
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
        dropped_by_hook => by_hook,
        redacted => redacted,
        panicked => panics,
        queued => queued,
        spooled => spooled,
        recovered => recovered,
        dropped_damaged => damaged,
    }

    pub(crate) fn left_queue(&self, records: u64) {
        self.queued.fetch_sub(records, Ordering::Relaxed);
    }

    pub(crate) fn left_spool(&self, records: u64) {
        self.spooled.fetch_sub(records, Ordering::Relaxed);
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
                damaged: read(&self.damaged),
                by_hook: read(&self.by_hook),
            },
            queued: read(&self.queued),
            spooled: (read(&self.spooled) as i64).max(0) as u64,
            recovered: read(&self.recovered),
            live: 0,
            redacted: read(&self.redacted),
            panics: read(&self.panics),
        }
    }
}
