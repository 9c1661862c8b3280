//! One value per process: built on first use, abandoned by a forked child, which builds its own.
//!
//! A `Once` would hang the child for ever if another thread was initialising at the fork. Here
//! threads race to publish instead, and the losers take the winner's value.

use super::sync::{AtomicPtr, Ordering};

#[derive(Debug)]
pub(crate) struct PerEpoch<T: 'static> {
    current: AtomicPtr<Stamped<T>>,
}

#[derive(Debug)]
pub(crate) struct Stamped<T> {
    epoch: u64,
    value: T,
}

impl<T: Send + Sync + 'static> PerEpoch<T> {
    /// Around a null pointer: nothing built yet. (Loom's atomics have no const constructor, so
    /// the caller brings one.)
    pub(crate) const fn around(null: AtomicPtr<Stamped<T>>) -> Self {
        Self { current: null }
    }

    /// The value of `epoch`, if it was built.
    #[inline]
    pub(crate) fn get(&self, epoch: u64) -> Option<&'static T> {
        self.published().filter(|found| found.epoch == epoch).map(|found| &found.value)
    }

    /// The value of `epoch`, built now if need be. What an earlier epoch left is not touched:
    /// its locks may be held by threads that did not survive the fork.
    pub(crate) fn get_or_build(&self, epoch: u64, build: impl FnOnce(u64) -> T) -> &'static T {
        self.get_or_succeed(epoch, |epoch, _| build(epoch))
    }

    /// The same; `build` also gets what an earlier epoch left.
    pub(crate) fn get_or_succeed(
        &self,
        epoch: u64,
        build: impl FnOnce(u64, Option<&'static T>) -> T,
    ) -> &'static T {
        let found = self.published();
        if let Some(found) = found
            && found.epoch == epoch
        {
            return &found.value;
        }
        let inherited =
            found.map_or(std::ptr::null_mut(), |found| std::ptr::from_ref(found).cast_mut());
        let value = build(epoch, found.map(|found| &found.value));
        let fresh = Box::into_raw(Box::new(Stamped { epoch, value }));
        // AcqRel: publishes our value, or shows us the winner's.
        match self.current.compare_exchange(inherited, fresh, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: published just now, and published pointers are never freed.
            Ok(_) => unsafe { &(*fresh).value },
            Err(winner) => {
                // SAFETY: `fresh` was never published, so this is its only owner.
                drop(unsafe { Box::from_raw(fresh) });
                // SAFETY: as above, for the winner's pointer.
                unsafe { &(*winner).value }
            }
        }
    }

    #[inline]
    fn published(&self) -> Option<&'static Stamped<T>> {
        // Acquire: pairs with the publishing exchange, so the value's fields are visible.
        let current = self.current.load(Ordering::Acquire);
        // SAFETY: null, or from `Box::into_raw` and never freed.
        unsafe { current.as_ref() }
    }
}
