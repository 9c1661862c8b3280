//! Examples: single measurements that are kept with the span they were made in.
//!
//! A thread offers each measurement that the filter lets through; the n-th offer of an interval
//! takes a place with the probability that gives all of them the same chance, so most offers end
//! with a random number.

use super::cell::Cell;
use super::number::{AnyNumber, Number};
use crate::config::ExemplarFilter;
use crate::context::Ids;
use crate::pipeline::{clock, local};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// One measurement.
#[derive(Clone, Debug)]
pub(crate) struct Exemplar {
    pub(crate) value: AnyNumber,
    pub(crate) time_ns: u64,
    /// The sampled span that it was made in.
    pub(crate) span: Option<Ids>,
    /// The attributes that a view left out, as fields of an exemplar.
    pub(crate) left_out: Arc<[u8]>,
}

/// How many places there are, and which one is whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slots {
    None,
    /// One for each bucket.
    ByBucket(usize),
    /// So many for all.
    Any(usize),
}

impl Slots {
    pub(crate) fn places(self) -> usize {
        match self {
            Self::None => 0,
            Self::ByBucket(count) | Self::Any(count) => count,
        }
    }

    /// How many kinds of offers are counted by themselves.
    pub(crate) fn counters(self) -> usize {
        match self {
            Self::None => 0,
            Self::ByBucket(count) => count,
            Self::Any(_) => 1,
        }
    }
}

/// Which span a measurement was made in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Within {
    /// The one that is current on its thread.
    Current,
    /// Who records it knows better; only a sampled one is of use.
    Told(Option<Ids>),
}

impl Within {
    #[inline(always)]
    pub(crate) fn may_be_sampled(self) -> bool {
        match self {
            Self::Current => local::may_have_span(),
            Self::Told(span) => span.is_some(),
        }
    }

    fn sampled(self) -> Option<Ids> {
        match self {
            Self::Current => local::sampled(),
            Self::Told(span) => span,
        }
    }
}

/// What a thread brings along.
pub(crate) struct Offer<'a> {
    pub(crate) within: Within,
    /// Counts collections.
    pub(crate) interval: &'a AtomicU32,
    pub(crate) random: &'a mut u64,
}

/// A measurement that has just been recorded.
pub(crate) struct Measured<'a, N> {
    pub(crate) value: N,
    pub(crate) bucket: usize,
    pub(crate) left_out: Option<&'a Arc<[u8]>>,
}

/// Offers a measurement that the filter may let through.
#[inline(never)]
pub(crate) fn offer<N: Number>(
    cell: &Cell,
    made: &Measured<'_, N>,
    filter: ExemplarFilter,
    Offer { within, interval, random }: Offer<'_>,
) {
    let span = within.sampled();
    if cell.offered.is_empty() || span.is_none() && filter != ExemplarFilter::AlwaysOn {
        return;
    }
    let Measured { bucket, left_out, .. } = *made;
    let value = made.value.any();
    // Relaxed throughout: only this thread writes these.
    let interval = interval.load(Ordering::Relaxed);
    if cell.offered_in.load(Ordering::Relaxed) != interval {
        cell.offered_in.store(interval, Ordering::Relaxed);
        for count in &cell.offered {
            count.store(0, Ordering::Relaxed);
        }
    }
    let by_bucket = cell.offered.len() > 1;
    let Some(counter) = cell.offered.get(if by_bucket { bucket } else { 0 }) else { return };
    let before = counter.load(Ordering::Relaxed);
    counter.store(before.saturating_add(1), Ordering::Relaxed);
    let places = if by_bucket { 1 } else { cell.series.exemplars.len() as u64 };
    let chance = if u64::from(before) < places {
        u64::from(before)
    } else {
        next(random) % (u64::from(before) + 1)
    };
    if chance >= places {
        return;
    }
    let place = if by_bucket { bucket } else { chance as usize };
    let left_out = left_out.cloned().unwrap_or_default();
    let exemplar = Exemplar { value, time_ns: clock::now().wall_ns, span, left_out };
    if let Some(place) = cell.series.exemplars.get(place) {
        // Taken by another thread just now: its measurement is as good.
        place.try_with(|place| *place = Some(exemplar));
    }
}

/// A xorshift generator: which measurement becomes an example is no secret.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
