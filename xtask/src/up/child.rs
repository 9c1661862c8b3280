//! One started process: what it said last, how it stands, and how it is ended.
//!
//! Flow: two reader threads turn its output into `Event`s → `fleet` hands them back to `note`.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Instant;

use anyhow::Context;

use super::said::{Ledger, Said};
use crate::{cargo, os};

/// How many of its last error lines a process keeps for the case that it dies.
const KEPT_ERROR_LINES: usize = 12;

/// What a process does here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Works until it is told to stop; an end before that is a failure.
    Service,
    /// Ends by itself; exit code 0 is success.
    Build,
}

/// Where the error lines of a process go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errors {
    /// The last ones are kept.
    Kept,
    /// To the user, as they come.
    Shown,
}

/// Something that happened to the process with this number.
pub(super) struct Event {
    pub(super) process: usize,
    pub(super) what: What,
}

pub(super) enum What {
    Out(String),
    Error(String),
    StreamEnded,
}

/// A started process.
pub(super) struct Child {
    name: String,
    role: Role,
    process: std::process::Child,
    ended: Option<ExitStatus>,
    told_to_end: bool,
    open_streams: u8,
    errors: VecDeque<String>,
    endpoint: Option<String>,
    ledger: Option<Ledger>,
    programs: Vec<PathBuf>,
    started: Instant,
}

impl Child {
    /// Starts `command`; what it says comes through `events` under the number `number`.
    pub(super) fn start(
        name: &str,
        role: Role,
        errors: Errors,
        mut command: Command,
        number: usize,
        events: &Sender<Event>,
    ) -> anyhow::Result<Child> {
        let stderr = if errors == Errors::Kept { Stdio::piped() } else { Stdio::inherit() };
        os::own_group(&mut command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        let mut process = command
            .spawn()
            .with_context(|| format!("could not start `{}`", cargo::describe(&command)))?;
        let mut open_streams = 0;
        if let Some(stdout) = process.stdout.take() {
            open_streams += 1;
            read_lines(stdout, number, What::Out, events.clone());
        }
        if let Some(stderr) = process.stderr.take() {
            open_streams += 1;
            read_lines(stderr, number, What::Error, events.clone());
        }
        Ok(Child {
            name: name.to_owned(),
            role,
            process,
            ended: None,
            told_to_end: false,
            open_streams,
            errors: VecDeque::new(),
            endpoint: None,
            ledger: None,
            programs: Vec::new(),
            started: Instant::now(),
        })
    }

    /// Takes in what one of the reader threads saw.
    pub(super) fn note(&mut self, what: What) {
        match what {
            What::Out(line) => match Said::read(&line) {
                Said::Ready { http } => self.endpoint = Some(http),
                Said::Ledger(ledger) => self.ledger = Some(ledger),
                Said::Built { program } => self.programs.push(program),
                Said::Other => {}
            },
            What::Error(line) => {
                if self.errors.len() == KEPT_ERROR_LINES {
                    self.errors.pop_front();
                }
                self.errors.push_back(line);
            }
            What::StreamEnded => self.open_streams -= 1,
        }
    }

    /// Looks whether the process has ended; true once, at the moment it is found out.
    pub(super) fn look(&mut self) -> bool {
        if self.ended.is_some() {
            return false;
        }
        // An error here means that the process cannot be asked about; it is asked again later.
        self.ended = self.process.try_wait().ok().flatten();
        self.ended.is_some()
    }

    /// Tells the process and everything it started to end.
    pub(super) fn end(&mut self, ending: os::Ending) {
        if self.ended.is_none() {
            self.told_to_end = true;
            os::end_group(self.process.id(), ending);
        }
    }

    /// Whether it has ended and everything it said was read.
    pub(super) fn is_over(&self) -> bool {
        self.has_ended() && self.open_streams == 0
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Whether it has ended with exit code 0.
    pub(super) fn succeeded(&self) -> bool {
        self.ended.is_some_and(|status| status.success())
    }

    /// Whether it ended in a way it should not have.
    pub(super) fn failed(&self) -> bool {
        let Some(status) = self.ended else { return false };
        match self.role {
            Role::Service => !self.told_to_end || !status.success(),
            Role::Build => !self.told_to_end && !status.success(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// Where it answers, once it is ready.
    pub(super) fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// The last ledger it showed.
    pub(super) fn ledger(&self) -> Option<Ledger> {
        self.ledger
    }

    /// The programs that a build made.
    pub(super) fn programs(&self) -> &[PathBuf] {
        &self.programs
    }

    /// Its last error lines.
    pub(super) fn errors(&self) -> impl Iterator<Item = &str> {
        self.errors.iter().map(String::as_str)
    }

    /// Its state in one word or two.
    pub(super) fn state(&self) -> String {
        match (self.role, self.ended) {
            (Role::Build, None) => {
                let now = self.errors.back().map_or("", |line| line.trim());
                format!("building for {} s: {now}", self.started.elapsed().as_secs())
            }
            (Role::Build, Some(status)) if status.success() => "built".to_owned(),
            (Role::Service, None) if self.told_to_end => "stopping".to_owned(),
            (Role::Service, None) => "running".to_owned(),
            (_, Some(_)) if !self.failed() => "stopped".to_owned(),
            (_, Some(status)) => format!("died ({status})"),
        }
    }
}

fn read_lines(
    stream: impl Read + Send + 'static,
    process: usize,
    wrap: fn(String) -> What,
    events: Sender<Event>,
) {
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if events.send(Event { process, what: wrap(line) }).is_err() {
                return;
            }
        }
        // Nobody listens any more when this fails, and then nobody waits for it either.
        let _ = events.send(Event { process, what: What::StreamEnded });
    });
}
