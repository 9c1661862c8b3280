//! What a series has come to: merged from its threads' cells, by the collector alone.

use super::exponential::Exponential;
use super::number::{AnyNumber, NumberType};
use super::stream::How;

/// An aggregate of measurements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Total {
    Sum(AnyNumber),
    Last(AnyNumber),
    Explicit(Buckets),
    Exponential(Box<Exponential>),
}

/// The counts of a histogram with given bounds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Buckets {
    pub(crate) counts: Vec<u64>,
    pub(crate) sum: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Buckets {
    pub(crate) fn new(bounds: usize) -> Self {
        let counts = vec![0; bounds + 1];
        Self { counts, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Without what was there before. The least and the largest value stay: those of the
    /// difference cannot be told.
    pub(crate) fn without(&self, before: &Self) -> Self {
        let pairs = self.counts.iter().zip(&before.counts);
        Self {
            counts: pairs.map(|(now, before)| now.wrapping_sub(*before)).collect(),
            sum: self.sum - before.sum,
            ..*self
        }
    }

    fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *ours = ours.saturating_add(*theirs);
        }
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

impl Total {
    /// Of no measurement.
    pub(crate) fn nothing(how: &How, number: NumberType) -> Self {
        match how {
            How::Sum => Self::Sum(AnyNumber::zero(number)),
            How::Last => Self::Last(AnyNumber::zero(number)),
            How::Explicit { bounds, .. } => Self::Explicit(Buckets::new(bounds.len())),
            How::Exponential { max_size, max_scale, .. } => {
                Self::Exponential(Box::new(Exponential::new(*max_size, *max_scale)))
            }
        }
    }

    /// Adds what another one of the same kind has.
    pub(crate) fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Sum(ours), Self::Sum(theirs)) => *ours = ours.plus(*theirs),
            (Self::Last(ours), Self::Last(theirs)) => *ours = *theirs,
            (Self::Explicit(ours), Self::Explicit(theirs)) => ours.merge(theirs),
            (Self::Exponential(ours), Self::Exponential(theirs)) => ours.merge(theirs),
            // All aggregates of a series are of its stream's kind.
            _ => {}
        }
    }

    /// Adds a measurement.
    pub(crate) fn record(&mut self, value: AnyNumber, how: &How) {
        match (self, how) {
            (Self::Sum(sum), _) => *sum = sum.plus(value),
            (Self::Last(last), _) => *last = value,
            (Self::Explicit(buckets), How::Explicit { bounds, .. }) => {
                let value = value.as_f64();
                if let Some(count) = buckets.counts.get_mut(super::cell::bucket(bounds, value)) {
                    *count += 1;
                }
                buckets.sum += value;
                buckets.min = buckets.min.min(value);
                buckets.max = buckets.max.max(value);
            }
            (Self::Exponential(histogram), _) => histogram.record(value.as_f64()),
            (Self::Explicit(_), _) => {}
        }
    }
}
