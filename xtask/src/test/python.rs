//! The Python tests: the bytes that we send, judged by the official Python protobuf classes, and
//! the page for Prometheus, judged by Prometheus itself.

use std::fs;
use std::process::Command;

use anyhow::Context as _;

use super::Context;
use super::report::Report;
use crate::{cargo, environment, tools};

const FOLDER: &str = "tests/conformance";

/// Runs the stage.
pub(super) fn run(context: &Context) -> anyhow::Result<Report> {
    let root = context.root;
    let folder = root.join(FOLDER);
    let requirements = fs::read_to_string(folder.join("requirements.txt"))
        .with_context(|| format!("{FOLDER}/requirements.txt"))?;
    let python = match tools::python_environment("conformance", &requirements) {
        Ok(environment) => environment.join("bin/python"),
        Err(skip) => return Ok(Report::skipped(skip)),
    };
    let mut command = Command::new(python);
    environment::clean(&mut command)
        .args(["-m", "pytest", "-p", "no:cacheprovider", "-ra", "-v"])
        .arg(&folder)
        .env("OXITEL_FIRST_LIGHT", cargo::program(root, "first-light")?)
        .env("OXITEL_SIGNALS", cargo::program_of(root, "oxitel-examples", "signals")?)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let skips = with_programs(
        &mut command,
        &[
            ("OXITEL_PROMETHEUS", tools::PROMETHEUS, "usr/bin/prometheus"),
            ("OXITEL_PROMTOOL", tools::PROMETHEUS, "usr/bin/promtool"),
        ],
    );
    let output = command.output().context("could not start pytest")?;
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}{}", String::from_utf8_lossy(&output.stderr));
    let mut report = Report { skips, ..count(said.lines().last().unwrap_or_default()) };
    if !output.status.success() && report.failed == 0 {
        report.failed = 1;
    }
    Ok(report)
}

/// Tells the tests by `variables` where programs of Debian's packages are; those that need one that
/// nobody could reach are left out.
pub(super) fn with_programs(
    command: &mut Command,
    variables: &[(&str, tools::Package, &str)],
) -> Vec<tools::Skip> {
    let mut skips = Vec::new();
    for (variable, package, path) in variables {
        match package.find(path) {
            Ok(program) => drop(command.env(variable, program)),
            Err(skip) => skips.push(skip),
        }
    }
    skips
}

/// The counts in pytest's last line, such as `=== 5 passed, 1 skipped in 0.42s ===`.
pub(super) fn count(line: &str) -> Report {
    let number = |names: &[&str]| {
        let words: Vec<&str> =
            line.split([' ', ',', '=']).filter(|word| !word.is_empty()).collect();
        let counts = words.windows(2).filter(|pair| names.contains(&pair[1]));
        counts.filter_map(|pair| pair[0].parse::<u64>().ok()).sum()
    };
    Report {
        passed: number(&["passed"]),
        failed: number(&["failed", "error", "errors"]),
        ignored: number(&["skipped", "xfailed", "deselected"]),
        skips: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_pytest_is_counted() {
        let report = count("===== 2 failed, 5 passed, 1 skipped, 1 error in 0.42s =====");
        assert_eq!((report.passed, report.failed, report.ignored), (5, 3, 1));
        let report = count("5 passed in 0.42s");
        assert_eq!((report.passed, report.failed, report.ignored), (5, 0, 0));
    }
}
