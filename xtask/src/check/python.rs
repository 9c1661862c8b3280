//! Types of the Python package: its files by pyright, the extension's stubs by stubtest.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::lints::silent;
use super::verdict::Verdict;
use crate::tools::{Skip, python_environment};
use crate::{environment, python};

/// Pyright from PyPI: this one brings its Node along.
const TOOLS: &str = "basedpyright==1.40.2\nmypy==2.4.1\n";
const API: &str = "opentelemetry-api==";

/// The stubs of the extension say what the extension has.
pub(super) fn stubs(root: &Path) -> anyhow::Result<Verdict> {
    let (tools, _) = match ready(root)? {
        Ok(ready) => ready,
        Err(skip) => return Ok(Verdict::Skipped(skip)),
    };
    let mut command = Command::new(tools.join("bin/stubtest"));
    environment::clean(&mut command)
        .current_dir(root.join(python::FOLDER))
        .args(["oxitel._native", "--concise"])
        .env("MYPYPATH", ".")
        .env("PYTHONPATH", ".")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    silent(
        &mut command,
        "the stubs of oxitel._native are what the extension has",
        "python/oxitel/_native.pyi says what python/src has",
    )
}

/// The package has types that hold, by the strict rules.
pub(super) fn types(root: &Path) -> anyhow::Result<Verdict> {
    let (tools, interpreter) = match ready(root)? {
        Ok(ready) => ready,
        Err(skip) => return Ok(Verdict::Skipped(skip)),
    };
    let mut command = Command::new(tools.join("bin/basedpyright"));
    environment::clean(&mut command).args(["--project"]).arg(root.join(python::FOLDER));
    command.arg("--pythonpath").arg(interpreter);
    silent(&mut command, "pyright is content with python/oxitel", "mend what pyright names")
}

/// The folder of the tools, and the interpreter that has the package.
fn ready(root: &Path) -> anyhow::Result<Result<(PathBuf, PathBuf), Skip>> {
    let interpreter = match python::installed(root, python::Build::Development)? {
        Ok(interpreter) => interpreter,
        Err(skip) => return Ok(Err(skip)),
    };
    // stubtest loads the extension, which needs the API.
    let wanted = python::requirements(root)?;
    let api = wanted.lines().filter(|line| line.starts_with(API));
    let wanted = api.fold(TOOLS.to_owned(), |text, line| text + line + "\n");
    Ok(python_environment("types", &wanted).map(|tools| (tools, interpreter)))
}
