//! Values that a forked child has for itself.

use crate::pipeline::per_epoch::PerEpoch;
use crate::pipeline::{fork, state, sync};
use std::ptr;

/// A value for each process: a forked child begins with a fresh one, because the parent's may be
/// locked by threads that do not exist there. The values of dead parents are never freed.
#[derive(Debug)]
pub struct PerProcess<T: 'static>(PerEpoch<T>);

impl<T: Default + Send + Sync + 'static> PerProcess<T> {
    /// Of which there is nothing yet.
    pub const fn new() -> Self {
        Self(PerEpoch::around(sync::AtomicPtr::new(ptr::null_mut())))
    }

    /// The one of this process, made now if need be; of several that are made at once one stays.
    pub fn get(&self) -> &'static T {
        // Who has no engine yet counts its forks from here on.
        fork::watch();
        self.0.get_or_build(state::epoch(), |_| T::default())
    }
}

impl<T: Default + Send + Sync + 'static> Default for PerProcess<T> {
    fn default() -> Self {
        Self::new()
    }
}
