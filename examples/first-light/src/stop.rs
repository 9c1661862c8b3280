//! The wish to end: Ctrl-C or a polite kill.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT and SIGTERM, caught from its creation on.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    pub(crate) fn new() -> anyhow::Result<Stop> {
        let caught = |kind, name| signal(kind).with_context(|| format!("{name} cannot be caught"));
        Ok(Stop {
            interrupt: caught(SignalKind::interrupt(), "SIGINT")?,
            terminate: caught(SignalKind::terminate(), "SIGTERM")?,
        })
    }

    /// Returns when the process is asked to end.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
