//! What live spans hold beyond their usual size, counted against the memory for live spans.
//!
//! Flow: **record** -> chunk -> queue -> send. A scratch counts when it is made; what its attributes
//! and events make it grow counts here, and is given back when that memory is freed.

use super::{engine, settings, state};

/// What a scratch is counted with in any case.
const GRANTED: usize = 512;

/// How much one growing buffer was counted with.
#[derive(Debug, Default)]
pub(super) struct Charge {
    bytes: usize,
    /// The process (counted in forks) whose memory it is.
    epoch: u64,
}

impl Charge {
    /// Counts the buffer up to `capacity`; `false` when there is no more memory.
    #[inline]
    pub(super) fn raise(&mut self, capacity: usize) -> bool {
        capacity <= self.covered() || self.raise_to(capacity)
    }

    /// The capacity that is counted.
    pub(super) fn covered(&self) -> usize {
        GRANTED + self.bytes
    }

    #[cold]
    fn raise_to(&mut self, capacity: usize) -> bool {
        let (Some(engine), Some(settings)) = (engine::current(), settings::current()) else {
            return true;
        };
        if self.epoch != engine.epoch {
            *self = Self { bytes: 0, epoch: engine.epoch };
        }
        let more = capacity.saturating_sub(self.covered());
        let granted = engine.admit_growth(more, settings.live_bytes);
        self.bytes += if granted { more } else { 0 };
        granted
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.bytes > 0
            && self.epoch == state::epoch()
            && let Some(engine) = engine::current()
        {
            engine.shrunk(self.bytes);
        }
    }
}
