//! A candidate in a process of its own that is told everything by its arguments.

use anyhow::{Context, ensure};
use std::process::{Command, Stdio};

/// Runs this program with these arguments to its end and returns what it said. What the caller's
/// shell configures would be measured too, so it is taken away.
pub(crate) fn said_by(arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let program = std::env::current_exe().context("where is this program?")?;
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("OTEL_") || name.starts_with("OXITEL_") {
            command.env_remove(name.as_ref());
        }
    }
    command.args(arguments).stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("could not start {arguments:?}"))?;
    ensure!(output.status.success(), "{arguments:?} ended with {}", output.status);
    Ok(output.stdout)
}
