//! What a fork does to the engine: the child bumps the epoch and drops the clock's anchor, which
//! may be half written. Both are stores to atomics, and nothing else happens here.
//!
//! Everything of the parent stays where it is in the child's memory, neither locked nor freed;
//! the first record of the child finds a stale epoch and builds its own engine.

use super::clock;
use super::state::SHARED;
use std::sync::atomic::{AtomicBool, Ordering};

/// Watches forks from now on; later calls change nothing.
pub(crate) fn watch() {
    static WATCHING: AtomicBool = AtomicBool::new(false);
    if WATCHING.swap(true, Ordering::Relaxed) {
        return;
    }
    #[cfg(unix)]
    // SAFETY: the handler is a plain function that stores to atomics: async-signal-safe.
    unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    }
}

#[cfg(unix)]
extern "C" fn in_child() {
    SHARED.epoch.fetch_add(1, Ordering::Relaxed);
    clock::after_fork();
}
