//! One thread's part of one series: written by that thread alone with plain loads and stores,
//! read by the collector while it is written.
//!
//! Sums of whole numbers are a [`WholeSum`], sums of `f64` and histograms take [turns](Turn). An
//! instrument of both has both.
//! Exponential histograms lie behind a lock of their own.

use super::exponential::Exponential;
use super::number::{AnyNumber, Number};
use super::series::Series;
use super::total::Buckets;
use crate::pipeline::lock::Lock;
use crate::pipeline::turn::{Turn, WholeSum};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
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
    /// A sum of those numbers that were whole, and one of the others.
    Either(WholeSum, FloatSum),
    /// The last value lies in the series: which thread was last is decided by the memory.
    Last,
    /// The same, of numbers that say each what they are.
    LastEither,
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
            Body::Either(whole, float) => match value.any() {
                AnyNumber::F64(value) => float.add(value),
                AnyNumber::I64(_) | AnyNumber::U64(_) => whole.add(value.bits()),
            },
            Body::Last => self.series.last.set(value.bits()),
            Body::LastEither => self.series.last.set_either(value.any()),
            Body::Explicit(histogram) => return histogram.record(value.to_float()),
            Body::Exponential(histogram) => histogram.with(|it| it.record(value.to_float())),
        }
        0
    }
}

/// How long a collector waits for a thread that lost its processor in the middle of a turn. What
/// it holds comes with the next collection.
fn patience() -> impl FnMut() -> bool {
    const PATIENCE: Duration = Duration::from_millis(50);
    let begun = Instant::now();
    move || begun.elapsed() < PATIENCE
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
        let look = self.turn.look(|| load(&self.sum), patience())?;
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
        let content = || Buckets {
            counts: self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: load(&self.sum),
            min: load(&self.min),
            max: load(&self.max),
        };
        let look = self.turn.look(content, patience())?;
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
