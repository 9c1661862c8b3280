//! The benchmark `metrics`: what a measurement costs the thread that makes it.
//!
//! Eight series of three attributes, counted and put into a histogram, by handles that are bound to
//! their attributes and with attributes at each call, by one thread and by two at once. One
//! process per candidate, interleaved over rounds, as in `engine`. `ours` and `peer` are the
//! candidates, `work` is what both do.

mod ours;
mod peer;
mod work;

use crate::child;
use crate::report::version;
use anyhow::{Context, bail};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The word that starts this program as a candidate: `metrics-candidate NAME`.
pub(crate) const CANDIDATE: &str = "metrics-candidate";
const OURS: &str = "oxitel";
const PEER: &str = "opentelemetry_sdk";

/// CPU time of one measurement in nanoseconds, by case.
type Costs = BTreeMap<String, f64>;

/// What is measured, and how much of the peer's cost ours may be.
const CASES: [(&str, Option<f64>); 8] = [
    ("counter/bound/1", None),
    ("counter/bound/2", Some(0.06)),
    ("counter/attributes/1", Some(0.4)),
    ("counter/attributes/2", None),
    ("histogram/bound/1", Some(0.75)),
    ("histogram/bound/2", Some(0.12)),
    ("histogram/attributes/1", None),
    ("histogram/attributes/2", None),
];

/// One JSON line.
#[derive(Debug, Serialize)]
struct Line<'a> {
    case: &'a str,
    metric: &'static str,
    ours: f64,
    peer: &'static str,
    peer_version: &'static str,
    theirs: f64,
    ratio: f64,
    goal: Option<f64>,
    ok: Option<bool>,
}

/// Measures both and prints what they cost.
pub(crate) fn run(is_quick: bool) -> anyhow::Result<()> {
    let rounds = if is_quick { 5 } else { 11 };
    let mut all: BTreeMap<&str, Vec<Costs>> = BTreeMap::new();
    for round in 0..rounds {
        let order = if round % 2 == 0 { [OURS, PEER] } else { [PEER, OURS] };
        for candidate in order {
            all.entry(candidate).or_default().push(measured(candidate)?);
        }
    }
    let median = |candidate: &str, case: &str| {
        let costs = all.get(candidate).into_iter().flatten().filter_map(|costs| costs.get(case));
        let mut costs: Vec<f64> = costs.copied().collect();
        costs.sort_by(f64::total_cmp);
        costs.get(costs.len() / 2).copied().with_context(|| format!("nothing for {case}"))
    };
    eprintln!("{:<24} {:>10} {:>20} {:>7}", "ns a measurement", OURS, PEER, "ratio");
    for (case, goal) in CASES {
        print(case, goal, median(OURS, case)?, median(PEER, case)?)?;
    }
    Ok(())
}

fn print(case: &str, goal: Option<f64>, ours: f64, theirs: f64) -> anyhow::Result<()> {
    let ratio = ours / theirs;
    let ok = goal.map(|goal| ratio <= goal);
    eprintln!("{case:<24} {ours:>10.1} {theirs:>20.1} {ratio:>7.3}");
    let rounded = |number: f64| (number * 1_000.0).round() / 1_000.0;
    let line = Line {
        case,
        metric: "caller_ns",
        ours: rounded(ours),
        peer: PEER,
        peer_version: version(PEER).unwrap_or("unknown"),
        theirs: rounded(theirs),
        ratio: rounded(ratio),
        goal,
        ok,
    };
    writeln!(io::stdout(), "{}", serde_json::to_string(&line)?).context("standard output")
}

/// Runs a candidate in a process of its own.
fn measured(candidate: &str) -> anyhow::Result<Costs> {
    let said = child::said_by(&[CANDIDATE, candidate])?;
    serde_json::from_slice(&said).with_context(|| format!("what {candidate} said"))
}

/// Measures in this process.
pub(crate) fn candidate(name: &str) -> anyhow::Result<()> {
    let costs = match name {
        OURS => ours::measure()?,
        PEER => peer::measure(),
        other => bail!("there is no candidate {other:?} for metrics"),
    };
    writeln!(io::stdout(), "{}", serde_json::to_string(&costs)?).context("standard output")
}
