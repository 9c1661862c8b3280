//! Where a thread keeps its part of the metrics: the only way to it, one load and a call.
//!
//! Nothing of the host's runs while it is borrowed, and nothing that comes back here: that is
//! what makes the cell sound.

use crate::metrics::Shard;
use std::cell::{Cell, UnsafeCell};
use std::ptr;

thread_local! {
    static SHARD: Own = const { Own(UnsafeCell::new(Shard::new())) };
    /// Where `SHARD` lies, from the first visit on until it is dropped. Without a destructor of
    /// its own, so that a visit is one load.
    static HERE: Cell<*const Own> = const { Cell::new(ptr::null()) };
    /// Debug builds (all tests) look for visits inside of visits.
    #[cfg(debug_assertions)]
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

struct Own(UnsafeCell<Shard>);

/// Visits this thread's shard; `None` when the thread is past its thread-locals. `action` runs
/// nothing of the host's and does not come back here.
#[inline(always)]
pub(crate) fn visit<R>(action: impl FnOnce(&mut Shard) -> R) -> Option<R> {
    let here = HERE.get();
    let here = if here.is_null() { first_visit() } else { here };
    // SAFETY: null, or the place of this thread's `SHARD`, which does not move and takes the
    // pointer back when it is dropped.
    let own = unsafe { here.as_ref() }?;
    #[cfg(debug_assertions)]
    assert!(!INSIDE.replace(true), "a visit inside of a visit");
    // SAFETY: only this thread reaches it, and `action` does not come back here.
    let done = action(unsafe { &mut *own.0.get() });
    #[cfg(debug_assertions)]
    INSIDE.set(false);
    Some(done)
}

#[cold]
#[inline(never)]
fn first_visit() -> *const Own {
    // Past its end, `try_with` says so.
    let here = SHARD.try_with(ptr::from_ref).unwrap_or(ptr::null());
    HERE.set(here);
    here
}

impl Drop for Own {
    fn drop(&mut self) {
        HERE.set(ptr::null());
        self.0.get_mut().leave();
    }
}
