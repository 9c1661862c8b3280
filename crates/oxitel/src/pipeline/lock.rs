//! The uncontended lock around a thread's open chunk.
//!
//! The recording thread takes it for every record; the flusher takes it a few times a second to
//! swap the buffer out. One exchange and one store: half the price of `std::sync::Mutex`, and
//! nothing that a forked child could inherit half-initialised.

use super::sync::{AtomicBool, Ordering, UnsafeCell, pause};

#[derive(Debug, Default)]
pub(crate) struct Lock<T> {
    held: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: `value` is reached only between a successful exchange of `held` and its release, by one
// thread at a time; the Acquire/Release pair orders those visits.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { held: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Runs `action` on the value, waiting for another holder if there is one.
    #[inline(always)]
    pub(crate) fn with<R>(&self, action: impl FnOnce(&mut T) -> R) -> R {
        if !self.try_take() {
            self.wait();
        }
        self.run(action)
    }

    /// Runs `action` unless somebody holds the lock now.
    pub(crate) fn try_with<R>(&self, action: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.try_take().then(|| self.run(action))
    }

    #[inline(always)]
    fn try_take(&self) -> bool {
        self.held.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[inline(always)]
    fn run<R>(&self, action: impl FnOnce(&mut T) -> R) -> R {
        let _release = Release(&self.held);
        // SAFETY: this thread set `held` and nobody else can before `_release` is dropped.
        self.value.with_mut(|value| action(unsafe { &mut *value }))
    }

    /// Looks before it tries: an exchange would pull the cache line away from the holder.
    #[cold]
    #[inline(never)]
    fn wait(&self) {
        let mut attempt = 0_u32;
        while self.held.load(Ordering::Relaxed) || !self.try_take() {
            pause(attempt);
            attempt = attempt.saturating_add(1);
        }
    }
}

/// Opens the lock also when the action unwinds.
struct Release<'a>(&'a AtomicBool);

impl Drop for Release<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
