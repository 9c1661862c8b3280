//! One thread's part of one series: written by that thread alone with plain loads and stores,
//! read by the collector while it is written.
//!
//! Whole numbers only grow, and the collector remembers how far it has read. Sums of `f64` and
//! histograms take *turns*: see [`Turn`]. Exponential histograms lie behind a lock of their own.

use super::exponential::Exponential;
use super::number::Number;
use super::series::Series;
use super::total::Buckets;
use crate::pipeline::lock::Lock;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};

/// On a cache line of its own: its neighbour belongs to another thread.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Cell {
    pub(crate) body: Body,
    /// The series is at its end: its thread asks for a new one. What is written nevertheless is
    /// collected as well.
    dead: AtomicBool,
    pub(crate) series: Arc<Series>,
    /// The measurements that were offered as exemplars, by slot, in the interval of `offered_in`.
    pub(crate) offered: Box<[AtomicU32]>,
    pub(crate) offered_in: AtomicU32,
}

#[derive(Debug)]
pub(crate) enum Body {
    /// A sum of whole numbers.
    Whole(WholeSum),
    /// A sum of `f64`.
    Float(FloatSum),
    /// The last value lies in the series: which thread was last is decided by the memory.
    Last,
    Explicit(ExplicitCell),
    Exponential(Box<Lock<Exponential>>),
}

impl Cell {
    pub(crate) fn new(series: Arc<Series>, body: Body, slots: usize) -> Self {
        Self {
            body,
            dead: AtomicBool::new(false),
            series,
            offered: (0..slots).map(|_| AtomicU32::new(0)).collect(),
            offered_in: AtomicU32::new(0),
        }
    }

    #[inline(always)]
    pub(crate) fn is_dead(&self) -> bool {
        // Relaxed: a write that comes too late is collected as well.
        self.dead.load(Ordering::Relaxed)
    }

    pub(crate) fn end(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    /// Adds a measurement; only its own thread does. Returns the bucket, or 0.
    #[inline(always)]
    pub(crate) fn record<N: Number>(&self, value: N) -> usize {
        match &self.body {
            Body::Whole(sum) => sum.add(value.bits()),
            Body::Float(sum) => sum.add(value.to_float()),
            Body::Last => self.series.last.set(value.bits()),
            Body::Explicit(histogram) => return histogram.record(value.to_float()),
            Body::Exponential(histogram) => histogram.with(|it| it.record(value.to_float())),
        }
        0
    }
}

/// A sum of whole numbers, modulo 2^64.
#[derive(Debug, Default)]
pub(crate) struct WholeSum {
    sum: AtomicU64,
    count: AtomicU64,
}

impl WholeSum {
    #[inline(always)]
    fn add(&self, bits: u64) {
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
        let before = std::mem::replace(seen, (sum, count));
        (count != before.1 || sum != before.0).then(|| sum.wrapping_sub(before.0))
    }
}

/// Who writes, and what of it was read. The writer counts its turns, by two; an odd number says
/// that it is in the middle of one. The collector reads between two turns and says so. A writer
/// that finds that all it wrote was read begins from nothing, so nothing is subtracted, and least
/// and largest values are those of the interval.
#[derive(Debug, Default)]
struct Turn {
    turns: AtomicU64,
    read: AtomicU64,
    /// What is there was written behind this turn.
    since: AtomicU64,
}

/// What the collector saw.
struct Look<R> {
    turns: u64,
    since: u64,
    content: R,
}

/// How long a collector waits for a thread that lost its processor in the middle of a turn. What
/// it holds comes with the next collection.
const PATIENCE: Duration = Duration::from_millis(50);

impl Turn {
    /// Runs `write`, and tells it whether to begin from nothing.
    #[inline(always)]
    fn take(&self, write: impl FnOnce(bool)) {
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

    /// Looks at what came since it was last looked at; `None`: nothing, or the writer stands still.
    fn look<R>(&self, content: impl Fn() -> R) -> Option<Look<R>> {
        let begun = Instant::now();
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
            } else if begun.elapsed() > PATIENCE {
                return None;
            } else {
                std::thread::yield_now();
            }
        }
    }

    /// Tells the writer what was read. Returns whether the look shows more than what came since
    /// the one before: the writer had begun its turn when that one was told.
    fn told<R>(&self, look: &Look<R>) -> bool {
        let before = self.read.load(Ordering::Relaxed);
        // Release: pairs with the writer's look at it.
        self.read.store(look.turns, Ordering::Release);
        look.since != before
    }
}

/// A sum of `f64`.
#[derive(Debug, Default)]
pub(crate) struct FloatSum {
    turn: Turn,
    sum: AtomicU64,
}

impl FloatSum {
    #[inline(always)]
    fn add(&self, value: f64) {
        self.turn.take(|fresh| {
            let before = if fresh { 0.0 } else { load(&self.sum) };
            store(&self.sum, before + value);
        });
    }

    pub(crate) fn since(&self, seen: &mut f64) -> Option<f64> {
        let look = self.turn.look(|| load(&self.sum))?;
        let overlaps = self.turn.told(&look);
        let before = std::mem::replace(seen, look.content);
        Some(if overlaps { look.content - before } else { look.content })
    }
}

/// A histogram with given bounds.
#[derive(Debug)]
pub(crate) struct ExplicitCell {
    turn: Turn,
    sum: AtomicU64,
    min: AtomicU64,
    max: AtomicU64,
    counts: Box<[AtomicU64]>,
    bounds: Arc<[f64]>,
}

impl ExplicitCell {
    pub(crate) fn new(bounds: Arc<[f64]>) -> Self {
        Self {
            turn: Turn::default(),
            sum: AtomicU64::default(),
            min: AtomicU64::new(f64::INFINITY.to_bits()),
            max: AtomicU64::new(f64::NEG_INFINITY.to_bits()),
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            bounds,
        }
    }

    #[inline(always)]
    fn record(&self, value: f64) -> usize {
        let bucket = bucket(&self.bounds, value);
        self.turn.take(|fresh| {
            if fresh {
                self.clear();
            }
            store(&self.sum, load(&self.sum) + value);
            if value < load(&self.min) {
                store(&self.min, value);
            }
            if value > load(&self.max) {
                store(&self.max, value);
            }
            if let Some(count) = self.counts.get(bucket) {
                count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
            }
        });
        bucket
    }

    #[cold]
    #[inline(never)]
    fn clear(&self) {
        store(&self.sum, 0.0);
        store(&self.min, f64::INFINITY);
        store(&self.max, f64::NEG_INFINITY);
        for count in &self.counts {
            count.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn since(&self, seen: &mut Option<Buckets>) -> Option<Buckets> {
        let look = self.turn.look(|| Buckets {
            counts: self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: load(&self.sum),
            min: load(&self.min),
            max: load(&self.max),
        })?;
        let overlaps = self.turn.told(&look);
        let before = seen.replace(look.content.clone());
        Some(match before {
            Some(before) if overlaps => look.content.without(&before),
            _ => look.content,
        })
    }
}

/// The number of bounds that lie below the value: each bucket holds its upper bound.
#[inline(always)]
pub(crate) fn bucket(bounds: &[f64], value: f64) -> usize {
    if bounds.len() <= 32 {
        // Without a branch that the processor could guess wrong.
        return bounds.iter().map(|bound| usize::from(*bound < value)).sum();
    }
    bounds.partition_point(|bound| *bound < value)
}

#[inline(always)]
fn load(number: &AtomicU64) -> f64 {
    f64::from_bits(number.load(Ordering::Relaxed))
}

#[inline(always)]
fn store(number: &AtomicU64, value: f64) {
    number.store(value.to_bits(), Ordering::Relaxed);
}
