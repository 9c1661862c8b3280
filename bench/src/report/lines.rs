//! One JSON line for each comparison.

use super::versions::version;
use crate::engine::{COMPARISONS, Comparison, Results};
use anyhow::Context;
use serde::Serialize;
use std::io::{self, Write};

/// Costs of ours and of a peer; less is better.
#[derive(Debug, Serialize)]
struct Line {
    /// `case/candidate`, the candidate being one of ours.
    case: String,
    metric: &'static str,
    ours: f64,
    peer: &'static str,
    peer_version: &'static str,
    theirs: f64,
    /// `null` when the peer's cost is zero.
    ratio: Option<f64>,
    /// The largest ratio that is good enough; zero asks for a cost of zero.
    goal: Option<f64>,
    ok: Option<bool>,
}

/// Prints all comparisons to the standard output.
pub(crate) fn lines(results: &Results) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    for comparison in COMPARISONS {
        let line = serde_json::to_string(&line(comparison, results)?)?;
        writeln!(stdout, "{line}").context("standard output")?;
    }
    Ok(())
}

fn line(comparison: &Comparison, results: &Results) -> anyhow::Result<Line> {
    let Comparison { case, ours, metric, peer, goal } = *comparison;
    let median = |candidate| {
        let spread = results.spread(case, candidate, metric);
        spread.map(|spread| spread.median).with_context(|| format!("nothing for {comparison:?}"))
    };
    let (our_cost, their_cost) = (median(ours)?, median(peer)?);
    Ok(Line {
        case: format!("{}/{}", case.name(), ours.name()),
        metric: metric.name(),
        ours: rounded(our_cost),
        peer: peer.package(),
        peer_version: version(peer.package()).unwrap_or("unknown"),
        theirs: rounded(their_cost),
        ratio: (their_cost > 0.0).then(|| rounded(our_cost / their_cost)),
        goal,
        ok: comparison.is_met(our_cost, their_cost),
    })
}

fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}
