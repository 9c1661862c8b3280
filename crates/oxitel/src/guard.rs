//! The program's side of the engine's life: start it, ask it, end it.

use crate::config::{Config, InitError};
use crate::export::SignalKind;
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

/// Ends telemetry when the process is told to end, by SIGTERM or SIGINT: what is queued is sent,
/// at most for `timeout`, and then the signal does what it does by default. Without this, such a
/// signal ends the process at once.
///
/// A signal that the program handles or ignores already stays the program's: it calls
/// [`shutdown`] there. The answer is how many of the two are watched now; a further call watches
/// those that have become free since. A forked child watches as its parent does, from its first record on. Linux only; elsewhere
/// nothing is watched.
///
/// The thread that waits for the signals is this function's own.
pub fn shutdown_on_signals(timeout: Duration) -> std::io::Result<usize> {
    lifecycle::shutdown_on_signals(timeout)
}

/// Flushes when a thread panics, at most for `timeout`, after the hook that is there now has said
/// its word: with `panic = "abort"` it is the last moment. A panic that is caught costs this much
/// time, so this is for programs where a panic is the end.
pub fn flush_on_panic(timeout: Duration) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        before(info);
        // What is lost here is in the ledger; the panic says why nobody looks at it.
        let _ = lifecycle::flush_from_panic(timeout);
    }));
}

/// The ledger of one signal in this process.
pub fn stats_of(signal: SignalKind) -> Stats {
    lifecycle::stats_of(signal)
}

/// The ledger of this process: its spans and its log records together.
pub fn stats() -> Stats {
    lifecycle::stats()
}
