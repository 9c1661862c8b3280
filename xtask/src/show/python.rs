//! The promises of Python on the Rust engine: no SDK and the same telemetry, what it costs, forks,
//! one engine for many extensions, and the requirements behind them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context;

use super::run::{Ran, run, run_cargo};
use super::signals::judged;
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
            see: |root| counted(run_cargo(root, "xtask test --only python --require-all")?),
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
    counted(run_cargo(root, &word(matching))?)
}

fn tests_with(root: &Path, matching: &str, variable: &str, value: &str) -> anyhow::Result<Seen> {
    counted(run(cargo::cargo(root).args(word(matching).split(' ')).env(variable, value))?)
}

fn word(matching: &str) -> String {
    format!("xtask test --only python --require-all --match {matching}")
}

/// The closing line of `cargo xtask test`; what passed nothing has shown nothing.
fn counted(ran: Ran) -> anyhow::Result<Seen> {
    let last = ran.last_lines(1);
    let is_sum = last.contains(" passed, ") && !last.starts_with("0 passed");
    let said = match ran.line("✗") {
        Some(trouble) if !is_sum => trouble.to_owned(),
        _ => last,
    };
    Ok(Seen { good: ran.succeeded() && is_sum, said, output: ran.output })
}

fn wheel(root: &Path) -> anyhow::Result<Seen> {
    let ran = run_cargo(root, "xtask py --wheel")?;
    let said = ran.last_lines(1);
    // Where it lies is of no interest.
    let said = said.rsplit_once('/').map_or(said.as_str(), |(_, wheel)| wheel).to_owned();
    Ok(Seen { good: ran.succeeded(), said, output: ran.output })
}

fn within_goals(root: &Path, options: &str) -> anyhow::Result<Seen> {
    judged(run_cargo(root, format!("xtask bench python {options}").trim_end())?)
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
        let seen = counted(ran(0, "…\n12 passed, 0 failed\n")).unwrap();
        assert_eq!((seen.good, seen.said.as_str()), (true, "12 passed, 0 failed"));
        assert!(!counted(ran(1, "12 passed, 1 failed, 1 skipped\n")).unwrap().good);
        assert!(!counted(ran(0, "0 passed, 0 failed\n")).unwrap().good);
        let nothing = counted(ran(1, "✗ python: no file of tests\nerror: x\n")).unwrap();
        assert_eq!((nothing.good, nothing.said.as_str()), (false, "✗ python: no file of tests"));
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
