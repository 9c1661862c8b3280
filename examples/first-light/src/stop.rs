//! The wish to end: Ctrl-C or a polite kill.
//!
//! A thread waits for the signals. Tokio's own handlers would put a pipe into every runtime of the
//! process, the telemetry's too, and a forked child would read the parent's signals from it.

use anyhow::Context as _;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tokio::sync::watch;

/// SIGINT and SIGTERM, caught from its creation on.
pub(crate) struct Stop {
    asked: watch::Receiver<bool>,
}

impl Stop {
    pub(crate) fn new() -> anyhow::Result<Stop> {
        let mut signals =
            Signals::new([SIGINT, SIGTERM]).context("SIGINT and SIGTERM cannot be caught")?;
        let (sender, asked) = watch::channel(false);
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                for _ in signals.forever() {
                    sender.send_replace(true);
                }
            })
            .context("no thread to wait for signals")?;
        Ok(Stop { asked })
    }

    /// Returns when the process is asked to end.
    pub(crate) async fn asked(&mut self) {
        // The sender lives as long as its thread: for ever.
        let _ = self.asked.wait_for(|asked| *asked).await;
    }
}
