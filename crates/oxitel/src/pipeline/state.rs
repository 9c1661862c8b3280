//! The three words that every recording thread reads: epoch, state, configuration generation.
//!
//! Laid out for C, because an extension that joins this engine reads them directly.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

/// Lives for the whole process.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Shared {
    /// Counts the forks that lead to this process; everything built carries the epoch it was
    /// built in.
    pub(crate) epoch: AtomicU64,
    /// One of [`OFF`], [`ON`], [`DOWN`], [`WITHOUT_SPANS`].
    pub(crate) state: AtomicU32,
    /// Grows with each `init`.
    pub(crate) config_generation: AtomicU32,
}

/// Not started, or started without an endpoint: spans are not made.
pub(crate) const OFF: u32 = 0;
/// Recording.
pub(crate) const ON: u32 = 1;
/// Shut down: spans are not made, and those that still end are counted as dropped.
pub(crate) const DOWN: u32 = 2;
/// Recording, but no spans: nobody exports them.
pub(crate) const WITHOUT_SPANS: u32 = 3;

pub(crate) static SHARED: Shared = Shared {
    epoch: AtomicU64::new(1),
    state: AtomicU32::new(OFF),
    config_generation: AtomicU32::new(0),
};

/// The sampler leaves the decision to the parent: below an unsampled span there is nothing to ask.
static PARENT_DECIDES: AtomicBool = AtomicBool::new(true);

/// Whether code of the program has a say when spans start, and when they end.
static ASKED: AtomicU8 = AtomicU8::new(0);
const AT_START: u8 = 1;
const AT_END: u8 = 2;

// Relaxed throughout: each word stands alone. What belongs to an epoch or a configuration is
// reached through pointers with their own ordering.

#[inline(always)]
pub(crate) fn epoch() -> u64 {
    SHARED.epoch.load(Ordering::Relaxed)
}

/// Whether spans are recorded.
#[inline(always)]
pub(crate) fn is_on() -> bool {
    SHARED.state.load(Ordering::Relaxed) == ON
}

/// Whether anything is recorded.
#[inline(always)]
pub(crate) fn is_running() -> bool {
    matches!(SHARED.state.load(Ordering::Relaxed), ON | WITHOUT_SPANS)
}

/// Begins the way down; `false` when nothing runs.
pub(crate) fn stop() -> bool {
    [ON, WITHOUT_SPANS].into_iter().any(|running| {
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        SHARED.state.compare_exchange(running, DOWN, success, failure).is_ok()
    })
}

#[inline(always)]
pub(crate) fn parent_decides() -> bool {
    PARENT_DECIDES.load(Ordering::Relaxed)
}

pub(crate) fn set_parent_decides(decides: bool) {
    PARENT_DECIDES.store(decides, Ordering::Relaxed);
}

/// Whether `tracing` events become events of their spans, and not log records.
static EVENTS_OF_SPANS: AtomicBool = AtomicBool::new(false);

#[inline(always)]
pub(crate) fn are_events_of_spans() -> bool {
    EVENTS_OF_SPANS.load(Ordering::Relaxed)
}

pub(crate) fn set_events_of_spans(of_spans: bool) {
    EVENTS_OF_SPANS.store(of_spans, Ordering::Relaxed);
}

/// Whether log records go anywhere.
static LOGS_WANTED: AtomicBool = AtomicBool::new(false);

#[inline(always)]
pub(crate) fn are_logs_wanted() -> bool {
    LOGS_WANTED.load(Ordering::Relaxed)
}

pub(crate) fn set_logs_wanted(wanted: bool) {
    LOGS_WANTED.store(wanted, Ordering::Relaxed);
}

#[inline(always)]
pub(crate) fn starts_are_asked() -> bool {
    ASKED.load(Ordering::Relaxed) & AT_START != 0
}

#[inline(always)]
pub(crate) fn ends_are_asked() -> bool {
    ASKED.load(Ordering::Relaxed) & AT_END != 0
}

pub(crate) fn set_asked(at_start: bool, at_end: bool) {
    let bits = if at_start { AT_START } else { 0 } | if at_end { AT_END } else { 0 };
    ASKED.store(bits, Ordering::Relaxed);
}

pub(crate) fn set(state: u32) {
    SHARED.state.store(state, Ordering::Relaxed);
}
