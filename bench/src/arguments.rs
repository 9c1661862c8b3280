//! The command line: which benchmark, and the two roles this program gives to itself.

use crate::engine::{Case, Effort};
use crate::logs;
use crate::measure::Order;
use crate::metrics;
use anyhow::{Context, bail};

pub(crate) const USAGE: &str = "\
bench NAME [--quick]

  engine     a span with oxitel, opentelemetry_sdk, tracing-opentelemetry and fastrace
  metrics    a measurement with oxitel and opentelemetry_sdk
  logs       a log record with oxitel and opentelemetry-appender-tracing, a line of JSON with oxitel
             and tracing-subscriber

  --quick    few rounds, within a minute; without it 11 rounds

JSON lines on the standard output, a table on the standard error. A missed goal is no failure,
a library that does not deliver what it recorded is one.
";

/// The word that starts this program as the receiver.
pub(crate) const RECEIVER: &str = "receiver";
/// The word that starts this program as a candidate: `candidate CASE CANDIDATE ENDPOINT BURSTS`.
pub(crate) const CANDIDATE: &str = "candidate";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Engine(Effort),
    Receiver,
    Candidate(Order),
    Metrics { is_quick: bool },
    MetricsCandidate(String),
    Logs { is_quick: bool },
    LogsCandidate { name: String, endpoint: String },
}

impl Command {
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> anyhow::Result<Self> {
        let mut arguments = arguments.into_iter();
        let word = arguments.next();
        let rest: Vec<String> = arguments.collect();
        match word.as_deref() {
            None | Some("help" | "--help" | "-h") => Ok(Self::Help),
            Some("engine") => effort(&rest).map(Self::Engine),
            Some("metrics") => {
                effort(&rest).map(|effort| Self::Metrics { is_quick: effort == Effort::QUICK })
            }
            Some(metrics::CANDIDATE) => match rest.as_slice() {
                [name] => Ok(Self::MetricsCandidate(name.clone())),
                _ => bail!("{} takes a name", metrics::CANDIDATE),
            },
            Some("logs") => {
                effort(&rest).map(|effort| Self::Logs { is_quick: effort == Effort::QUICK })
            }
            Some(logs::CANDIDATE) => match rest.as_slice() {
                [name, endpoint] => {
                    Ok(Self::LogsCandidate { name: name.clone(), endpoint: endpoint.clone() })
                }
                _ => bail!("{} takes a name and an endpoint", logs::CANDIDATE),
            },
            Some(RECEIVER) => Ok(Self::Receiver),
            Some(CANDIDATE) => order(&rest).map(Self::Candidate),
            Some(other) => bail!("there is no benchmark {other:?}"),
        }
    }
}

fn effort(arguments: &[String]) -> anyhow::Result<Effort> {
    match arguments {
        [] => Ok(Effort::FULL),
        [flag] if flag == "--quick" => Ok(Effort::QUICK),
        [other, ..] => bail!("{other:?} is no option of a benchmark"),
    }
}

fn order(arguments: &[String]) -> anyhow::Result<Order> {
    let [case, candidate, endpoint, bursts] = arguments else {
        bail!("{CANDIDATE} takes a case, a candidate, an endpoint and a number of bursts");
    };
    let case = Case::named(case).with_context(|| format!("there is no case {case:?}"))?;
    let candidate = case
        .candidates()
        .iter()
        .find(|known| known.name() == candidate.as_str())
        .with_context(|| format!("there is no candidate {candidate:?} for {}", case.name()))?;
    let bursts = bursts.parse().with_context(|| format!("{bursts:?} is no number of bursts"))?;
    Ok(Order { case, candidate: *candidate, endpoint: endpoint.clone(), bursts })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Candidate;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(line.split_whitespace().map(str::to_owned)).map_err(|e| e.to_string())
    }

    #[test]
    fn a_benchmark_runs_in_full_unless_asked_to_be_quick() {
        assert_eq!(parse("engine"), Ok(Command::Engine(Effort::FULL)));
        assert_eq!(parse("engine --quick"), Ok(Command::Engine(Effort::QUICK)));
        assert_eq!(parse("metrics --quick"), Ok(Command::Metrics { is_quick: true }));
        assert_eq!(parse("logs"), Ok(Command::Logs { is_quick: false }));
        assert_eq!(parse(""), Ok(Command::Help));
    }

    #[test]
    fn every_role_that_the_conductor_gives_is_understood() {
        let order = Order {
            case: Case::Saturation,
            candidate: Candidate::Fastrace,
            endpoint: "http://127.0.0.1:9".to_owned(),
            bursts: 7,
        };
        let line = format!("{CANDIDATE} {}", order.arguments().join(" "));
        assert_eq!(parse(&line), Ok(Command::Candidate(order)));
        assert_eq!(parse(RECEIVER), Ok(Command::Receiver));
    }

    #[test]
    fn what_is_not_understood_is_quoted() {
        let cases = [
            ("motor", r#"there is no benchmark "motor""#),
            ("engine --slow", r#""--slow" is no option of a benchmark"#),
            ("candidate lost fastrace x 1", r#"there is no case "lost""#),
            ("candidate disabled fastrace x 1", r#"there is no candidate "fastrace" for disabled"#),
            ("candidate exported fastrace x y", r#""y" is no number of bursts"#),
        ];
        for (line, expected) in cases {
            assert_eq!(parse(line), Err(expected.to_owned()));
        }
    }
}
