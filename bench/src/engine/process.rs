//! One candidate in a process of its own.

use super::observation::Observation;
use crate::arguments::CANDIDATE;
use crate::measure::{Order, READY, Sample};
use crate::receiver::process::Receiver;
use anyhow::{Context, bail, ensure};
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Runs the candidate and says what it cost. What its warm-up sent does not count.
pub(super) fn measure(order: &Order, receiver: &mut Receiver) -> anyhow::Result<Observation> {
    let mut candidate = Process::start(order)?;
    let line = candidate.line()?;
    ensure!(line == READY, "it said {line:?} instead of {READY:?}");
    receiver.count()?;
    candidate.go()?;
    let sample: Sample = serde_json::from_str(&candidate.line()?)?;
    candidate.end()?;
    Observation::new(order, &sample, &receiver.count()?)
}

struct Process {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(order: &Order) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("where is this program?")?;
        let mut command = Command::new(program);
        command.arg(CANDIDATE).args(order.arguments());
        // What the caller's shell configures would be measured too.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("OTEL_") || name.starts_with("OXITEL_") {
                command.env_remove(name.as_ref());
            }
        }
        command.envs(order.candidate.environment());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("could not start a candidate")?;
        let stdout = child.stdout.take().context("a piped standard output is there")?;
        Ok(Self { child, said: BufReader::new(stdout).lines() })
    }

    fn line(&mut self) -> anyhow::Result<String> {
        match self.said.next() {
            Some(line) => line.context("could not read what the candidate says"),
            None => bail!("it ended too early: {}", self.child.wait()?),
        }
    }

    fn go(&mut self) -> anyhow::Result<()> {
        let mut stdin = self.child.stdin.take().context("a piped standard input is there")?;
        stdin.write_all(b"go\n").context("could not tell the candidate to go")
    }

    fn end(&mut self) -> anyhow::Result<()> {
        let status = self.child.wait()?;
        ensure!(status.success(), "it ended with {status}");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After an error it may still run; a process that has ended cannot be killed, and is not.
        if matches!(self.child.try_wait(), Ok(None)) && self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }
}
