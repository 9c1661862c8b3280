//! What the engine says about itself on standard error: one line a minute and cause, never more.

use crate::pipeline::stderr;
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
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
    UserCode,
    SpanLimit,
}

const CAUSES: usize = 11;
const QUIET_SECONDS: u64 = 60;

/// Warns, unless the same cause was warned about within the last minute.
pub(crate) fn warn(cause: Cause, text: &dyn Display) {
    static NEXT: [AtomicU64; CAUSES] = [const { AtomicU64::new(0) }; CAUSES];
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
        say(text);
    }
}

/// One line, for what happens once: a configuration is read once.
pub(crate) fn say(text: &(impl Display + ?Sized)) {
    stderr::write(format!("oxitel: {text}\n").as_bytes());
}
