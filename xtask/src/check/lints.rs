//! Formatters and linters: rustfmt, clippy, typos, ruff.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::verdict::Verdict;
use crate::cargo;
use crate::tools::Tool;

const TYPOS: Tool = Tool { name: "typos", version: "1.52.0" };
const RUFF: Tool = Tool { name: "ruff", version: "0.17.5" };

/// Every Rust file is formatted.
pub(super) fn format(root: &Path) -> anyhow::Result<Verdict> {
    let mut command = cargo::cargo(root);
    command.args(["fmt", "--all", "--check", "--", "-l"]);
    silent(&mut command, "rustfmt has nothing to change", "cargo fmt --all")
}

/// Clippy is content with every target of every member.
pub(super) fn clippy(root: &Path) -> anyhow::Result<Verdict> {
    let mut command = cargo::cargo(root);
    command.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    shown(&mut command, "clippy is content with all targets")
}

/// Clippy is content with the engine's off build.
pub(super) fn clippy_off(root: &Path) -> anyhow::Result<Verdict> {
    let mut command = cargo::cargo(root);
    command.args(["clippy", "--package", "oxitel", "--no-default-features", "--lib"]);
    shown(command.args(["--", "-D", "warnings"]), "clippy is content with oxitel switched off")
}

/// No known misspelling in any file.
pub(super) fn typos(root: &Path) -> anyhow::Result<Verdict> {
    let program = match TYPOS.find() {
        Ok(program) => program,
        Err(skip) => return Ok(Verdict::Skipped(skip)),
    };
    let mut command = Command::new(program);
    command.current_dir(root).args(["--format", "brief"]);
    silent(&mut command, "no known misspelling", "mend the word, or teach it to typos.toml")
}

/// Python files are formatted and free of what ruff finds.
pub(super) fn ruff(root: &Path) -> anyhow::Result<Verdict> {
    let program = match RUFF.find() {
        Ok(program) => program,
        Err(skip) => return Ok(Verdict::Skipped(skip)),
    };
    let mut lint = Command::new(&program);
    lint.current_dir(root).args(["check", "--no-cache", "--quiet", "--output-format", "concise"]);
    let linted = silent(&mut lint, "", "ruff check --fix, or by hand")?;
    if matches!(linted, Verdict::Broken { .. }) {
        return Ok(linted);
    }
    let mut format = Command::new(&program);
    format.current_dir(root).args(["format", "--no-cache", "--check", "--quiet"]);
    silent(&mut format, "ruff has nothing to change", "ruff format")
}

/// Runs a tool; what it says are the faults.
pub(super) fn silent(command: &mut Command, kept: &str, mend: &str) -> anyhow::Result<Verdict> {
    let output = command
        .output()
        .with_context(|| format!("could not start `{}`", cargo::describe(command)))?;
    if output.status.success() {
        return Ok(Verdict::Kept(kept.to_owned()));
    }
    let said = [output.stdout, output.stderr].concat();
    Ok(Verdict::broken(vec![String::from_utf8_lossy(&said).trim_end().to_owned()], mend))
}

/// Runs a tool that takes its time, in sight of the user.
fn shown(command: &mut Command, kept: &str) -> anyhow::Result<Verdict> {
    let call = cargo::describe(command);
    let status = command.status().with_context(|| format!("could not start `{call}`"))?;
    if status.success() {
        return Ok(Verdict::Kept(kept.to_owned()));
    }
    Ok(Verdict::broken(vec![format!("`{call}` says what, above")], "mend what clippy names"))
}
