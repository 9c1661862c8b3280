//! A process of the sample: started with a clean environment, listened to, ended by a signal.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

const READY_LIMIT: Duration = Duration::from_secs(10);

pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    endpoint: String,
}

#[derive(Debug, Deserialize)]
struct Ready {
    ready: bool,
    http: String,
}

#[derive(Debug, Deserialize)]
struct LedgerLine {
    ledger: Ledger,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Ledger {
    pub(crate) recorded: u64,
    pub(crate) delivered: u64,
    pub(crate) rejected: u64,
    pub(crate) dropped: u64,
    pub(crate) queued: u64,
    pub(crate) live: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Summary {
    pub(crate) traces: u64,
    pub(crate) services: Vec<String>,
    pub(crate) spans: u64,
    pub(crate) latest: Option<Latest>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Latest {
    pub(crate) spans: u64,
    pub(crate) services: u64,
    pub(crate) complete: bool,
}

impl Process {
    /// Starts a process and waits until it is ready.
    pub(crate) fn start(arguments: &[&str], otlp: &str) -> Process {
        let mut process = Process::start_silent(arguments, otlp);
        let line = process.lines.recv_timeout(READY_LIMIT).expect("a first line in time");
        let ready: Ready = serde_json::from_str(&line).expect("the first line says where");
        assert!(ready.ready, "{line}");
        process.endpoint = ready.http;
        process
    }

    /// Starts a process that does not say that it is ready.
    pub(crate) fn start_silent(arguments: &[&str], otlp: &str) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_first-light"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("OTEL_") {
                command.env_remove(name);
            }
        }
        if !otlp.is_empty() {
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", otlp).env("OTEL_BSP_SCHEDULE_DELAY", "100");
        }
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("its output is piped"));
        let (sender, lines) = channel();
        // Ends with the output of the process, or when nobody listens any more.
        thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|l| sender.send(l))
        });
        Process { child, lines, endpoint: String::new() }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Sends a signal, waits for the end, and returns the last ledger.
    pub(crate) fn end(&mut self, signal: &str, limit: Duration) -> Ledger {
        self.signal(signal);
        self.end_by_itself(limit)
    }

    pub(crate) fn end_without_ledger(&mut self, signal: &str, limit: Duration) {
        self.signal(signal);
        self.wait(limit);
    }

    /// Waits for the end and returns the last ledger.
    pub(crate) fn end_by_itself(&mut self, limit: Duration) -> Ledger {
        self.wait(limit);
        let last = self.lines.iter().last().expect("a last line");
        let line: LedgerLine = serde_json::from_str(&last).expect("the last line is the ledger");
        line.ledger
    }

    /// What the process serves at `path`.
    pub(crate) fn get(&self, path: &str) -> String {
        let address = self.endpoint.strip_prefix("http://").expect("an address");
        let mut stream = TcpStream::connect(address).expect("it listens");
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("it answers");
        let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        body.to_owned()
    }

    pub(crate) fn summary(&self) -> Summary {
        serde_json::from_str(&self.get("/summary")).expect("the summary is JSON")
    }

    pub(crate) fn wait_for_complete_trace(&self, limit: Duration) {
        let start = Instant::now();
        while !self.summary().latest.is_some_and(|latest| latest.complete) {
            assert!(start.elapsed() < limit, "no complete trace: {:?}", self.summary());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(kill.expect("kill runs").success());
    }

    fn wait(&mut self, limit: Duration) {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                break status;
            }
            assert!(start.elapsed() < limit, "still running after {limit:?}");
            thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(status, ExitStatus::default(), "it ends with status 0");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails when it has ended already: just so.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that was just free: nobody answers there.
pub(crate) fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}
