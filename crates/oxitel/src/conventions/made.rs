//! Instruments that are made once, at their first use.

use crate::pipeline::per_epoch::PerEpoch;
use crate::pipeline::sync::AtomicPtr;
use std::ptr;

/// A place in a `static`. Handles live as long as the process and its forked children, so one
/// value serves them all: the epoch it is made in is always the same.
pub(super) struct Made<T: 'static>(PerEpoch<T>);

impl<T: Send + Sync> Made<T> {
    pub(super) const fn none() -> Self {
        Self(PerEpoch::around(AtomicPtr::new(ptr::null_mut())))
    }

    /// The value, made now if need be. Threads that race here make the same instruments.
    #[inline]
    pub(super) fn get(&'static self, make: fn() -> T) -> &'static T {
        self.0.get_or_build(0, |_| make())
    }
}
