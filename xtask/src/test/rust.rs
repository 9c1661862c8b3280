//! The Rust tests: unit, integration and documentation tests of the default members, a program
//! built without the engine, and on demand the members with heavy crates of their own.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;

use super::Context;
use super::report::Report;
use crate::cargo::{self, Metadata};
use crate::tools::Skip;

/// The calls of cargo that build ahead what everybody runs.
pub(crate) const BUILDS: &[&[&str]] =
    &[&["test", "--no-run"], &["test", "--no-run", "--package", WITHOUT_ENGINE]];

/// Only alone it is built without the engine: beside others it would get their features.
const WITHOUT_ENGINE: &str = "oxitel-without-otel";

/// Runs the stage. Naming no package takes the default members, as `up` does.
pub(super) fn run(context: &Context) -> anyhow::Result<Report> {
    let Context { root, require_all, .. } = *context;
    let mut report = tested(&mut test(root))?;
    report.add(tested(test(root).args(["--package", WITHOUT_ENGINE]))?);

    let metadata = Metadata::read(root)?;
    let heavy: Vec<&str> =
        metadata.other_members().filter(|name| *name != WITHOUT_ENGINE).collect();
    if !require_all && !heavy.is_empty() {
        report.add(Report::skipped(Skip {
            what: heavy.join(", "),
            why: "they bring heavy crates of their own".to_owned(),
            remedy: "cargo xtask test --only rust --require-all".to_owned(),
        }));
        return Ok(report);
    }
    // In one call: each alone would choose other features of the crates that they share, and build
    // those anew.
    let packages = heavy.iter().flat_map(|name| ["--package", name]);
    report.add(tested(test(root).args(packages))?);
    Ok(report)
}

fn test(root: &Path) -> Command {
    let mut command = cargo::cargo(root);
    command.args(["test", "--no-fail-fast"]);
    command
}

/// Runs `cargo test`, shows what it says and counts it.
fn tested(command: &mut Command) -> anyhow::Result<Report> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("could not start cargo")?;
    let mut report = Report::default();
    let mut elsewhere = Elsewhere::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.context("cargo test said something that is no text")?;
            println!("{line}");
            report.add(count(&line));
            elsewhere.note(&line);
        }
    }
    report.ignored = report.ignored.saturating_sub(elsewhere.count());
    let status = child.wait()?;
    if !status.success() && report.failed == 0 {
        // It did not compile, or a test binary died.
        report.failed = 1;
    }
    Ok(report)
}

/// Ignored tests that another one runs in a process of its own: `#[ignore = "run by NAME"]`.
#[derive(Default)]
struct Elsewhere {
    run_by: Vec<String>,
    passed: HashSet<String>,
}

impl Elsewhere {
    /// Takes in one line of `cargo test`.
    fn note(&mut self, line: &str) {
        let Some((name, result)) =
            line.strip_prefix("test ").and_then(|line| line.split_once(" ... "))
        else {
            return;
        };
        if let Some(other) = result.strip_prefix("ignored, run by ") {
            self.run_by.push(other.to_owned());
        } else if result == "ok" {
            let function = name.rsplit_once("::").map_or(name, |(_, function)| function);
            self.passed.insert(function.to_owned());
        }
    }

    /// How many of them were run, by a test that passed.
    fn count(&self) -> u64 {
        self.run_by.iter().filter(|name| self.passed.contains(*name)).count() as u64
    }
}

/// What one line of `cargo test` adds to the counts.
pub(crate) fn count(line: &str) -> Report {
    let Some(counts) = line.strip_prefix("test result: ") else { return Report::default() };
    let counts = counts.split_once(". ").map_or("", |(_, counts)| counts);
    let number = |what: &str| {
        counts
            .split("; ")
            .find_map(|part| part.strip_suffix(what)?.trim().parse().ok())
            .unwrap_or(0)
    };
    Report {
        passed: number("passed"),
        failed: number("failed"),
        ignored: number("ignored"),
        skips: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_of_cargo_test_are_counted() {
        let good = count(
            "test result: ok. 12 passed; 0 failed; 2 ignored; 0 measured; 3 filtered out; finished in 0.01s",
        );
        assert_eq!((good.passed, good.failed, good.ignored), (12, 0, 2));
        let bad = count(
            "test result: FAILED. 1 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s",
        );
        assert_eq!((bad.passed, bad.failed, bad.ignored), (1, 4, 0));
    }

    #[test]
    fn an_ignored_test_that_a_passing_one_runs_is_not_left_out() {
        let mut elsewhere = Elsewhere::default();
        elsewhere.note("test life::part ... ignored, run by the_whole");
        elsewhere.note("test other::part ... ignored, run by nobody");
        elsewhere.note("test third ... ignored");
        assert_eq!(elsewhere.count(), 0, "it has not passed yet");
        elsewhere.note("test life::the_whole ... ok");
        assert_eq!(elsewhere.count(), 1);
    }

    #[test]
    fn other_lines_count_nothing() {
        let report = count("test up::ports::a_free_port ... ok");
        assert_eq!((report.passed, report.failed, report.ignored), (0, 0, 0));
    }
}
