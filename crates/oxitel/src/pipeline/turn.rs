//! How a collector reads numbers that another thread writes meanwhile, with no atomic exchange on
//! the writer's side: each number is told once, and to one collection.

use super::sync::{AtomicU64, Ordering, fence, pause};
use std::mem;

/// Who writes, and what of it was read. The writer counts its turns, by two; an odd number says
/// that it is in the middle of one. The collector reads between two turns and says so. A writer
/// that finds that all it wrote was read begins from nothing, so nothing is subtracted, and least
/// and largest values are those of the interval.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    turns: AtomicU64,
    read: AtomicU64,
    /// What is there was written behind this turn.
    since: AtomicU64,
}

/// What the collector saw.
pub(crate) struct Look<R> {
    turns: u64,
    since: u64,
    pub(crate) content: R,
}

impl Turn {
    /// Runs `write`, and tells it whether to begin from nothing. One thread at a time does.
    #[inline(always)]
    pub(crate) fn take(&self, write: impl FnOnce(bool)) {
        let turns = self.turns.load(Ordering::Relaxed);
        // Acquire: the collector has read before what is overwritten now.
        let fresh = self.read.load(Ordering::Acquire) == turns;
        self.turns.store(turns.wrapping_add(1), Ordering::Relaxed);
        // Release fence: the odd number is seen before any of the stores below.
        fence(Ordering::Release);
        if fresh {
            self.since.store(turns, Ordering::Relaxed);
        }
        write(fresh);
        self.turns.store(turns.wrapping_add(2), Ordering::Release);
    }

    /// Looks at what was written; `None`: nothing since it was last told, or the writer stands
    /// still in the middle of a turn and there is no more `patience`. One thread at a time does.
    pub(crate) fn look<R>(
        &self,
        content: impl Fn() -> R,
        mut patience: impl FnMut() -> bool,
    ) -> Option<Look<R>> {
        let mut attempt = 0_u32;
        loop {
            let turns = self.turns.load(Ordering::Acquire);
            if turns == self.read.load(Ordering::Relaxed) {
                return None;
            }
            if turns.is_multiple_of(2) {
                let since = self.since.load(Ordering::Relaxed);
                let look = Look { turns, since, content: content() };
                // Acquire fence: the loads above may not sink below the check.
                fence(Ordering::Acquire);
                if self.turns.load(Ordering::Relaxed) == turns {
                    return Some(look);
                }
            }
            if !patience() {
                return None;
            }
            pause(attempt);
            attempt = attempt.saturating_add(1);
        }
    }

    /// Tells the writer what was read. Returns whether the look shows more than what came since
    /// the one before: the writer had begun its turn when that one was told.
    pub(crate) fn told<R>(&self, look: &Look<R>) -> bool {
        let before = self.read.load(Ordering::Relaxed);
        // Release: pairs with the writer's look at it.
        self.read.store(look.turns, Ordering::Release);
        look.since != before
    }
}

/// A sum of whole numbers, modulo 2^64: it only grows, and the collector remembers how far it has
/// read.
#[derive(Debug, Default)]
pub(crate) struct WholeSum {
    sum: AtomicU64,
    count: AtomicU64,
}

impl WholeSum {
    /// Adds a number. One thread at a time does.
    #[inline(always)]
    pub(crate) fn add(&self, bits: u64) {
        let sum = self.sum.load(Ordering::Relaxed).wrapping_add(bits);
        self.sum.store(sum, Ordering::Relaxed);
        let count = self.count.load(Ordering::Relaxed).wrapping_add(1);
        // Release: who sees the count sees the sum.
        self.count.store(count, Ordering::Release);
    }

    /// The sum that came since `seen`, modulo 2^64; `None` when there was no measurement.
    pub(crate) fn since(&self, seen: &mut (u64, u64)) -> Option<u64> {
        let count = self.count.load(Ordering::Acquire);
        // It may be ahead of the count by one; then the next difference is a measurement of 0.
        let sum = self.sum.load(Ordering::Relaxed);
        let before = mem::replace(seen, (sum, count));
        (count != before.1 || sum != before.0).then(|| sum.wrapping_sub(before.0))
    }
}
