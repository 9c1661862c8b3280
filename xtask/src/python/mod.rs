//! `cargo xtask py`: the Python package, built into `.venv`, or as a wheel.
//!
//! Flow: cargo builds the extension -> it is copied beside the package's Python files -> `.venv`
//! is told where the package lies (`install`). `wheel` is what users get, and `trial` installs it as
//! they do.

mod bench;
mod install;
mod manifest;
mod trial;
mod wheel;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::arguments::{Arguments, UsageError};
use crate::tools::{self, Skip, python_environment_in};
use crate::{Outcome, cargo, console};

pub(crate) use bench::bench;
use wheel::wheel;

/// The crate of the extension.
const CRATE: &str = "oxitel-python";
/// The folder with the manifest, the tests and the package.
pub(crate) const FOLDER: &str = "python";
/// Where Python looks for the extension: beside the Python files, one for all versions.
const EXTENSION: &str = "oxitel/_native.abi3.so";

/// How the extension is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// Quickly, for tests.
    Development,
    /// As in the wheel.
    Release,
}

/// Runs the word.
pub(crate) fn run(root: &Path, mut arguments: Arguments) -> anyhow::Result<Outcome> {
    let is_release = arguments.flag("--release");
    let is_wheel = arguments.flag("--wheel");
    arguments.finish()?;
    if is_release && is_wheel {
        return Err(UsageError("a wheel is always a release: --wheel alone".to_owned()).into());
    }
    let done = if is_wheel {
        match wheel(root)? {
            Ok(wheel) => trial::tried(root, &wheel)?.map(|brings| format!("{wheel}; {brings}")),
            Err(skip) => Err(skip),
        }
    } else {
        let build = if is_release { Build::Release } else { Build::Development };
        let interpreter = installed(root, build)?;
        interpreter.map(|python| format!("{} has the package oxitel", python.display()))
    };
    match done {
        Ok(said) => {
            println!("{} {said}", console::mark(true));
            Ok(Outcome::Good)
        }
        Err(skip) => {
            println!("{}", skip.line());
            Ok(Outcome::Bad)
        }
    }
}

/// Builds the extension and makes `.venv` know the package; returns its interpreter.
pub(crate) fn installed(root: &Path, build: Build) -> anyhow::Result<Result<PathBuf, Skip>> {
    let environment = root.join(".venv");
    if let Err(skip) = python_environment_in(&environment, &requirements(root)?) {
        return Ok(Err(skip));
    }
    extension(root, build)?;
    install::editable(root, &environment)?;
    Ok(Ok(environment.join("bin/python")))
}

/// What the tests of the package need.
pub(crate) fn requirements(root: &Path) -> anyhow::Result<String> {
    tools::requirements(&root.join(FOLDER).join("tests/requirements.txt"))
}

/// Builds the extension, beside the Python files.
fn extension(root: &Path, build: Build) -> anyhow::Result<()> {
    let options: &[&str] = match build {
        Build::Development => &[],
        Build::Release => &["--release"],
    };
    let library = cargo::library(root, CRATE, options)?;
    let place = root.join(FOLDER).join(EXTENSION);
    let fresh = place.with_extension("fresh");
    fs::copy(&library, &fresh).with_context(|| library.display().to_string())?;
    // In one step: a program that runs keeps the file that it has opened.
    fs::rename(&fresh, &place).with_context(|| place.display().to_string())
}
