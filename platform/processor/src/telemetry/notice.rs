//! What telemetry says about itself: one line on standard error, once in a process.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// One thing to say.
pub(super) struct Notice {
    text: &'static str,
    said: AtomicBool,
}

/// Metrics are wanted.
pub(super) static NO_METRICS: Notice = Notice::new(
    "this version of the processor records no metrics; `metrics` of its configuration is checked \
     and kept, and has no effect yet",
);

/// The environment asks for JSON.
pub(super) static NO_JSON: Notice = Notice::new(
    "this version cannot send OTLP as \"http/json\"; \"http/protobuf\" is sent instead",
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
