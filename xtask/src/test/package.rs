//! The tests of the Python package, against the build for development in `.venv`; some compare it
//! with the SDK, which lies in an environment of its own.

use std::fs;
use std::process::Command;

use anyhow::Context as _;

use super::Context;
use super::python::count;
use super::report::Report;
use crate::{environment, python, tools};

const FOLDER: &str = "python/tests";

/// Runs the stage.
pub(super) fn run(context: &Context) -> anyhow::Result<Report> {
    let interpreter = match python::installed(context.root, python::Build::Development)? {
        Ok(interpreter) => interpreter,
        Err(skip) => return Ok(Report::skipped(skip)),
    };
    let file = context.root.join(FOLDER).join("requirements-sdk.txt");
    let requirements = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let sdk = match tools::python_environment("python-sdk", &requirements) {
        Ok(environment) => environment.join("bin/python"),
        Err(skip) => return Ok(Report::skipped(skip)),
    };
    let output = environment::clean(&mut Command::new(interpreter))
        .args(["-m", "pytest", "-p", "no:cacheprovider", "-ra"])
        .arg(context.root.join(FOLDER))
        .env("OXITEL_SDK_PYTHON", sdk)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .context("could not start pytest")?;
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}{}", String::from_utf8_lossy(&output.stderr));
    let mut report = count(said.lines().last().unwrap_or_default());
    if !output.status.success() && report.failed == 0 {
        report.failed = 1;
    }
    Ok(report)
}
