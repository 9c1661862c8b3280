//! Counts what a thread allocates, in bursts of their own: while nothing is timed.

#![expect(unsafe_code, reason = "an allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Off while candidates are timed: the count would cost those most that allocate most.
static COUNTING: AtomicBool = AtomicBool::new(false);

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// Allocations of this thread during `action`, reallocations included.
pub(crate) fn during(action: impl FnOnce()) -> u64 {
    let before = COUNT.get();
    COUNTING.store(true, Ordering::Relaxed);
    action();
    COUNTING.store(false, Ordering::Relaxed);
    COUNT.get() - before
}

/// The system's allocator, with a count.
struct Counting;

#[inline(always)]
fn count() {
    if COUNTING.load(Ordering::Relaxed) {
        // A thread past its thread-locals is not the one that is measured.
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
    }
}

// SAFETY: everything is passed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the same contract.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the same contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the same contract.
        unsafe { System.realloc(memory, layout, size) }
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the same contract.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    #[test]
    fn only_this_threads_allocations_are_counted() {
        let count = super::during(|| {
            let mut numbers = black_box(Vec::<u8>::with_capacity(1));
            numbers.reserve_exact(black_box(1_000));
            drop(black_box(numbers));
        });
        assert_eq!(count, 2, "one allocation, one reallocation");
        assert_eq!(super::during(|| {}), 0);
    }
}
