//! What one process cost and what arrived of it; and the same over all rounds.

use super::case::Case;
use crate::measure::{Order, Sample};
use crate::receiver::Count;
use crate::workload;
use anyhow::ensure;

/// A cost per span; less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    /// CPU time of the thread that records, in nanoseconds.
    Caller,
    /// CPU time of the whole process, export included, in nanoseconds; at saturation it is
    /// divided by the spans that arrived.
    Total,
    /// Allocations on the thread that records.
    Allocations,
    /// Bytes of request bodies.
    Wire,
    /// The share of spans that did not arrive, in percent.
    Lost,
}

impl Metric {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller_ns",
            Self::Total => "total_ns",
            Self::Allocations => "allocations",
            Self::Wire => "wire_bytes",
            Self::Lost => "lost_percent",
        }
    }

    /// `None` where it says nothing: bytes and losses of spans that nobody sends.
    pub(crate) fn of(self, observation: &Observation) -> Option<f64> {
        match self {
            Self::Caller => Some(observation.caller_ns),
            Self::Total => Some(observation.total_ns),
            Self::Allocations => observation.allocations,
            Self::Wire => observation.wire_bytes,
            Self::Lost => observation.lost_percent,
        }
    }
}

/// One process of one round, per span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observation {
    caller_ns: f64,
    total_ns: f64,
    allocations: Option<f64>,
    wire_bytes: Option<f64>,
    lost_percent: Option<f64>,
}

impl Observation {
    /// Joins both sides. What was recorded must be what arrived, or the costs mean nothing: all of
    /// it when exported, none when sampled out or disabled.
    pub(crate) fn new(order: &Order, sample: &Sample, arrived: &Count) -> anyhow::Result<Self> {
        let made = sample.spans;
        match order.case {
            Case::Exported => {
                ensure!(arrived.spans == made, "{} of {made} spans arrived", arrived.spans);
                check_content(arrived)?;
            }
            Case::SampledOut | Case::Disabled => {
                ensure!(arrived.spans == 0, "{} spans arrived, none should", arrived.spans);
            }
            Case::Saturation => {
                ensure!(arrived.spans <= made, "{} of {made} spans arrived", arrived.spans);
                ensure!(arrived.spans > 0, "none of {made} spans arrived");
            }
        }
        let delivered = arrived.spans as f64 / made as f64;
        let paid_for = if order.case == Case::Saturation { delivered } else { 1.0 };
        let sends = order.case.sends();
        Ok(Self {
            caller_ns: sample.caller_ns,
            total_ns: sample.total_ns / paid_for,
            allocations: sample.allocations,
            wire_bytes: sends.then(|| arrived.bytes as f64 / arrived.spans as f64),
            lost_percent: sends.then_some(100.0 * (1.0 - delivered)),
        })
    }
}

/// The same work for all: ten of eleven spans have a parent, and no attribute is missing.
fn check_content(arrived: &Count) -> anyhow::Result<()> {
    let Count { spans, children, attributes, .. } = *arrived;
    let expected = spans / workload::SPANS * workload::CHILDREN;
    ensure!(children == expected, "{children} of {spans} spans have a parent, not {expected}");
    let least = spans * workload::ATTRIBUTES;
    ensure!(attributes >= least, "{attributes} attributes on {spans} spans, {least} were set");
    Ok(())
}

/// One metric over all rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// `None` when there was no round.
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let upper = values[values.len() / 2];
        let lower = values[(values.len() - 1) / 2];
        Some(Self { median: f64::midpoint(lower, upper), least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::Candidate;
    use super::*;

    const SAMPLE: Sample =
        Sample { spans: 22, caller_ns: 80.0, total_ns: 150.0, allocations: None };
    const ALL: Count =
        Count { spans: 22, children: 20, attributes: 88, records: 0, placed: 0, bytes: 2_200 };

    fn observed(case: Case, arrived: Count) -> Result<Observation, String> {
        let (candidate, endpoint) = (Candidate::Direct, String::new());
        let order = Order { case, candidate, endpoint, bursts: 1 };
        Observation::new(&order, &SAMPLE, &arrived).map_err(|error| error.to_string())
    }

    #[test]
    fn what_does_not_arrive_as_recorded_is_an_error() {
        let error = |case, arrived| observed(case, arrived).expect_err("should not be accepted");
        let one_lost = Count { spans: 21, ..ALL };
        assert_eq!(error(Case::Exported, one_lost), "21 of 22 spans arrived");
        let orphans = Count { children: 0, ..ALL };
        assert_eq!(error(Case::Exported, orphans), "0 of 22 spans have a parent, not 20");
        let bare = Count { attributes: 87, ..ALL };
        assert_eq!(error(Case::Exported, bare), "87 attributes on 22 spans, 88 were set");
        assert_eq!(error(Case::SampledOut, ALL), "22 spans arrived, none should");
        assert_eq!(error(Case::Saturation, Count::default()), "none of 22 spans arrived");
    }

    #[test]
    fn at_saturation_the_delivered_pay_for_the_lost() {
        let half = Count { spans: 11, ..ALL };
        let observation = observed(Case::Saturation, half).expect("losses are a result");
        assert_eq!(Metric::Lost.of(&observation), Some(50.0));
        assert_eq!(Metric::Total.of(&observation), Some(300.0));
        assert_eq!(Metric::Wire.of(&observation), Some(200.0));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        let spread = |values: &[f64]| Spread::of(values.iter().copied());
        let three = Spread { median: 2.0, least: 1.0, most: 9.0 };
        assert_eq!(spread(&[9.0, 1.0, 2.0]), Some(three));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 9.0]).map(|four| four.median), Some(3.0));
        assert_eq!(spread(&[]), None);
    }
}
