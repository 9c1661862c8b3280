//! The same faults under oxitel and under `opentelemetry_sdk`: what arrives, what each of them says
//! of the rest, and how long the end takes.
//!
//! `faults` prints the table. It starts itself once for each fault and library, as `faults
//! candidate LIBRARY ENDPOINT`, so that none shares a process with another; `fault` is the
//! receiver's side.

mod fault;
mod ours;
mod table;
mod theirs;

use fault::{FAULTS, Fault};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};
use table::Row;

/// Spans that a candidate records, before it flushes and ends. More than one batch of theirs.
const SPANS: usize = 600;

/// What a candidate did and says, as it prints it.
#[derive(Clone, Debug, Default)]
struct Told {
    /// What the library knows of its records, in its own words.
    says: String,
    flush: String,
    /// Flush and shutdown together.
    end_ms: u128,
    threads: usize,
}

type Candidate = fn(&str) -> Told;

const CANDIDATES: [(&str, Candidate); 3] = [
    ("oxitel, http", |endpoint| ours::run(endpoint, false)),
    ("oxitel, grpc", |endpoint| ours::run(endpoint, true)),
    ("opentelemetry_sdk, http", theirs::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => conduct(),
        ["candidate", name, endpoint] => perform(name, endpoint),
        _ => {
            eprintln!("usage: faults");
            ExitCode::from(2)
        }
    }
}

fn perform(name: &str, endpoint: &str) -> ExitCode {
    let Some((_, candidate)) = CANDIDATES.iter().find(|(known, _)| *known == name) else {
        eprintln!("there is no candidate {name:?}");
        return ExitCode::from(2);
    };
    let Told { says, flush, end_ms, threads } = candidate(endpoint);
    println!("{says}\n{flush}\n{end_ms}\n{threads}");
    ExitCode::SUCCESS
}

/// All faults for all candidates, four at a time: most of it is waiting.
fn conduct() -> ExitCode {
    let runs = FAULTS.iter().flat_map(|fault| CANDIDATES.map(|(name, _)| (fault, name)));
    let runs: Vec<_> = runs.collect();
    let next = Mutex::new(runs.iter().enumerate());
    let rows = Mutex::new(vec![None; runs.len()]);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let run = next.lock().expect("no panic inside").next();
                    let Some((place, (fault, name))) = run else { return };
                    let row = observe(fault, name);
                    rows.lock().expect("no panic inside")[place] = Some(row);
                }
            });
        }
    });
    let rows: Vec<Row> =
        rows.into_inner().expect("no panic inside").into_iter().flatten().collect();
    print!("{}", table::render(&rows));
    let wrong: Vec<_> = rows.iter().filter_map(Row::broken_promise).collect();
    for promise in &wrong {
        println!("broken: {promise}");
    }
    println!("{} runs, {} promises of oxitel broken", rows.len(), wrong.len());
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn observe(fault: &Fault, name: &'static str) -> Row {
    let stage = fault.stage();
    let program = std::env::current_exe().expect("a running program has a path");
    let begun = Instant::now();
    let mut command = Command::new(program);
    command.args(["candidate", name, &stage.endpoint()]).stderr(Stdio::null());
    let output = command.output().expect("it starts");
    let took = begun.elapsed();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines();
    let mut line = || lines.next().unwrap_or_default().to_owned();
    let told = Told {
        says: line(),
        flush: line(),
        end_ms: line().parse().unwrap_or(0),
        threads: line().parse().unwrap_or(0),
    };
    let told = output.status.success().then_some(told);
    Row { fault: fault.name, candidate: name, arrived: stage.arrived(), told, took }
}

/// Threads of this process besides the main one.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count).saturating_sub(1)
}

fn milliseconds_since(begun: Instant) -> u128 {
    begun.elapsed().as_millis()
}

/// Between the records, so that a library's own thread has time to work.
fn pause() {
    thread::sleep(Duration::from_micros(500));
}
