//! Limits by number, next to those by bytes: how many records may wait, and how many travel in one
//! request. Without limits, the default, recording pays for one look at a flag.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The limits of one signal, and how many records wait.
#[derive(Debug)]
pub(crate) struct Items {
    are_limited: AtomicBool,
    queue: AtomicU64,
    batch: AtomicU64,
    /// Counted only while there are limits.
    waiting: AtomicU64,
}

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admission {
    pub(crate) is_granted: bool,
    /// With it, as many wait as travel together.
    pub(crate) completes_batch: bool,
}

impl Default for Items {
    fn default() -> Self {
        Self {
            are_limited: AtomicBool::new(false),
            queue: AtomicU64::new(u64::MAX),
            batch: AtomicU64::new(u64::MAX),
            waiting: AtomicU64::new(0),
        }
    }
}

impl Items {
    /// `None` is no limit. A batch is never larger than the queue.
    pub(crate) fn set_limits(&self, queue: Option<u64>, batch: Option<u64>) {
        let queue_limit = queue.unwrap_or(u64::MAX);
        // Relaxed: set before recording starts, which is published after.
        self.queue.store(queue_limit, Ordering::Relaxed);
        self.batch.store(batch.unwrap_or(u64::MAX).min(queue_limit).max(1), Ordering::Relaxed);
        if !self.are_limited() {
            // Nobody has counted since there were limits before.
            self.waiting.store(0, Ordering::Relaxed);
        }
        self.are_limited.store(queue.is_some() || batch.is_some(), Ordering::Relaxed);
    }

    #[inline(always)]
    pub(crate) fn are_limited(&self) -> bool {
        self.are_limited.load(Ordering::Relaxed)
    }

    /// How many records may wait; `None`: bytes alone decide.
    pub(super) fn queue(&self) -> Option<u64> {
        Some(self.queue.load(Ordering::Relaxed)).filter(|limit| *limit != u64::MAX)
    }

    /// How many records travel in one request at most.
    pub(crate) fn batch(&self) -> u64 {
        self.batch.load(Ordering::Relaxed)
    }

    /// Counts one record, if there is room.
    pub(crate) fn admit(&self) -> Admission {
        let limit = self.queue.load(Ordering::Relaxed);
        let counted = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
            (waiting < limit).then_some(waiting + 1)
        });
        let completes_batch = counted.is_ok_and(|before| (before + 1) % self.batch() == 0);
        Admission { is_granted: counted.is_ok(), completes_batch }
    }

    /// Takes records out of the count. Some may have come before there were limits.
    pub(crate) fn left(&self, records: u64) {
        if self.are_limited() {
            let less = |waiting: u64| Some(waiting.saturating_sub(records));
            // The closure never refuses.
            let _ = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Items;

    #[test]
    fn as_many_as_the_limit_are_admitted_until_some_have_left() {
        let items = Items::default();
        assert!(!items.are_limited());
        items.set_limits(Some(3), None);
        let granted = || (0..5).filter(|_| items.admit().is_granted).count();
        assert_eq!(granted(), 3);
        items.left(2);
        assert_eq!(granted(), 2);
        items.left(100);
        assert_eq!(granted(), 3);
    }

    #[test]
    fn limits_that_come_back_find_nobody_waiting() {
        let items = Items::default();
        items.set_limits(Some(1), None);
        assert!(items.admit().is_granted);
        items.set_limits(None, None);
        items.left(1);
        items.set_limits(Some(1), None);
        assert!(items.admit().is_granted);
    }

    #[test]
    fn a_batch_is_announced_when_it_is_together() {
        let items = Items::default();
        items.set_limits(None, Some(2));
        let complete: Vec<_> = (0..5).map(|_| items.admit().completes_batch).collect();
        assert_eq!(complete, [false, true, false, true, false]);
        items.set_limits(Some(10), Some(20));
        assert_eq!(items.batch(), 10, "no larger than the queue");
    }
}
