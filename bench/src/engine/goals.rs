//! Which number of ours is held against which of whose.
//!
//! Every metric is a cost: less is better, and a goal is the share of the peer's cost that ours
//! may be. A goal of zero asks for zero, whatever the peer has.

use super::case::Candidate::{
    self, Direct, DirectSystemClock, Fastrace, Layer, OpenTelemetry, Subscriber, Tracing,
    TracingOpenTelemetry,
};
use super::case::Case::{self, Disabled, Exported, SampledOut, Saturation};
use super::observation::Metric::{self, Allocations, Caller, Lost, Total, Wire};

/// One line of the result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparison {
    pub(crate) case: Case,
    pub(crate) ours: Candidate,
    pub(crate) metric: Metric,
    pub(crate) peer: Candidate,
    /// `None`: shown for information.
    pub(crate) goal: Option<f64>,
}

impl Comparison {
    /// Whether the goal is reached, if there is one.
    pub(crate) fn is_met(&self, ours: f64, theirs: f64) -> Option<bool> {
        self.goal.map(|goal| ours <= goal * theirs)
    }
}

const fn of(
    case: Case,
    ours: Candidate,
    metric: Metric,
    peer: Candidate,
    goal: Option<f64>,
) -> Comparison {
    Comparison { case, ours, metric, peer, goal }
}

pub(crate) const COMPARISONS: &[Comparison] = &[
    of(Exported, Direct, Caller, OpenTelemetry, Some(0.22)),
    of(Exported, Direct, Total, OpenTelemetry, Some(0.12)),
    of(Exported, Direct, Allocations, OpenTelemetry, Some(0.0)),
    of(Exported, Direct, Wire, OpenTelemetry, Some(1.0)),
    of(Exported, Direct, Caller, Fastrace, Some(0.55)),
    of(Exported, Direct, Total, Fastrace, Some(0.11)),
    of(Exported, DirectSystemClock, Caller, OpenTelemetry, Some(0.30)),
    of(Exported, DirectSystemClock, Total, OpenTelemetry, None),
    of(Exported, Subscriber, Caller, TracingOpenTelemetry, Some(0.12)),
    of(Exported, Subscriber, Total, TracingOpenTelemetry, Some(0.08)),
    of(Exported, Subscriber, Allocations, TracingOpenTelemetry, Some(0.0)),
    of(Exported, Subscriber, Wire, TracingOpenTelemetry, Some(0.5)),
    of(Exported, Layer, Caller, TracingOpenTelemetry, Some(0.27)),
    of(Exported, Layer, Total, TracingOpenTelemetry, Some(0.15)),
    of(Exported, Layer, Allocations, TracingOpenTelemetry, Some(0.0)),
    of(Exported, Layer, Wire, TracingOpenTelemetry, Some(0.5)),
    of(SampledOut, Direct, Caller, Fastrace, Some(0.3)),
    of(SampledOut, Direct, Caller, OpenTelemetry, None),
    of(SampledOut, Direct, Allocations, Fastrace, Some(0.0)),
    of(SampledOut, Subscriber, Caller, TracingOpenTelemetry, Some(0.05)),
    of(SampledOut, Subscriber, Allocations, TracingOpenTelemetry, Some(0.0)),
    of(SampledOut, Layer, Caller, TracingOpenTelemetry, Some(0.22)),
    of(SampledOut, Layer, Allocations, TracingOpenTelemetry, Some(0.0)),
    of(Disabled, Direct, Caller, Tracing, Some(1.2)),
    of(Disabled, Direct, Allocations, Tracing, Some(0.0)),
    of(Disabled, Subscriber, Caller, Tracing, Some(1.2)),
    of(Disabled, Subscriber, Allocations, Tracing, Some(0.0)),
    of(Saturation, Direct, Lost, OpenTelemetry, Some(0.0)),
    of(Saturation, Direct, Total, OpenTelemetry, None),
    of(Saturation, Direct, Lost, Fastrace, Some(0.0)),
    of(Saturation, Direct, Total, Fastrace, None),
    of(Saturation, Subscriber, Lost, TracingOpenTelemetry, Some(0.0)),
    of(Saturation, Subscriber, Total, TracingOpenTelemetry, None),
    of(Saturation, Layer, Lost, TracingOpenTelemetry, Some(0.0)),
    of(Saturation, Layer, Total, TracingOpenTelemetry, None),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_of_every_comparison_are_measured_in_its_case() {
        for comparison in COMPARISONS {
            let measured = comparison.case.candidates();
            assert!(measured.contains(&comparison.ours), "{comparison:?}");
            assert!(measured.contains(&comparison.peer), "{comparison:?}");
            assert!(comparison.ours.is_ours() && !comparison.peer.is_ours(), "{comparison:?}");
        }
    }

    #[test]
    fn a_goal_is_a_share_of_the_peers_cost_and_zero_asks_for_zero() {
        let with = |goal| of(Exported, Direct, Caller, OpenTelemetry, goal);
        assert_eq!(with(Some(0.22)).is_met(22.0, 100.0), Some(true));
        assert_eq!(with(Some(0.22)).is_met(22.1, 100.0), Some(false));
        assert_eq!(with(Some(0.0)).is_met(0.0, 0.0), Some(true));
        assert_eq!(with(Some(0.0)).is_met(0.01, 4.0), Some(false));
        assert_eq!(with(None).is_met(1.0, 100.0), None);
    }
}
