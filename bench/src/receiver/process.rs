//! The conductor's handle on the receiver's process.

use super::Count;
use crate::arguments::RECEIVER;
use anyhow::{Context, bail};
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running receiver; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Receiver {
    child: Child,
    stdin: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    endpoint: String,
}

impl Receiver {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("where is this program?")?;
        let mut command = Command::new(program);
        command.arg(RECEIVER).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("could not start the receiver")?;
        let stdin = child.stdin.take().context("a piped standard input is there")?;
        let stdout = child.stdout.take().context("a piped standard output is there")?;
        let said = BufReader::new(stdout).lines();
        let mut receiver = Self { child, stdin, said, endpoint: String::new() };
        receiver.endpoint = receiver.line()?;
        Ok(receiver)
    }

    /// Its base URL.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What arrived since the last call.
    pub(crate) fn count(&mut self) -> anyhow::Result<Count> {
        self.stdin.write_all(b"count\n").context("the receiver does not listen")?;
        let line = self.line()?;
        serde_json::from_str(&line).with_context(|| format!("the receiver says {line:?}"))
    }

    fn line(&mut self) -> anyhow::Result<String> {
        match self.said.next() {
            Some(line) => line.context("could not read what the receiver says"),
            None => bail!("the receiver ended: {}", self.child.wait()?),
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // A process that has ended already cannot be killed, and need not.
        if self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }
}
