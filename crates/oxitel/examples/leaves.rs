//! Records 100 spans and leaves. `leaves guard`: by dropping the guard, then prints the ledger.
//! `leaves flush`: the same after a flush. `leaves exit`: by `std::process::exit`. `leaves
//! forget`: by returning from `main` with the guard forgotten.

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
