//! The promises of three signals: one service as others see it, exact sums, what they cost.

use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use super::run::{Ran, run_cargo};
use super::sender::with_examples;
use super::{List, Promise, Seen};

pub(super) const LIST: List = List {
    name: "signals",
    title: "Three signals",
    promises: &[
        Promise {
            done: "a service with three signals: what arrives at a receiver, and its pages at promtool, at a real Prometheus and at PyPI's parser",
            expected: "logs with the ids of their spans, exemplars that point at spans; the page accepted, scraped in both formats, `histogram_quantile` answered, every number as sent",
            only_full: false,
            see: judged_by_others,
        },
        Promise {
            done: "the page on a server of the program's own; names, labels, a push of delta beside it",
            expected: "the names of the guide, nothing taken from the push, no task held up",
            only_full: false,
            see: |root| with_examples(root, &format!("{IT} pages:: own_metrics::")),
        },
        Promise {
            done: "a million random measurements with each temporality: two threads, forked children, more attribute sets than the limit",
            expected: "what a receiver got is the sum that each process made beside the engine, exactly",
            only_full: false,
            see: |root| with_examples(root, &format!("{IT} measurements:: metrics::")),
        },
        Promise {
            done: "`cargo xtask bench metrics --quick`",
            expected: "a bound counter of 2 threads at most 0.06 of `opentelemetry_sdk`, an unbound one at most 0.4",
            only_full: false,
            see: |root| within_goals(root, "metrics"),
        },
        Promise {
            done: "`cargo xtask bench logs --quick`",
            expected: "a log record by the layer at most 0.30 of the caller's time with `opentelemetry_sdk`, 0.15 of the process's",
            only_full: false,
            see: |root| within_goals(root, "logs"),
        },
    ],
};

const IT: &str = "-p oxitel --features oxitel/testing --test it --";

fn judged_by_others(root: &Path) -> anyhow::Result<Seen> {
    let ran = run_cargo(root, "xtask test --only python --require-all")?;
    let said = ran.last_lines(1);
    Ok(Seen { good: ran.succeeded(), said, output: ran.output })
}

/// A line of a benchmark, as far as it says whether a goal was met.
#[derive(Debug, Deserialize)]
struct Line {
    case: String,
    ratio: Option<f64>,
    goal: Option<f64>,
    /// `None`: there is no goal.
    ok: Option<bool>,
}

fn within_goals(root: &Path, name: &str) -> anyhow::Result<Seen> {
    judged(run_cargo(root, &format!("xtask bench {name} --quick"))?)
}

/// Whether each goal that a benchmark speaks of was met.
pub(super) fn judged(ran: Ran) -> anyhow::Result<Seen> {
    let (good, said) = match goals(&ran.output)? {
        goals if goals.is_empty() => {
            (false, ran.line("error").map_or_else(|| ran.code(), str::to_owned))
        }
        goals => (ran.succeeded() && goals.iter().all(|(met, _)| *met), in_words(&goals)),
    };
    Ok(Seen { good, said, output: ran.output })
}

/// Each goal of a benchmark: whether it was met, and what was measured.
fn goals(output: &str) -> anyhow::Result<Vec<(bool, String)>> {
    let mut goals = Vec::new();
    for line in output.lines().filter(|line| line.starts_with('{')) {
        let Line { case, ratio, goal, ok } =
            serde_json::from_str(line).with_context(|| line.to_owned())?;
        let (Some(ok), Some(goal)) = (ok, goal) else { continue };
        let ratio = ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.3}"));
        goals.push((ok, format!("{case} {ratio} of at most {goal}")));
    }
    Ok(goals)
}

fn in_words(goals: &[(bool, String)]) -> String {
    goals.iter().map(|(_, said)| said.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ran(output: &str) -> Ran {
        Ran { code: Some(0), output: output.to_owned(), time: Duration::ZERO }
    }

    #[test]
    fn a_benchmark_is_good_when_each_of_its_goals_is_met() {
        let met = "{\"case\":\"a\",\"ratio\":0.05,\"goal\":0.06,\"ok\":true}\n\
            {\"case\":\"b\",\"ratio\":0.9,\"goal\":null,\"ok\":null}\n";
        let seen = judged(ran(met)).unwrap();
        assert_eq!((seen.good, seen.said.as_str()), (true, "a 0.050 of at most 0.06"));
        let miss = "{\"case\":\"c\",\"ratio\":0.5,\"goal\":0.4,\"ok\":false}\n";
        let missed = judged(ran(&format!("{met}{miss}"))).unwrap();
        assert!(!missed.good && missed.said.ends_with("c 0.500 of at most 0.4"), "{missed:?}");
    }

    #[test]
    fn a_benchmark_that_says_nothing_is_not_good() {
        let seen = judged(ran("error: there is no benchmark \"logs\"\n")).unwrap();
        assert!(!seen.good && seen.said.starts_with("error: "), "{seen:?}");
    }
}
