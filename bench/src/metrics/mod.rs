//! The benchmark `metrics`: what a measurement costs the thread that makes it.
//!
//! Eight series of three attributes, counted and put into a histogram, by handles that are bound to
//! their attributes and with attributes at each call, by one thread and by two at once; `one` is
//! one bound series that all threads count. One process per candidate, interleaved over rounds, as
//! in `engine`. `work` is what all candidates do;
//! `ours`, `sdk` (`opentelemetry_sdk`), `facade` (the crate `metrics`) and `prometheus`
//! (prometheus-client) are they.

mod facade;
mod ours;
mod prometheus;
mod sdk;
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
/// The one that the goals speak of.
const SDK: &str = "opentelemetry_sdk";
const FACADE: &str = "metrics";
const PROMETHEUS: &str = "prometheus-client";
const ALL: [&str; 4] = [OURS, SDK, FACADE, PROMETHEUS];

/// CPU time of one measurement in nanoseconds, by case.
type Costs = BTreeMap<String, f64>;

/// What is measured, and how much of the SDK's cost ours may be.
const CASES: [(&str, Option<f64>); 10] = [
    ("counter/bound/1", None),
    ("counter/bound/2", Some(0.06)),
    ("counter/one/1", None),
    ("counter/one/2", None),
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

/// Measures all and prints what they cost.
pub(crate) fn run(is_quick: bool) -> anyhow::Result<()> {
    let rounds = if is_quick { 5 } else { 11 };
    let mut all: BTreeMap<&str, Vec<Costs>> = BTreeMap::new();
    for round in 0..rounds {
        let mut order = ALL;
        order.rotate_left(round % ALL.len());
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
    eprintln!("{:<24} {:>8} {:>20} {:>10} {:>7}", "ns a measurement", OURS, "peer", "", "ratio");
    for (case, goal) in CASES {
        let ours = median(OURS, case)?;
        for peer in [SDK, FACADE, PROMETHEUS] {
            let goal = goal.filter(|_| peer == SDK);
            print(case, goal, ours, (peer, median(peer, case)?))?;
        }
    }
    Ok(())
}

fn print(
    case: &str,
    goal: Option<f64>,
    ours: f64,
    (peer, theirs): (&'static str, f64),
) -> anyhow::Result<()> {
    let ratio = ours / theirs;
    let ok = goal.map(|goal| ratio <= goal);
    eprintln!("{case:<24} {ours:>8.1} {peer:>20} {theirs:>10.1} {ratio:>7.3}");
    let rounded = |number: f64| (number * 1_000.0).round() / 1_000.0;
    let line = Line {
        case,
        metric: "caller_ns",
        ours: rounded(ours),
        peer,
        peer_version: version(peer).unwrap_or("unknown"),
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
        SDK => sdk::measure(),
        FACADE => facade::measure()?,
        PROMETHEUS => prometheus::measure(),
        other => bail!("there is no candidate {other:?} for metrics"),
    };
    writeln!(io::stdout(), "{}", serde_json::to_string(&costs)?).context("standard output")
}
