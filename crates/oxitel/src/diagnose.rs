//! What the engine says about itself on standard error: one line a minute and cause, never more.

use crate::config::LogLevel;
use crate::pipeline::stderr;
use std::fmt::Display;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// What a line is about; each cause has its own minute.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
pub(crate) enum Cause {
    Unreachable,
    Rejected,
    PartialSuccess,
    NoRuntime,
    Panic,
    QueueFull,
    TooLarge,
    AfterShutdown,
    ShutdownDeadline,
    TooManyScopes,
    UserCode,
    SpanLimit,
    LogLimit,
    Spool,
    SpoolDamaged,
    BadInstrument,
    DuplicateInstrument,
    BadMeasurement,
    BadView,
    Cardinality,
    Observables,
    NoPage,
    #[cfg(feature = "tracing")]
    LinesLost,
}

/// Room for every cause.
const CAUSES: usize = 32;
const QUIET_SECONDS: u64 = 60;

impl Cause {
    /// Lost data is an error; what is done in another way than was asked for is a warning.
    fn level(self) -> LogLevel {
        match self {
            Self::NoRuntime
            | Self::Spool
            | Self::BadView
            | Self::Cardinality
            | Self::DuplicateInstrument => LogLevel::Warn,
            _ => LogLevel::Error,
        }
    }
}

/// The last level of which lines are written.
static LEVEL: AtomicU8 = AtomicU8::new(LogLevel::Info as u8);

/// Writes lines of this level and of those before it, from now on.
pub(crate) fn set_level(level: LogLevel) {
    // Relaxed: nothing is ordered by it.
    LEVEL.store(level as u8, Ordering::Relaxed);
}

fn is_wanted(level: LogLevel) -> bool {
    level as u8 <= LEVEL.load(Ordering::Relaxed)
}

/// When each cause may be warned about again.
static NEXT: [AtomicU64; CAUSES] = [const { AtomicU64::new(0) }; CAUSES];

/// Warns, unless the same cause was warned about within the last minute.
pub(crate) fn warn(cause: Cause, text: &dyn Display) {
    if !is_wanted(cause.level()) {
        return;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    let next = &NEXT[cause as usize];
    let allowed = next.load(Ordering::Relaxed);
    // A clock that was set back may not silence a cause for longer than its minute.
    if now < allowed && allowed - now <= QUIET_SECONDS {
        return;
    }
    let quiet_until = now + QUIET_SECONDS;
    // Relaxed: of two threads that warn at once, one exchange wins.
    if next.compare_exchange(allowed, quiet_until, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        write(text);
    }
}

/// One warning, for what happens once: a configuration is read once.
pub(crate) fn say(text: &str) {
    if is_wanted(LogLevel::Warn) {
        write(&text);
    }
}

fn write(text: &dyn Display) {
    stderr::write(format!("oxitel: {text}\n").as_bytes());
}
