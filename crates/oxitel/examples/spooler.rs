//! Records spans that go to a spool, and says which of them were accepted. The tests start it,
//! kill it, take its disk away, and look for what it promised.
//!
//! - `spooler FOLDER NAME COUNT`: so many spans, each flushed; says `accepted NAME-3` when a flush
//!   returned `Ok`, and the ledger at the end.
//! - `spooler FOLDER burst COUNT`: the same with 40 KiB in each span, and one flush at the end; ends when
//!   the disk is empty.
//! - `spooler FOLDER drain`: delivers what is there and ends.
//! - `spooler FOLDER fork`: forks a child that lives on with the parent's open files, and says
//!   `forked`; both wait to be killed.

#![expect(unsafe_code, reason = "it forks, to see whose the spool is then")]

use oxitel::{Config, Scope};
use std::io::Write;
use std::time::{Duration, Instant};

static SCOPE: Scope = Scope::new("spooler");
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().expect("a folder");
    let config = Config::new("spooler")
        .spool(folder)
        .schedule_delay(Duration::from_secs(60))
        // The tests count requests.
        .metrics(false);
    let guard = oxitel::init(config).expect("telemetry starts");
    match arguments.get(1).map(String::as_str) {
        Some("drain") => drain(),
        Some("fork") => fork(),
        Some(name) => record(name, number(arguments.get(2))),
        None => panic!("what to do"),
    }
    let ended = oxitel::shutdown(Duration::from_secs(20));
    say(&format!("shutdown {ended:?}"));
    ledger();
    drop(guard);
}

fn number(text: Option<&String>) -> u64 {
    text.and_then(|text| text.parse().ok()).expect("how many")
}

fn record(name: &str, count: u64) {
    let text = if name == "burst" { "x".repeat(40 << 10) } else { String::new() };
    for number in 0..count {
        let span = format!("{name}-{number}");
        SCOPE.span(&span).set_attribute("text", &*text);
        if name != "burst" && oxitel::flush(PATIENCE).is_ok() {
            say(&format!("accepted {span}"));
        }
    }
    say(&format!("flush {:?}", oxitel::flush(PATIENCE)));
    // A disk that goes with this process must be empty by then.
    let until = Instant::now() + PATIENCE;
    while name == "burst" && oxitel::stats().spooled > 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Ends when nothing is left on the disk.
fn drain() {
    let until = Instant::now() + PATIENCE;
    let mut quiet = 0;
    while Instant::now() < until && quiet < 5 {
        // What other processes left is looked for every few seconds.
        std::thread::sleep(Duration::from_millis(100));
        let stats = oxitel::stats();
        let is_empty = stats.recovered > 0 && stats.spooled == 0;
        quiet = if is_empty { quiet + 1 } else { 0 };
    }
}

fn fork() {
    drop(SCOPE.span("parent-0"));
    say(&format!("flush {:?}", oxitel::flush(PATIENCE)));
    // SAFETY: the child records, flushes and waits, as a forking server's would.
    let child = unsafe { libc::fork() };
    let who = if child == 0 { "child" } else { "parent" };
    if child == 0 {
        drop(SCOPE.span("child-0"));
        say(&format!("flush {:?}", oxitel::flush(PATIENCE)));
    }
    say(&format!("{who} {}", std::process::id()));
    std::thread::sleep(PATIENCE);
}

fn ledger() {
    let stats = oxitel::stats();
    let unreachable = stats.dropped.unreachable;
    say(&format!(
        "ledger recorded={} delivered={} rejected={} queue_full={} unreachable={unreachable} \
         shutdown_deadline={} queued={} spooled={} recovered={} damaged={}",
        stats.recorded,
        stats.delivered,
        stats.rejected,
        stats.dropped.queue_full,
        stats.dropped.shutdown_deadline,
        stats.queued,
        stats.spooled,
        stats.recovered,
        stats.dropped.damaged,
    ));
    assert!(stats.is_balanced(), "{stats}");
}

/// One write a line: a line that was begun and not ended was not said.
fn say(line: &str) {
    let mut output = std::io::stdout();
    let written = output.write_all(format!("{line}\n").as_bytes()).and_then(|()| output.flush());
    written.expect("somebody reads it");
}
