//! The benchmark `logs`: what a log record costs, and what a line costs.
//!
//! The same event, sent by ours and by the appender of OpenTelemetry, and written to `/dev/null` as
//! JSON by ours and by `tracing-subscriber`. One process per candidate, in rotated order over
//! rounds, as in `engine`. `ours` and `peer` are the candidates, `work` is what all do, `report`
//! what is held against what.

mod ours;
mod peer;
mod report;
mod work;

use crate::child;
use crate::receiver::process::Receiver;
use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

/// The word that starts this program as a candidate: `logs-candidate NAME ENDPOINT`.
pub(crate) const CANDIDATE: &str = "logs-candidate";

/// A way to say the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Candidate {
    Layer,
    Subscriber,
    Scope,
    Forward,
    Appender,
    JsonLines,
    FmtJson,
}

impl Candidate {
    const ALL: [Self; 7] = [
        Self::Layer,
        Self::Subscriber,
        Self::Scope,
        Self::Forward,
        Self::Appender,
        Self::JsonLines,
        Self::FmtJson,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Layer => "layer",
            Self::Subscriber => "subscriber",
            Self::Scope => "scope",
            Self::Forward => "forward",
            Self::Appender => "opentelemetry-appender-tracing",
            Self::JsonLines => "json-lines",
            Self::FmtJson => "tracing-subscriber",
        }
    }

    /// Whether its records reach the receiver.
    fn sends(self) -> bool {
        !matches!(self, Self::JsonLines | Self::FmtJson)
    }

    fn measure(self, endpoint: &str) -> anyhow::Result<Sample> {
        match self {
            Self::Layer => ours::layer(endpoint),
            Self::Subscriber => ours::subscriber(endpoint),
            Self::Scope => ours::scope(endpoint),
            Self::Forward => ours::forward(endpoint),
            Self::Appender => peer::appender(endpoint),
            Self::JsonLines => ours::json_lines(),
            Self::FmtJson => peer::fmt_json(),
        }
    }
}

/// What one process found; costs are of one record.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Sample {
    /// All that it said, the warm-up too.
    records: u64,
    /// CPU time of the thread that says it: the median of all bursts.
    caller_ns: f64,
    /// CPU time of the process over all bursts with their flushes.
    total_ns: f64,
    /// On the thread that says it.
    allocations: f64,
    /// Of request bodies; the conductor fills it in.
    #[serde(default)]
    wire_bytes: f64,
}

/// Measures all candidates and prints what they cost.
pub(crate) fn run(is_quick: bool) -> anyhow::Result<()> {
    let rounds = if is_quick { 5 } else { 11 };
    let mut receiver = Receiver::start()?;
    let mut samples = Vec::new();
    for round in 0..rounds {
        for place in 0..Candidate::ALL.len() {
            let candidate = Candidate::ALL[(place + round) % Candidate::ALL.len()];
            let sample = measured(candidate, &mut receiver)
                .with_context(|| format!("round {}, {}", round + 1, candidate.name()))?;
            samples.push((candidate, sample));
        }
    }
    report::print(&samples)
}

/// Runs a candidate, and holds what it says against what arrived.
fn measured(candidate: Candidate, receiver: &mut Receiver) -> anyhow::Result<Sample> {
    let endpoint = receiver.endpoint().to_owned();
    let said = child::said_by(&[CANDIDATE, candidate.name(), &endpoint])?;
    let mut sample: Sample = serde_json::from_slice(&said).context("what it said")?;
    let arrived = receiver.count()?;
    let expected = if candidate.sends() { sample.records } else { 0 };
    ensure!(
        (arrived.records, arrived.placed) == (expected, expected),
        "{expected} records were said, {} arrived, {} with their trace",
        arrived.records,
        arrived.placed
    );
    sample.wire_bytes = arrived.bytes as f64 / sample.records as f64;
    Ok(sample)
}

/// Measures in this process.
pub(crate) fn candidate(name: &str, endpoint: &str) -> anyhow::Result<()> {
    let known = Candidate::ALL.into_iter().find(|candidate| candidate.name() == name);
    let candidate = known.with_context(|| format!("there is no candidate {name:?} for logs"))?;
    let sample = candidate.measure(endpoint)?;
    writeln!(io::stdout(), "{}", serde_json::to_string(&sample)?).context("standard output")
}
