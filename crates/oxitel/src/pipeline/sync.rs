//! The primitives under the lock-free pieces (`lock`, `per_epoch`, `table`, `turn`).
//!
//! Those files name their atomics through `super::sync`, so that the loom tests can include them
//! with loom's own in place of these.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering, fence};

/// `std`'s cell with loom's interface.
#[derive(Debug, Default)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    #[inline(always)]
    pub(crate) fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, action: impl FnOnce(*mut T) -> R) -> R {
        action(self.0.get())
    }
}

/// Waits a little: the holder is copying at most one record, or swapping a buffer.
#[inline]
pub(crate) fn pause(attempt: u32) {
    if attempt < 64 {
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}
