//! Nothing to start, nothing to flush.

use crate::config::{Config, InitError};
use crate::export::SignalKind;
use crate::stats::{FlushError, Stats};
use std::time::Duration;

/// There are none: nothing can be configured.
#[derive(Debug)]
pub(crate) enum Settings {}

impl Config {
    /// There is no trace to carry.
    #[expect(clippy::unused_self, reason = "the engine's signature")]
    pub(crate) fn install_propagators(&self) {}

    /// The engine is not in this build, whatever is configured.
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the engine's signature")]
    pub(crate) fn resolve(&self) -> Result<Option<Settings>, InitError> {
        Ok(None)
    }
}

impl Settings {
    pub(crate) fn shutdown_timeout(&self) -> Duration {
        match *self {}
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the engine's signature")]
pub(crate) fn start(settings: Settings) -> Result<(), InitError> {
    match settings {}
}

#[expect(clippy::unnecessary_wraps, reason = "the engine's signature")]
pub(crate) fn flush(_timeout: Duration) -> Result<(), FlushError> {
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "the engine's signature")]
pub(crate) fn shutdown(_timeout: Duration) -> Result<(), FlushError> {
    Ok(())
}

pub(crate) fn flush_from_panic(timeout: Duration) -> Result<(), FlushError> {
    flush(timeout)
}

#[expect(clippy::unnecessary_wraps, reason = "the engine's signature")]
pub(crate) fn shutdown_on_signals(_timeout: Duration) -> std::io::Result<usize> {
    Ok(0)
}

pub(crate) fn is_running() -> bool {
    false
}

pub(crate) fn stats_of(_signal: SignalKind) -> Stats {
    Stats::default()
}

pub(crate) fn stats() -> Stats {
    Stats::default()
}
