//! OpenTelemetry for systems that are part Rust, part Python: one engine per process.
#[cfg(feature = "testing")]
pub mod testing;

// Stands in for the engine's ledger until the engine is merged; not part of this change.
/// The ledger of one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "stand-in")]
pub struct Stats {
    pub recorded: u64,
    pub delivered: u64,
    pub rejected: u64,
    pub dropped: Dropped,
    pub queued: u64,
    pub live: u64,
}

/// Losses by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "stand-in")]
pub struct Dropped {
    pub queue_full: u64,
    pub too_large: u64,
    pub unreachable: u64,
    pub already_shutdown: u64,
    pub shutdown_deadline: u64,
}

impl Dropped {
    /// All losses.
    pub fn total(&self) -> u64 {
        self.queue_full
            + self.too_large
            + self.unreachable
            + self.already_shutdown
            + self.shutdown_deadline
    }
}

impl Stats {
    /// Rejected and dropped.
    pub fn lost(&self) -> u64 {
        self.rejected + self.dropped.total()
    }
    /// Whether the law holds.
    pub fn is_balanced(&self) -> bool {
        self.recorded == self.delivered + self.lost() + self.queued
    }
}

impl std::fmt::Display for Stats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "recorded {} · delivered {} · rejected {} · dropped {} · queued {} · live {}",
            self.recorded,
            self.delivered,
            self.rejected,
            self.dropped.total(),
            self.queued,
            self.live
        )
    }
}
