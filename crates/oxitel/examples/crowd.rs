//! More than anybody has: `crowd threads N` records on N threads that live at the same time,
//! `crowd spans N` keeps N spans alive, `crowd events N` gives one span N events. Each prints how
//! much memory that took, and the ledger.

use oxitel::{Config, Scope};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

static SCOPE: Scope = Scope::new("crowd");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let count = arguments.next().and_then(|text| text.parse().ok()).ok_or("how many?")?;
    let _guard = oxitel::init(Config::new("crowd").schedule_delay(Duration::from_millis(200)))?;
    drop(SCOPE.span("first"));
    let before = resident_bytes();
    match what.as_str() {
        "threads" => threads(count),
        "spans" => spans(count),
        "events" => events(count),
        other => return Err(format!("{other:?} is no crowd").into()),
    }
    println!("grown bytes={}", resident_bytes().saturating_sub(before));
    println!("flush: {:?}", oxitel::flush(Duration::from_secs(20)));
    let stats = oxitel::stats();
    println!("live={} balanced={}", stats.live, stats.is_balanced());
    println!(
        "ledger recorded={} delivered={} queue_full={} queued={}",
        stats.recorded, stats.delivered, stats.dropped.queue_full, stats.queued
    );
    Ok(())
}

/// All of them are there before the first one ends.
fn threads(count: usize) {
    let there = Mutex::new(0);
    let changed = Condvar::new();
    thread::scope(|scope| {
        for _ in 0..count {
            let thread = thread::Builder::new().stack_size(128 << 10);
            let spawned = thread.spawn_scoped(scope, || {
                let entered = SCOPE.enter("in a thread");
                let mut count_there = there.lock().unwrap_or_else(PoisonError::into_inner);
                *count_there += 1;
                changed.notify_all();
                while *count_there < count {
                    let waited = changed.wait(count_there);
                    count_there = waited.unwrap_or_else(PoisonError::into_inner);
                }
                drop(count_there);
                drop(entered);
            });
            if spawned.is_err() {
                // No more threads: those that are there must not wait for it.
                *there.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                changed.notify_all();
            }
        }
    });
}

fn spans(count: usize) {
    let _spans: Vec<_> = (0..count).map(|_| SCOPE.span("alive")).collect();
    println!("while alive: live={}", oxitel::stats().live);
}

fn events(count: usize) {
    let mut span = SCOPE.span("never ends");
    for number in 0..count {
        span.add_event("event", &[("number", number.into())]);
        span.set_attribute(&format!("key {number}"), "a value of some length");
    }
}

fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident = pages.split(' ').nth(1).and_then(|count| count.parse::<u64>().ok());
    resident.unwrap_or(0) * 4096
}
