//! Mixed faults from a seed: a program that records, flushes, forks and ends at random, against a
//! receiver that fails at random, and a judge.
//!
//! `simulation FIRST [COUNT]` runs COUNT seeds from FIRST on, four at a time. Each is a process of
//! its own, `simulation program SEED`, in `program`; `weather` says what the receiver answers,
//! `judge` holds the ledgers against what it took in. The seed decides what is done and in which
//! order, not how fast the machine does it: a failing seed may need a few runs to fail again.

#![expect(unsafe_code, reason = "`fork` is")]

mod judge;
mod program;
mod random;
mod weather;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const AT_A_TIME: u64 = 4;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize| arguments.get(place).and_then(|text| text.parse::<u64>().ok());
    match (arguments.first().map(String::as_str), number(0), number(1)) {
        (Some("program"), _, Some(seed)) => program::run(seed),
        (_, Some(first), count) => conduct(first, count.unwrap_or(1)),
        _ => {
            eprintln!("usage: simulation FIRST [COUNT]");
            ExitCode::from(2)
        }
    }
}

fn conduct(first: u64, count: u64) -> ExitCode {
    let next = AtomicU64::new(first);
    let failed = Mutex::new(Vec::new());
    let records = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(count) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    let verdict = judge::run(seed);
                    records.fetch_add(verdict.recorded, Ordering::Relaxed);
                    if !verdict.broken.is_empty() {
                        println!("seed {seed}:\n{}", verdict.text());
                        failed.lock().expect("no thread panics inside").push(seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no thread panics inside");
    let records = records.into_inner();
    println!("{count} seeds, {records} records, {} seeds failed", failed.len());
    for seed in &failed {
        println!("again: cargo run -p oxitel --features testing --example simulation -- {seed} 20");
    }
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
