//! Records 100 spans and leaves. `leaves guard`: by dropping the guard, then prints the ledger.
//! `leaves flush`: the same after a flush. `leaves exit`: by `std::process::exit`. `leaves
//! forget`: by returning from `main` with the guard forgotten. `leaves signal`: prints `ready` and
//! waits for a signal that ends it; `leaves signal handled`: the same with SIGTERM ignored before;
//! `leaves signal forked`: a forked child waits. `leaves abort`: by a panic that aborts, after
//! a hook that flushes.

#![expect(unsafe_code, reason = "`fork` and `signal` are")]

use oxitel::{Config, Scope};
use std::time::Duration;

static SCOPE: Scope = Scope::new("leaves");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let way = std::env::args().nth(1).unwrap_or_default();
    let guard = oxitel::init(Config::new("leaves"))?;
    for _ in 0..100 {
        drop(SCOPE.span("leaf"));
    }
    match way.as_str() {
        "guard" => drop(guard),
        "flush" => {
            println!("flush: {:?}", oxitel::flush(Duration::from_millis(500)));
            drop(guard);
        }
        "exit" => std::process::exit(0),
        "signal" => wait_for_a_signal()?,
        "abort" => {
            oxitel::flush_on_panic(Duration::from_secs(2));
            let _ = std::thread::spawn(|| {
                let _abort = AbortInUnwinding;
                panic!("the end");
            })
            .join();
        }
        "forget" => {
            std::mem::forget(guard);
            return Ok(());
        }
        other => return Err(format!("{other:?} is no way to leave").into()),
    }
    let stats = oxitel::stats();
    println!(
        "ledger recorded={} delivered={} rejected={} unreachable={} shutdown_deadline={} queued={}",
        stats.recorded,
        stats.delivered,
        stats.rejected,
        stats.dropped.unreachable,
        stats.dropped.shutdown_deadline,
        stats.queued
    );
    Ok(())
}

/// What `panic = "abort"` does, after the hook.
struct AbortInUnwinding;

impl Drop for AbortInUnwinding {
    fn drop(&mut self) {
        std::process::abort();
    }
}

fn wait_for_a_signal() -> std::io::Result<()> {
    let how = std::env::args().nth(2).unwrap_or_default();
    if how == "handled" {
        // SAFETY: no handler; the signal is ignored from now on.
        unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
    }
    let watched = oxitel::shutdown_on_signals(Duration::from_secs(2))?;
    if how == "forked" {
        // SAFETY: the child only waits.
        let child = unsafe { libc::fork() };
        if child > 0 {
            println!("child {child}");
            let mut status = 0;
            // SAFETY: the child is ours.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            println!("signal {}", libc::WTERMSIG(status));
            return Ok(());
        }
    }
    println!("ready {watched}");
    loop {
        std::thread::park();
    }
}
