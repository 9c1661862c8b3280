//! The benchmark `engine`: one process per candidate, interleaved in rotated order over rounds.
//!
//! `case` names situations and candidates, `process` starts one and talks to it, `observation`
//! joins its own numbers with what the receiver got, `goals` says what is held against what.

mod case;
mod goals;
mod observation;
mod process;

pub(crate) use case::{Candidate, Case};
pub(crate) use goals::{COMPARISONS, Comparison};
pub(crate) use observation::{Metric, Observation, Spread};

use crate::measure::Order;
use crate::receiver::process::Receiver;
use crate::report;
use anyhow::Context;
use std::time::{Duration, Instant};

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Effort {
    rounds: usize,
    /// Timed bursts of each process.
    bursts: u32,
    /// No further round begins after this.
    patience: Duration,
}

impl Effort {
    pub(crate) const QUICK: Self =
        Self { rounds: 5, bursts: 30, patience: Duration::from_secs(35) };
    pub(crate) const FULL: Self =
        Self { rounds: 11, bursts: 60, patience: Duration::from_hours(1) };
}

/// Measures everything and prints it.
pub(crate) fn run(effort: Effort) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut receiver = Receiver::start()?;
    let mut results = Results::default();
    report::begin();
    for round in 0..effort.rounds {
        for case in Case::ALL {
            measure_all(&mut receiver, &mut results, case, round, effort.bursts)
                .with_context(|| format!("round {}", round + 1))?;
        }
        results.rounds += 1;
        report::progress(results.rounds, effort.rounds, begun.elapsed());
        if begun.elapsed() > effort.patience {
            break;
        }
    }
    report::table(&results);
    report::lines(&results)
}

/// One round of one case. Another candidate begins each round, so that none always runs after
/// the same neighbour.
fn measure_all(
    receiver: &mut Receiver,
    results: &mut Results,
    case: Case,
    round: usize,
    bursts: u32,
) -> anyhow::Result<()> {
    let candidates = case.candidates();
    for place in 0..candidates.len() {
        let candidate = candidates[(place + round) % candidates.len()];
        let order = Order { case, candidate, endpoint: receiver.endpoint().to_owned(), bursts };
        let observation = process::measure(&order, receiver)
            .with_context(|| format!("{}, {}", case.name(), candidate.name()))?;
        results.observations.push((case, candidate, observation));
    }
    Ok(())
}

/// Everything observed.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) rounds: usize,
    observations: Vec<(Case, Candidate, Observation)>,
}

impl Results {
    /// One metric of one candidate over all rounds; `None` when it was not measured.
    pub(crate) fn spread(
        &self,
        case: Case,
        candidate: Candidate,
        metric: Metric,
    ) -> Option<Spread> {
        let wanted =
            self.observations.iter().filter(|(known, who, _)| (*known, *who) == (case, candidate));
        Spread::of(wanted.filter_map(|(_, _, observation)| metric.of(observation)))
    }
}
