//! Loom's primitives under the names that the engine's `sync` module gives to `std`'s.

pub(crate) use loom::cell::UnsafeCell;
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering, fence};

/// Lets another thread run: in a model, spinning alone would never end.
pub(crate) fn pause(_attempt: u32) {
    loom::thread::yield_now();
}
