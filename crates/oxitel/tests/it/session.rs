//! One telemetry session at a time: the engine is the process's, and tests are its threads.

use oxitel::testing::{Receiver, judge};
use oxitel::{Config, Guard, Stats, TracingEvents};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Long enough for anything that is not broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The right to call `init`, which sets the process's propagators even where nothing is recorded.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running engine that sends to a receiver of its own.
pub(crate) struct Session {
    /// Before the receiver: what is sent at the end has somebody who takes it.
    pub(crate) guard: Guard,
    pub(crate) receiver: Receiver,
    before: Stats,
    _turn: MutexGuard<'static, ()>,
}

impl Session {
    pub(crate) fn start() -> Self {
        Self::with(|config| config)
    }

    /// With the schedule delay out of the way, so that only a flush or a full chunk sends, and with
    /// events where they are seen in the tree.
    pub(crate) fn with(change: impl FnOnce(Config) -> Config) -> Self {
        let turn = turn();
        let receiver = Receiver::start();
        let mut config = Config::default();
        config.service_name = Some("it".to_owned());
        let config = config.endpoint(receiver.endpoint()).schedule_delay(PATIENCE);
        let config = config.tracing_events(TracingEvents::SpanEvents).own_metrics(false);
        let guard = oxitel::init(change(config)).expect("telemetry starts");
        Self { receiver, guard, before: oxitel::stats(), _turn: turn }
    }

    /// What this session added to the process's ledger.
    pub(crate) fn ledger(&self) -> Stats {
        since(oxitel::stats(), self.before)
    }

    /// Flushes, checks the conservation law, and returns the traces as text.
    pub(crate) fn tree(&self) -> String {
        oxitel::flush(PATIENCE).expect("everything is delivered");
        self.verify();
        self.receiver.tree()
    }

    /// The conservation law, against what the receiver got.
    pub(crate) fn verify(&self) {
        judge(&self.receiver, &[self.ledger()]).expect_clean();
    }
}

/// The ledger counts from the start of the process; a test looks at its own part.
fn since(now: Stats, before: Stats) -> Stats {
    let mut part = now;
    part.live = part.live.saturating_sub(before.live);
    part.recorded -= before.recorded;
    part.delivered -= before.delivered;
    part.rejected -= before.rejected;
    part.dropped.queue_full -= before.dropped.queue_full;
    part.dropped.too_large -= before.dropped.too_large;
    part.dropped.unreachable -= before.dropped.unreachable;
    part.dropped.already_shutdown -= before.dropped.already_shutdown;
    part.dropped.shutdown_deadline -= before.dropped.shutdown_deadline;
    part.dropped.by_hook -= before.dropped.by_hook;
    part.dropped.damaged -= before.dropped.damaged;
    part.recovered -= before.recovered;
    part.spooled = part.spooled.saturating_sub(before.spooled);
    part.redacted -= before.redacted;
    part.panics -= before.panics;
    part
}

/// Runs one of this crate's example programs to its end.
pub(crate) fn run_example(name: &str, arguments: &[&str], endpoint: &str) -> (Output, Duration) {
    run_example_with(name, arguments, endpoint, &[])
}

/// The same with more variables.
pub(crate) fn run_example_with(
    name: &str,
    arguments: &[&str],
    endpoint: &str,
    variables: &[(&str, &str)],
) -> (Output, Duration) {
    let begun = Instant::now();
    let mut example = example(name, arguments, endpoint);
    let output = example.envs(variables.iter().copied()).output().expect("the example runs");
    (output, begun.elapsed())
}

/// An example program, not started yet.
pub(crate) fn example(name: &str, arguments: &[&str], endpoint: &str) -> Command {
    let tests = std::env::current_exe().expect("the test program has a path");
    let target = tests.ancestors().nth(2).expect("it lies in target/debug/deps");
    let mut example = Command::new(target.join("examples").join(name));
    example.args(arguments).env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    example
}

/// The ledger that an example printed as its last line.
pub(crate) fn printed_ledger(output: &Output) -> Stats {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().rev().find(|line| line.starts_with("ledger "));
    let line = line.unwrap_or_else(|| panic!("no ledger in {text:?}"));
    let mut stats = Stats::default();
    for pair in line.split_whitespace().skip(1) {
        let (name, count) = pair.split_once('=').expect("name=count");
        let count = count.parse().expect("a count");
        match name {
            "recorded" => stats.recorded = count,
            "delivered" => stats.delivered = count,
            "rejected" => stats.rejected = count,
            "queue_full" => stats.dropped.queue_full = count,
            "already_shutdown" => stats.dropped.already_shutdown = count,
            "unreachable" => stats.dropped.unreachable = count,
            "shutdown_deadline" => stats.dropped.shutdown_deadline = count,
            "queued" => stats.queued = count,
            "spooled" => stats.spooled = count,
            "recovered" => stats.recovered = count,
            "damaged" => stats.dropped.damaged = count,
            other => panic!("an unknown count {other:?}"),
        }
    }
    stats
}

/// A server that reads each request whole, takes its time, answers with these bytes and closes
/// the connection. Returns its URL and the number of requests so far.
pub(crate) fn blunt_server(
    time: Duration,
    answer: impl AsRef<[u8]> + Send + 'static,
) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    // Serves until the process ends; the listener has no other way to be told.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            if read_request(&mut stream).is_ok() {
                counter.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(time);
                stream.write_all(answer.as_ref()).expect("the client waits for it");
            }
        }
    });
    (url, requests)
}

pub(crate) fn read_request(stream: &mut TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line == "\r\n" {
            return reader.read_exact(&mut vec![0; length]);
        }
    }
}
