//! What is open and runs right now, counted by guards.

use super::instruments::instruments;
use crate::metrics::BoundUpDownCounter;
#[cfg(feature = "otel")]
use crate::metrics::Stamp;
#[cfg(not(feature = "otel"))]
use crate::off::conventions::Stamp;

/// A session is open while this lives.
#[derive(Debug)]
#[must_use = "the session is counted while it lives"]
pub struct ActiveSession(#[expect(dead_code, reason = "it acts when it is dropped")] Up);

/// Counts a session in `active_sessions`.
pub fn active_session() -> ActiveSession {
    ActiveSession(Up::count(&instruments().sessions))
}

/// How a handler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It keeps its thread.
    Sync,
    /// It is a future.
    Async,
}

/// A handler runs while this lives.
#[derive(Debug)]
#[must_use = "the handler is counted while it lives"]
pub struct ActiveHandler(#[expect(dead_code, reason = "it acts when it is dropped")] Up);

/// Counts a handler in `active_handlers`.
pub fn active_handler(mode: Mode) -> ActiveHandler {
    let known = instruments();
    ActiveHandler(Up::count(match mode {
        Mode::Sync => &known.sync_handlers,
        Mode::Async => &known.async_handlers,
    }))
}

/// One up, and one down again when it is dropped: not where the sum began anew in between, as it
/// does in a forked child and with each start of telemetry.
#[derive(Debug)]
struct Up {
    sum: &'static BoundUpDownCounter<i64>,
    counted: Option<Stamp>,
}

impl Up {
    fn count(sum: &'static BoundUpDownCounter<i64>) -> Self {
        let counted = Stamp::now();
        sum.add(1);
        Self { sum, counted }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if self.counted.is_some() && self.counted == Stamp::now() {
            self.sum.add(-1);
        }
    }
}
