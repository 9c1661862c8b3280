//! What telemetry says about itself: one line on standard error, once in a process.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// One thing to say.
pub(super) struct Notice {
    text: &'static str,
    said: AtomicBool,
}

/// Metrics name another service than spans.
pub(super) static TWO_SERVICES: Notice = Notice::new(
    "`metrics` and `tracing` differ in service_name, service_version or environment; a process is \
     one service, so those of `tracing` count for both",
);

/// An entry of baggage that the standard does not allow.
pub(super) static BAGGAGE_REFUSED: Notice = Notice::new(
    "an entry of baggage was refused: a name is one word of ASCII letters, digits and signs, and \
     all entries together have 64 members and 8192 bytes at most",
);

impl Notice {
    const fn new(text: &'static str) -> Self {
        Self { text, said: AtomicBool::new(false) }
    }

    /// Says it, unless it was said before.
    pub(super) fn say(&self) {
        // Relaxed: whoever swaps first says it, nothing else is ordered by it.
        if !self.said.swap(true, Ordering::Relaxed) {
            // Without a standard error there is nobody to tell.
            let _ = io::stderr().write_all(format!("oxitel: {}\n", self.text).as_bytes());
        }
    }
}
