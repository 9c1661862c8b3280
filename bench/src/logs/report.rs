//! Which cost of ours is held against which of whose: JSON lines on the standard output, a table
//! on the standard error.

use super::Candidate::{Appender, FmtJson, Forward, JsonLines, Layer, Scope, Subscriber};
use super::{Candidate, Sample};
use crate::report::version;
use anyhow::Context;
use serde::Serialize;
use std::io::{self, Write};

/// A name, and where it is in a sample.
type Metric = (&'static str, fn(&Sample) -> f64);

/// What is measured of a record.
const METRICS: [Metric; 4] = [
    ("caller_ns", |sample| sample.caller_ns),
    ("total_ns", |sample| sample.total_ns),
    ("allocations", |sample| sample.allocations),
    ("wire_bytes", |sample| sample.wire_bytes),
];

/// Ours, the metric's place, the peer, and how much of the peer's cost ours may be.
const COMPARISONS: [(Candidate, usize, Candidate, Option<f64>); 16] = [
    (Layer, 0, Appender, Some(0.30)),
    (Layer, 1, Appender, Some(0.15)),
    (Layer, 2, Appender, Some(0.0)),
    (Layer, 3, Appender, None),
    (Subscriber, 0, Appender, Some(0.30)),
    (Subscriber, 1, Appender, Some(0.15)),
    (Subscriber, 2, Appender, Some(0.0)),
    (Scope, 0, Appender, Some(0.30)),
    (Scope, 1, Appender, Some(0.15)),
    (Scope, 2, Appender, Some(0.0)),
    (Scope, 3, Appender, None),
    (Forward, 0, Appender, None),
    (Forward, 1, Appender, None),
    (Forward, 2, Appender, Some(0.0)),
    (JsonLines, 0, FmtJson, None),
    (JsonLines, 2, FmtJson, None),
];

/// One JSON line.
#[derive(Debug, Serialize)]
struct Line<'a> {
    case: &'a str,
    metric: &'a str,
    ours: f64,
    peer: &'a str,
    peer_version: &'a str,
    theirs: f64,
    /// `null` when the peer's cost is zero.
    ratio: Option<f64>,
    goal: Option<f64>,
    ok: Option<bool>,
}

pub(super) fn print(samples: &[(Candidate, Sample)]) -> anyhow::Result<()> {
    eprintln!(
        "{:<32}{:>12}{:>12}{:>14}{:>12}",
        "a record", "caller ns", "process ns", "allocations", "wire bytes"
    );
    for candidate in Candidate::ALL {
        let cost = |metric| median(samples, candidate, metric);
        let (caller, total, allocations, wire) = (cost(0)?, cost(1)?, cost(2)?, cost(3)?);
        let name = candidate.name();
        eprintln!("{name:<32}{caller:>12.0}{total:>12.0}{allocations:>14.2}{wire:>12.0}");
    }
    eprintln!();
    COMPARISONS.iter().try_for_each(|comparison| compare(samples, *comparison))
}

fn compare(
    samples: &[(Candidate, Sample)],
    (candidate, metric, peer, goal): (Candidate, usize, Candidate, Option<f64>),
) -> anyhow::Result<()> {
    let (ours, theirs) = (median(samples, candidate, metric)?, median(samples, peer, metric)?);
    let (case, name, peer) = (candidate.name(), METRICS[metric].0, peer.name());
    let ratio = (theirs > 0.0).then(|| ours / theirs);
    // A goal of zero asks for zero, whatever the peer has.
    let ok = goal.map(|goal| ours <= goal * theirs);
    let mark = ok.map_or(' ', |ok| if ok { '✓' } else { '✗' });
    let goal_shown = goal.map_or("-".to_owned(), |goal| goal.to_string());
    let shown = ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.3}"));
    eprintln!("{mark} {case:<12} {name:<12} {shown:>8}  goal {goal_shown:>4}  {peer}");
    let rounded = |number: f64| (number * 1_000.0).round() / 1_000.0;
    let line = Line {
        case,
        metric: name,
        ours: rounded(ours),
        peer,
        peer_version: version(peer).unwrap_or("unknown"),
        theirs: rounded(theirs),
        ratio: ratio.map(rounded),
        goal,
        ok,
    };
    writeln!(io::stdout(), "{}", serde_json::to_string(&line)?).context("standard output")
}

fn median(samples: &[(Candidate, Sample)], who: Candidate, metric: usize) -> anyhow::Result<f64> {
    let of_candidate = samples.iter().filter(|(candidate, _)| *candidate == who);
    let mut costs: Vec<f64> = of_candidate.map(|(_, sample)| METRICS[metric].1(sample)).collect();
    costs.sort_by(f64::total_cmp);
    costs.get(costs.len() / 2).copied().with_context(|| format!("nothing of {}", who.name()))
}

#[cfg(test)]
mod tests {
    use super::{Candidate, Sample, median};

    #[test]
    fn a_cost_is_the_median_of_the_rounds_of_its_candidate() {
        let sample = |caller_ns| Sample {
            records: 1,
            caller_ns,
            total_ns: 0.0,
            allocations: 0.0,
            wire_bytes: 0.0,
        };
        let of_layer = [3.0, 1.0, 9.0].map(|caller_ns| (Candidate::Layer, sample(caller_ns)));
        let others = [(Candidate::Scope, sample(100.0))];
        let samples = [of_layer.as_slice(), &others].concat();
        let cost = median(&samples, Candidate::Layer, 0).expect("three rounds");
        assert!((cost - 3.0).abs() < f64::EPSILON, "{cost}");
        assert!(median(&samples, Candidate::Appender, 0).is_err());
    }
}
