//! All processes that were started, and the one place that waits for them.
//!
//! Nothing outlives a `Fleet`: dropping it stops what still runs, last started first.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};

use super::child::{Child, Errors, Event, Role};
use super::{Interrupted, TICK};
use crate::{cargo, console, os};

/// How long a process may take to flush and end before it is ended by force.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// The started processes.
pub(super) struct Fleet {
    root: PathBuf,
    children: Vec<Child>,
    sender: Sender<Event>,
    events: Receiver<Event>,
    news: Vec<String>,
}

impl Fleet {
    pub(super) fn new(root: &Path) -> Fleet {
        let (sender, events) = mpsc::channel();
        Fleet { root: root.to_owned(), children: Vec::new(), sender, events, news: Vec::new() }
    }

    /// Starts a process that works until it is stopped; returns its number.
    pub(super) fn start(&mut self, name: &str, command: Command) -> anyhow::Result<usize> {
        self.add(name, Role::Service, Errors::Kept, command)
    }

    /// Starts `cargo` with `arguments`, a build for the stage `name`; returns its number.
    pub(super) fn start_build(
        &mut self,
        name: &str,
        arguments: &[&str],
        errors: Errors,
    ) -> anyhow::Result<usize> {
        let mut command = cargo::cargo(&self.root);
        command.args(arguments).arg("--message-format=json-render-diagnostics");
        self.add(name, Role::Build, errors, command)
    }

    fn add(
        &mut self,
        name: &str,
        role: Role,
        errors: Errors,
        command: Command,
    ) -> anyhow::Result<usize> {
        let number = self.children.len();
        self.children.push(Child::start(name, role, errors, command, number, &self.sender)?);
        Ok(number)
    }

    /// Takes in what the processes said and how they stand, waiting at most `limit` for it.
    pub(super) fn pump(&mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while let Ok(event) =
            self.events.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            self.children[event.process].note(event.what);
        }
        for child in &mut self.children {
            if child.look() && child.failed() {
                self.news.push(format!(
                    "{} {} {}",
                    console::mark(false),
                    child.name(),
                    child.state()
                ));
                self.news.extend(child.errors().map(|line| format!("    {line}")));
            }
        }
    }

    /// Waits until `condition` gives a value. An error names `what` was awaited; it comes early
    /// when a process dies or the user wants to stop.
    pub(super) fn wait_for<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut condition: impl FnMut(&Fleet) -> Option<T>,
    ) -> anyhow::Result<T> {
        let deadline = Instant::now() + limit;
        loop {
            if os::stops_asked() > 0 {
                return Err(anyhow!(Interrupted));
            }
            if !self.news.is_empty() {
                let news = self.news().join("\n");
                bail!("waited for {what}, and then:\n{news}");
            }
            if let Some(value) = condition(self) {
                return Ok(value);
            }
            if Instant::now() >= deadline {
                bail!("{what} did not come within {} s", limit.as_secs());
            }
            self.pump(TICK.min(limit));
        }
    }

    /// The process with this number.
    pub(super) fn process(&self, number: usize) -> &Child {
        &self.children[number]
    }

    /// The process of this name.
    pub(super) fn named(&self, name: &str) -> Option<&Child> {
        self.children.iter().find(|child| child.name() == name)
    }

    /// All processes in the order they were started.
    pub(super) fn processes(&self) -> impl Iterator<Item = &Child> {
        self.children.iter()
    }

    /// Whether any process is still at work.
    pub(super) fn somebody_works(&self) -> bool {
        self.children.iter().any(|child| !child.has_ended())
    }

    /// The program of this name, built by one of the builds.
    pub(super) fn program(&self, name: &str) -> anyhow::Result<PathBuf> {
        let mut programs = self.children.iter().flat_map(Child::programs);
        programs
            .find(|program| program.file_stem().is_some_and(|stem| stem == name))
            .cloned()
            .ok_or_else(|| anyhow!("cargo built no program {name:?}"))
    }

    /// Lines about processes that died since this was last asked.
    pub(super) fn news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }

    /// Stops one process: asks, waits a bounded time, then forces. A second Ctrl-C forces at once.
    pub(super) fn stop(&mut self, number: usize) {
        self.children[number].end(os::Ending::Asked);
        let deadline = Instant::now() + STOP_LIMIT;
        while !self.children[number].is_over() && Instant::now() < deadline {
            if os::stops_asked() > 1 {
                break;
            }
            self.pump(Duration::from_millis(20));
        }
        self.force(number);
    }

    fn force(&mut self, number: usize) {
        self.children[number].end(os::Ending::Forced);
        let deadline = Instant::now() + STOP_LIMIT;
        while !self.children[number].has_ended() && Instant::now() < deadline {
            self.pump(Duration::from_millis(20));
        }
    }

    /// Stops the process of this name, when there is one.
    pub(super) fn stop_named(&mut self, name: &str) {
        if let Some(number) = self.children.iter().position(|child| child.name() == name) {
            self.stop(number);
        }
    }

    /// Stops everything, last started first: who sends ends before who receives.
    pub(super) fn stop_all(&mut self) {
        for number in (0..self.children.len()).rev() {
            self.stop(number);
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop_all();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn fleet() -> Fleet {
        Fleet::new(Path::new("."))
    }

    #[test]
    fn what_a_process_says_is_understood_while_it_runs() {
        let mut fleet = fleet();
        let script = r#"echo '{"ready":true,"http":"http://127.0.0.1:1"}'; exec sleep 600"#;
        let number = fleet.start("back", shell(script)).unwrap();
        let endpoint = fleet
            .wait_for("back", LIMIT, |fleet| fleet.process(number).endpoint().map(str::to_owned))
            .unwrap();
        assert_eq!(endpoint, "http://127.0.0.1:1");
        assert_eq!(fleet.process(number).state(), "running");
    }

    #[test]
    fn a_process_that_dies_ends_the_waiting_with_its_last_words() {
        let mut fleet = fleet();
        fleet.start("back", shell("echo 'no stock left' >&2; exit 3")).unwrap();
        let error = fleet.wait_for("the first trace", LIMIT, |_| None::<()>).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("back died (exit status: 3)"), "{error}");
        assert!(error.contains("no stock left"), "{error}");
        assert!(fleet.process(0).failed());
    }

    #[test]
    fn what_did_not_come_in_time_is_named() {
        let mut fleet = fleet();
        let limit = Duration::from_millis(10);
        let error = fleet.wait_for("the first trace", limit, |_| None::<()>).unwrap_err();
        assert_eq!(error.to_string(), "the first trace did not come within 0 s");
    }

    #[test]
    fn a_stopped_process_takes_everything_it_started_along() {
        let note = std::env::temp_dir().join(format!("oxitel-fleet-{}", std::process::id()));
        let script = format!("sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", note.display());
        let mut fleet = fleet();
        let number = fleet.start("parent", shell(&script)).unwrap();
        fleet.wait_for("the note", LIMIT, |_| note.is_file().then_some(())).unwrap();
        let grandchild = fs::read_to_string(&note).unwrap();
        fs::remove_file(&note).unwrap();

        fleet.stop(number);
        assert!(fleet.process(number).is_over(), "a stream is still held open");
        let stat = fs::read_to_string(format!("/proc/{}/stat", grandchild.trim()));
        assert!(stat.is_err() || stat.unwrap().contains(") Z "), "the grandchild still runs");
    }

    #[test]
    fn a_program_is_found_among_what_was_built() {
        let mut fleet = fleet();
        let script = r#"echo '{"reason":"compiler-artifact","executable":"/t/debug/first-light"}'"#;
        let number = fleet.add("cargo", Role::Build, Errors::Kept, shell(script)).unwrap();
        fleet
            .wait_for("cargo", LIMIT, |fleet| fleet.process(number).is_over().then_some(()))
            .unwrap();
        assert!(fleet.process(number).succeeded());
        assert_eq!(fleet.program("first-light").unwrap(), Path::new("/t/debug/first-light"));
        let error = fleet.program("desk").unwrap_err();
        assert_eq!(error.to_string(), "cargo built no program \"desk\"");
    }
}
