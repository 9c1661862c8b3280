//! What a fork does to the engine: the child bumps the epoch, drops the clock's anchor, which may
//! be half written, and closes its copies of the parent's locks. Nothing else happens here.
//!
//! Everything of the parent stays where it is in the child's memory, neither locked nor freed;
//! the first record of the child finds a stale epoch and builds its own engine.

use super::state::SHARED;
use super::{clock, os};
use std::sync::atomic::{AtomicBool, Ordering};

/// Watches forks from now on; later calls change nothing.
pub(crate) fn watch() {
    static WATCHING: AtomicBool = AtomicBool::new(false);
    if WATCHING.swap(true, Ordering::Relaxed) {
        return;
    }
    #[cfg(unix)]
    // SAFETY: the handler is a plain function that stores to atomics and closes descriptors:
    // async-signal-safe.
    unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    }
}

#[cfg(unix)]
extern "C" fn in_child() {
    SHARED.epoch.fetch_add(1, Ordering::Relaxed);
    clock::after_fork();
    os::forget_locks_of_parent();
}
