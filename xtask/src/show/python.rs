//! The promises of Python on the Rust engine: no SDK and the same telemetry, what it costs, forks,
//! one engine for many extensions, and the requirements behind them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use super::run::{Ran, run, run_cargo};
use super::{List, Promise, Seen};
use crate::cargo;

pub(super) const LIST: List = List {
    name: "python",
    title: "Python on the Rust engine",
    promises: &[
        Promise {
            done: "`cargo xtask test --only python --match packages,same`: programs with FastAPI, httpx, requests, aiohttp, SQLAlchemy, redis and asyncpg, on real servers, in an environment without opentelemetry-sdk; the same programs with it",
            expected: "each field of each span, log record and metric as with the SDK, but for the list of what differs on purpose",
            only_full: false,
            see: |root| tests(root, "packages,same"),
        },
        Promise {
            done: "`cargo xtask py --wheel`: installed where nothing else is, imported and used",
            expected: "at most 3 MB; brings and loads no SDK, no protobuf and no gRPC; importing loads and starts nothing",
            only_full: false,
            see: wheel,
        },
        Promise {
            done: "`cargo xtask bench python --quick` with the cases spans, log, counter, start",
            expected: "each goal met",
            only_full: false,
            see: |root| within_goals(root, "--quick --only spans,log,counter,start"),
        },
        Promise {
            done: "`cargo xtask bench python`: all cases, 9 rounds, with the peers that can be installed",
            expected: "each goal met",
            only_full: true,
            see: |root| within_goals(root, ""),
        },
        Promise {
            done: "`cargo xtask test --only python --match forks`: forks in fresh processes under load, while other threads record for the first time",
            expected: "no hang; every child's spans once; the counters of all processes add up",
            only_full: false,
            see: |root| tests(root, "forks"),
        },
        Promise {
            done: "the same with 1,000 forks",
            expected: "the same",
            only_full: true,
            see: |root| tests_with(root, "forks", "OXITEL_TEST_FORKS", "1000"),
        },
        Promise {
            done: "`cargo xtask test --only python --match join`: two extensions and Python in one process",
            expected: "one connection at the receiver, one trace",
            only_full: false,
            see: |root| tests(root, "join"),
        },
        Promise {
            done: "`cargo xtask test --only python --match cost`: `python -m oxitel cost` on programs as users have them",
            expected: "what each variant cost and sent, or one line that says why not",
            only_full: false,
            see: |root| tests(root, "cost"),
        },
        Promise {
            done: "`cargo xtask test --only python`: all tests of Python",
            expected: "all pass, none is left out",
            only_full: true,
            see: |root| run_cargo(root, "xtask test --only python --require-all").map(counted),
        },
        Promise {
            done: "`cargo xtask acceptance --open`: the rows of observability, of `enable_telemetry`, U-16, U-17, U-22 and U-23",
            expected: "none of them is open, but for the import path of a package that services bring",
            only_full: false,
            see: requirements,
        },
    ],
};

fn tests(root: &Path, matching: &str) -> anyhow::Result<Seen> {
    run_cargo(root, &word(matching)).map(counted)
}

fn tests_with(root: &Path, matching: &str, variable: &str, value: &str) -> anyhow::Result<Seen> {
    run(cargo::cargo(root).args(word(matching).split(' ')).env(variable, value)).map(counted)
}

fn word(matching: &str) -> String {
    format!("xtask test --only python --require-all --match {matching}")
}

/// The closing line of `cargo xtask test`; what passed nothing has shown nothing.
fn counted(ran: Ran) -> Seen {
    let last = ran.last_lines(1);
    let is_sum = last.contains(" passed, ") && !last.starts_with("0 passed");
    let said = match ran.line("✗") {
        Some(trouble) if !is_sum => trouble.trim_start_matches("✗ ").to_owned(),
        _ => last,
    };
    Seen { good: ran.succeeded() && is_sum, said, output: ran.output }
}

fn wheel(root: &Path) -> anyhow::Result<Seen> {
    let ran = run_cargo(root, "xtask py --wheel")?;
    let said = ran.last_lines(1);
    // Where it lies is of no interest.
    let said = said.rsplit_once('/').map_or(said.as_str(), |(_, wheel)| wheel).to_owned();
    Ok(Seen { good: ran.succeeded(), said, output: ran.output })
}

/// A line of the benchmark: a comparison, or a peer that was not there.
#[derive(Debug, Deserialize)]
struct Line {
    case: String,
    peer: String,
    #[serde(default)]
    metric: String,
    ours: Option<f64>,
    ratio: Option<f64>,
    goal: Option<f64>,
    ok: Option<bool>,
    left_out: Option<String>,
}

fn within_goals(root: &Path, options: &str) -> anyhow::Result<Seen> {
    judged(run_cargo(root, format!("xtask bench python {options}").trim_end())?)
}

fn judged(ran: Ran) -> anyhow::Result<Seen> {
    let lines = ran.output.lines().filter(|line| line.starts_with('{'));
    let lines: Vec<Line> = lines
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect::<anyhow::Result<_>>()?;
    let count = |met: bool| lines.iter().filter(|line| line.ok == Some(met)).count();
    let (met, missed) = (count(true), count(false));
    let mut said = format!("{met} of {} goals met", met + missed);
    if met + missed == 0 {
        said = ran.line("error").map_or_else(|| ran.code(), str::to_owned);
    }
    for remark in lines.iter().filter_map(Line::remark) {
        said.push_str("; ");
        said.push_str(&remark);
    }
    let good = ran.succeeded() && met > 0 && missed == 0;
    Ok(Seen { good, said, output: ran.output })
}

impl Line {
    /// What somebody should know about it.
    fn remark(&self) -> Option<String> {
        let Line { case, peer, metric, ours, ratio, goal, ok, left_out } = self;
        if let Some(why) = left_out {
            return Some(format!("{peer} left out: {}", why.lines().next().unwrap_or_default()));
        }
        let (goal, false) = ((*goal)?, (*ok)?) else { return None };
        // A goal may be a share of the peer's cost, or a cost.
        let share = ratio.filter(|_| goal != 0.0).filter(|ratio| *ratio > goal);
        let found = share.or(*ours)?;
        let (_, case) = case.split_once('/').unwrap_or_default();
        Some(format!("missed: {case} {metric}, {found:.3} of at most {goal:.3} ({peer})"))
    }
}

/// The rows of the old interface that speak of `enable_telemetry`, its sources and its handler;
/// those between them are of the package that wraps it.
const ENABLE: &[(u32, u32)] = &[(13, 13), (68, 76), (80, 81), (84, 89), (91, 110), (116, 116)];
const REGRESSIONS: &[&str] = &["U-16", "U-17", "U-22", "U-23"];
/// `from src.core.observability import …`: a package that services bring.
const LATER: &[&str] = &["R004-3", "R004-9"];

fn requirements(root: &Path) -> anyhow::Result<Seen> {
    let file = root.join("tests/acceptance/requirements.md");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let wanted = wanted(&text);
    let ran = run_cargo(root, "xtask acceptance --open")?;
    let open: Vec<&str> = ran.output.lines().filter_map(|line| line.split(' ').next()).collect();
    let missing: Vec<&str> =
        wanted.iter().copied().filter(|row| open.contains(row) && !LATER.contains(row)).collect();
    let said = match missing.len() {
        0 => format!("{} rows, none of them open", wanted.len()),
        _ => format!("open: {}", missing.join(", ")),
    };
    Ok(Seen { good: ran.succeeded() && missing.is_empty(), said, output: ran.output })
}

/// The rows of the table that belong to this list.
fn wanted(table: &str) -> BTreeSet<&str> {
    let rows = table.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.map(|row| row.split(" | ").map(str::trim).collect::<Vec<_>>());
    let is_ours = |cells: &Vec<&str>| {
        let number = cells[0].strip_prefix("R000-").and_then(|number| number.parse::<u32>().ok());
        let is_enable = number.is_some_and(|number| {
            ENABLE.iter().any(|&(first, last)| (first..=last).contains(&number))
        });
        let is_observability = cells[0].starts_with("R004-") && cells.get(2) == Some(&"obs");
        is_enable || is_observability || REGRESSIONS.contains(&cells[0])
    };
    cells.filter(is_ours).map(|cells| cells[0]).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ran(code: i32, output: &str) -> Ran {
        Ran { code: Some(code), output: output.to_owned(), time: Duration::ZERO }
    }

    #[test]
    fn tests_are_good_when_some_passed_and_none_failed() {
        let seen = counted(ran(0, "…\n12 passed, 0 failed\n"));
        assert_eq!((seen.good, seen.said.as_str()), (true, "12 passed, 0 failed"));
        assert!(!counted(ran(1, "12 passed, 1 failed, 1 skipped\n")).good);
        assert!(!counted(ran(0, "0 passed, 0 failed\n")).good);
        let nothing = counted(ran(1, "✗ python: no file of tests\nerror: x\n"));
        assert_eq!((nothing.good, nothing.said.as_str()), (false, "python: no file of tests"));
    }

    const MET: &str = r#"{"case":"python/spans","metric":"thread_ns","ours":9,"peer":"sdk","ratio":0.05,"goal":0.06,"ok":true}"#;

    #[test]
    fn a_benchmark_is_good_when_each_goal_is_met_and_says_what_is_missing() {
        let left_out =
            r#"{"case":"python/spans","peer":"ddtrace","left_out":"no network\nat all"}"#;
        let without_goal = MET.replace("0.06,\"ok\":true", "null,\"ok\":null");
        let seen = judged(ran(0, &format!("{MET}\n{without_goal}\n{left_out}\n"))).unwrap();
        let said = "1 of 1 goals met; ddtrace left out: no network";
        assert_eq!((seen.good, seen.said.as_str()), (true, said));
    }

    #[test]
    fn a_goal_that_was_missed_is_named() {
        let missed = MET.replace("0.05", "0.07").replace("true", "false");
        let seen = judged(ran(0, &format!("{MET}\n{missed}\n"))).unwrap();
        let said = "1 of 2 goals met; missed: spans thread_ns, 0.070 of at most 0.060 (sdk)";
        assert_eq!((seen.good, seen.said.as_str()), (false, said));
        assert!(!judged(ran(1, "error: no python3")).unwrap().good);
    }

    #[test]
    fn rows_are_chosen_by_their_place_and_their_number() {
        let table = "| R000-13 | MUST | sdk | U | `x` |\n| R000-77 | MUST | sdk | U | `x` |\n\
            | R004-1 | MUST | obs | I | a |\n| R004-2 | DOC | docs | D | b |\n\
            | U-16 | fn-rs | c |\n| U-15 | fn-rs | d |\n";
        assert_eq!(wanted(table).into_iter().collect::<Vec<_>>(), ["R000-13", "R004-1", "U-16"]);
    }

    #[test]
    fn the_rows_of_this_repository_are_found() {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/acceptance/requirements.md");
        let text = fs::read_to_string(file).unwrap();
        let found = wanted(&text);
        assert!(LATER.iter().chain(REGRESSIONS).all(|row| found.contains(row)), "{found:?}");
        assert!(found.len() > 80, "{}", found.len());
    }
}
