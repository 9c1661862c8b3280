//! The ledger of the process on its standard output, and the end of its telemetry.

use std::time::Duration;

use oxitel::Stats;
use serde::Serialize;

use crate::output;

/// The time that the last flush may take.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(2);

/// Writes the ledger once a second when it has changed; returns only when that fails.
pub(crate) async fn report() -> anyhow::Result<()> {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut last = None;
    loop {
        second.tick().await;
        let stats = oxitel::stats();
        if last.replace(stats) != Some(stats) {
            write(stats)?;
        }
    }
}

/// Sends what is left, ends telemetry and writes the last ledger. Losses are told, but are no
/// failure of the program: telemetry never is.
pub(crate) fn close() -> anyhow::Result<()> {
    if let Err(error) = oxitel::shutdown(SHUTDOWN_LIMIT) {
        eprintln!("first-light: {error}");
    }
    write(oxitel::stats())
}

#[derive(Serialize)]
struct Line {
    ledger: Ledger,
}

#[derive(Serialize)]
struct Ledger {
    recorded: u64,
    delivered: u64,
    rejected: u64,
    dropped: u64,
    queued: u64,
    live: u64,
}

fn write(stats: Stats) -> anyhow::Result<()> {
    let Stats { recorded, delivered, rejected, queued, live, .. } = stats;
    let dropped = stats.dropped.total();
    output::line(&Line { ledger: Ledger { recorded, delivered, rejected, dropped, queued, live } })
}
