//! The Rust tests: unit, integration and documentation tests of the default members, a program
//! built without the engine, and on demand the members with heavy crates of their own.

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
    let Context { root, require_all } = *context;
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
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.context("cargo test said something that is no text")?;
            println!("{line}");
            report.add(count(&line));
        }
    }
    let status = child.wait()?;
    if !status.success() && report.failed == 0 {
        // It did not compile, or a test binary died.
        report.failed = 1;
    }
    Ok(report)
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
    fn other_lines_count_nothing() {
        let report = count("test up::ports::a_free_port ... ok");
        assert_eq!((report.passed, report.failed, report.ignored), (0, 0, 0));
    }
}
