//! The program's side of the engine's life: start it, ask it, end it.

use crate::config::{Config, InitError};
#[cfg(not(feature = "otel"))]
use crate::off::lifecycle::{self, Settings};
#[cfg(feature = "otel")]
use crate::pipeline::{lifecycle, settings::Settings};
use crate::stats::{FlushError, Stats};
use std::time::Duration;

/// Ends telemetry when it is dropped: what is left is sent, within the shutdown timeout.
#[derive(Debug)]
#[must_use = "dropping the guard ends telemetry"]
pub struct Guard {
    /// `None` when there was nothing to start.
    timeout: Option<Duration>,
}

impl Guard {
    /// Whether spans are recorded; not without an endpoint, or when the SDK is disabled.
    pub fn is_recording(&self) -> bool {
        self.timeout.is_some()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(timeout) = self.timeout {
            // What is lost here is in the ledger, and the sender has warned about it.
            let _ = lifecycle::shutdown(timeout);
        }
    }
}

/// Starts telemetry for this process.
///
/// Without an endpoint nothing is recorded or sent, and that is no error.
#[expect(clippy::needless_pass_by_value, reason = "a configuration is used once")]
pub fn init(config: Config) -> Result<Guard, InitError> {
    let settings = config.resolve()?;
    let timeout = settings.as_ref().map(Settings::shutdown_timeout);
    match settings {
        Some(settings) => lifecycle::start(settings)?,
        // What runs already keeps its formats of headers, too.
        None if lifecycle::is_running() => return Ok(Guard { timeout }),
        None => {}
    }
    // Also when nothing is recorded: a trace that comes in goes out again.
    config.install_propagators();
    Ok(Guard { timeout })
}

/// Sends everything recorded before the call and waits for it, at most so long.
///
/// `Ok` says that all of it was delivered, and that nothing was lost since the last flush.
pub fn flush(timeout: Duration) -> Result<(), FlushError> {
    lifecycle::flush(timeout)
}

/// Flushes and ends telemetry. The first call does it; others return at once.
pub fn shutdown(timeout: Duration) -> Result<(), FlushError> {
    lifecycle::shutdown(timeout)
}

/// The ledger of this process.
pub fn stats() -> Stats {
    lifecycle::stats()
}
