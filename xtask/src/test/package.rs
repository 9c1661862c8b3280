//! The tests of the Python package, against the build for development in `.venv`; some compare it
//! with the SDK, which lies in an environment of its own.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};

use super::Context;
use super::python::{count, with_programs};
use super::report::Report;
use crate::{environment, python, tools};

const FOLDER: &str = "python/tests";

/// What comparisons run in, beside the environment of the tests: one with the SDK, and one with
/// nothing but the API and libraries.
const ENVIRONMENTS: [(&str, &str); 2] =
    [("OXITEL_SDK_PYTHON", "sdk"), ("OXITEL_PACKAGES_PYTHON", "packages")];

/// The servers that libraries talk to.
const PROGRAMS: &[(&str, tools::Package, &str)] = &[
    ("OXITEL_REDIS_SERVER", tools::REDIS, "usr/bin/redis-server"),
    ("OXITEL_POSTGRES", tools::POSTGRESQL, "usr/lib/postgresql/*/bin/postgres"),
    ("OXITEL_INITDB", tools::POSTGRESQL, "usr/lib/postgresql/*/bin/initdb"),
];

/// Runs the stage.
pub(super) fn run(context: &Context) -> anyhow::Result<Report> {
    let interpreter = match python::installed(context.root, python::Build::Development)? {
        Ok(interpreter) => interpreter,
        Err(skip) => return Ok(Report::skipped(skip)),
    };
    let mut command = Command::new(interpreter);
    environment::clean(&mut command)
        .args(["-m", "pytest", "-p", "no:cacheprovider", "-ra"])
        .args(chosen(context)?)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(more_of());
    for (variable, name) in ENVIRONMENTS {
        let file = context.root.join(FOLDER).join(format!("requirements-{name}.txt"));
        match tools::python_environment(&format!("python-{name}"), &tools::requirements(&file)?) {
            Ok(environment) => drop(command.env(variable, environment.join("bin/python"))),
            Err(skip) => return Ok(Report::skipped(skip)),
        }
    }
    let skips = with_programs(&mut command, PROGRAMS);
    let output = command.output().context("could not start pytest")?;
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}{}", String::from_utf8_lossy(&output.stderr));
    let mut report = Report { skips, ..count(said.lines().last().unwrap_or_default()) };
    if !output.status.success() && report.failed == 0 {
        report.failed = 1;
    }
    Ok(report)
}

/// Where pytest looks for tests: everywhere, or in the files that are asked for.
fn chosen(context: &Context) -> anyhow::Result<Vec<PathBuf>> {
    let folder = context.root.join(FOLDER);
    let Some(matching) = &context.matching else { return Ok(vec![folder]) };
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| FOLDER)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(
            name.strip_prefix("test_").and_then(|name| name.strip_suffix(".py")).map(str::to_owned),
        );
    }
    // Each of them: a file that was renamed would be left out without a word.
    if let Some(part) = matching.iter().find(|part| !names.iter().any(|name| name.contains(*part)))
    {
        bail!("no file of tests in {FOLDER} has {part:?} in its name");
    }
    names.retain(|name| matching.iter().any(|part| name.contains(part)));
    names.sort();
    Ok(names.iter().map(|name| folder.join(format!("test_{name}.py"))).collect())
}

/// How much more than usual a test is asked to do; the only variables of ours that reach it.
fn more_of() -> Option<(&'static str, OsString)> {
    const FORKS: &str = "OXITEL_TEST_FORKS";
    std::env::var_os(FORKS).map(|count| (FORKS, count))
}
