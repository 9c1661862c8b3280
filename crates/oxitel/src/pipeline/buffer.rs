//! Buffers: what a chunk fills, the queue holds and the sender writes, without a copy between.
//!
//! A buffer moves by ownership and comes back to the pool when its bytes are on the wire. Its
//! *capacity* counts against the byte budget from the moment a thread takes it.

use super::scope::ScopeData;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a thread takes for its first record.
pub(crate) const SMALLEST: usize = 4 * 1024;
/// A chunk is handed over when the next record would not fit into so much.
pub(crate) const LARGEST: usize = 64 * 1024;
/// 4, 8, 16, 32 and 64 KiB.
const CLASSES: usize = 5;
/// Pooled buffers of each size.
const POOLED: usize = 32;

/// A stretch of records of one scope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) scope: &'static ScopeData,
    pub(crate) offset: u32,
    pub(crate) length: u32,
    pub(crate) records: u32,
}

/// Encoded records and the index over them.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) runs: Vec<Run>,
    pub(crate) records: u64,
    /// What was taken from the budget for it.
    charged: usize,
}

impl Buffer {
    /// What was taken from the budget for it.
    pub(crate) fn charged(&self) -> usize {
        self.charged
    }

    /// Takes a copy of what another buffer held.
    #[cfg(feature = "python")]
    pub(crate) fn fill(&mut self, bytes: &[u8], runs: &[Run], records: u64) {
        self.bytes.extend_from_slice(bytes);
        self.runs.extend_from_slice(runs);
        self.records = records;
    }

    /// Notes that bytes from `offset` on are one more record of `scope`.
    #[inline]
    pub(crate) fn note(&mut self, scope: &'static ScopeData, offset: usize) {
        let length = (self.bytes.len() - offset) as u32;
        self.records += 1;
        match self.runs.last_mut() {
            Some(run) if std::ptr::eq(run.scope, scope) => {
                run.length += length;
                run.records += 1;
            }
            _ => self.runs.push(Run { scope, offset: offset as u32, length, records: 1 }),
        }
    }
}

/// The memory of one signal: a budget and the buffers between two uses.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: AtomicUsize,
    used: AtomicUsize,
    pool: Mutex<[Vec<Buffer>; CLASSES]>,
}

impl Memory {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit: AtomicUsize::new(limit),
            used: AtomicUsize::new(0),
            pool: Mutex::new(std::array::from_fn(|_| Vec::with_capacity(POOLED))),
        }
    }

    pub(crate) fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// A buffer for at least `bytes`, or `None` when the budget is spent.
    pub(crate) fn take(&self, bytes: usize) -> Option<Buffer> {
        let bytes = bytes.max(SMALLEST);
        let capacity = if bytes <= LARGEST { bytes.next_power_of_two() } else { bytes };
        if !self.charge(capacity) {
            return None;
        }
        let pooled = class(capacity).and_then(|class| lock(&self.pool)[class].pop());
        let mut buffer = pooled.unwrap_or_else(|| Buffer {
            bytes: Vec::with_capacity(capacity),
            runs: Vec::with_capacity(8),
            ..Buffer::default()
        });
        buffer.charged = capacity;
        Some(buffer)
    }

    /// Takes a buffer back; its records have been dealt with.
    pub(crate) fn give_back(&self, mut buffer: Buffer) {
        // Relaxed: a count; the memory itself is handed on under the pool's lock.
        self.used.fetch_sub(buffer.charged, Ordering::Relaxed);
        let Some(class) = class(buffer.bytes.capacity()) else { return };
        buffer.bytes.clear();
        buffer.runs.clear();
        buffer.records = 0;
        let mut pool = lock(&self.pool);
        if pool[class].len() < POOLED {
            pool[class].push(buffer);
        }
    }

    /// More than half of the budget is in use.
    pub(crate) fn is_short(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.limit.load(Ordering::Relaxed) / 2
    }

    fn charge(&self, bytes: usize) -> bool {
        let limit = self.limit.load(Ordering::Relaxed);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|total| *total <= limit)
            })
            .is_ok()
    }
}

/// The pool a buffer of this capacity belongs to; odd sizes are not pooled.
fn class(capacity: usize) -> Option<usize> {
    let pooled = capacity.is_power_of_two() && (SMALLEST..=LARGEST).contains(&capacity);
    pooled.then(|| (capacity / SMALLEST).trailing_zeros() as usize)
}

/// A poisoned lock only says that a thread died while it held plain memory; the memory is fine.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{LARGEST, Memory, SMALLEST};

    #[test]
    fn the_budget_counts_capacity_until_the_buffer_is_back() {
        let memory = Memory::new(2 * SMALLEST);
        let first = memory.take(1).expect("room for one");
        let second = memory.take(SMALLEST).expect("room for two");
        assert!(memory.take(1).is_none(), "the budget is spent");
        memory.give_back(first);
        let third = memory.take(10).expect("room again");
        assert_eq!(third.bytes.capacity(), SMALLEST);
        memory.give_back(second);
        memory.give_back(third);
        assert!(memory.take(SMALLEST + 1).is_some(), "8 KiB fit into an empty budget of 8");
    }

    #[test]
    fn a_record_larger_than_any_class_gets_its_own_size() {
        let memory = Memory::new(10 * LARGEST);
        let buffer = memory.take(LARGEST + 1).expect("room");
        assert!(buffer.bytes.capacity() > LARGEST);
        memory.give_back(buffer);
        assert!(memory.take(10 * LARGEST).is_some(), "all of it came back");
    }
}
