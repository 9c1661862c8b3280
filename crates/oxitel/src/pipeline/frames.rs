//! A thread's stack of current spans; the innermost is the parent of what starts next.
//!
//! Frames are removed by key, in any order: guards may be dropped out of turn.

use crate::context::Ids;
use std::cell::UnsafeCell;
use std::sync::Arc;

#[derive(Debug)]
struct Frame {
    key: u64,
    ids: Ids,
    trace_state: Option<Arc<str>>,
    /// The id of the `tracing` span that it is, or 0.
    tracing: u64,
}

/// Reached by its own thread only, for the length of one call that runs nothing of the host's.
#[derive(Debug)]
pub(super) struct Frames(UnsafeCell<Vec<Frame>>);

// The accessors are inlined on purpose: ids that travel through a call's stack are stored in
// words and loaded in pairs, and that stalls the processor.
impl Frames {
    pub(super) const fn new() -> Self {
        Self(UnsafeCell::new(Vec::new()))
    }

    /// The current span's ids and trace state.
    #[inline(always)]
    pub(super) fn top(&self) -> (Ids, Option<Arc<str>>) {
        // SAFETY: see the type; the reference ends with this call.
        match unsafe { (*self.0.get()).last() } {
            Some(frame) => (frame.ids, frame.trace_state.clone()),
            None => (Ids::NONE, None),
        }
    }

    /// Whether nothing is recorded here.
    #[inline(always)]
    pub(super) fn is_suppressed(&self) -> bool {
        // SAFETY: as in `top`.
        unsafe { (*self.0.get()).last().is_some_and(|frame| frame.ids.is_suppressed()) }
    }

    #[inline(always)]
    pub(super) fn push(&self, key: u64, ids: &Ids, trace_state: Option<Arc<str>>, tracing: u64) {
        // SAFETY: as in `top`.
        let frames = unsafe { &mut *self.0.get() };
        frames.push(Frame { key, ids: *ids, trace_state, tracing });
    }

    /// The innermost frame that is a `tracing` span, or 0.
    #[cfg(feature = "tracing")]
    pub(super) fn top_tracing(&self) -> u64 {
        // SAFETY: as in `top`.
        let frames = unsafe { &*self.0.get() };
        frames.iter().rev().map(|frame| frame.tracing).find(|id| *id != 0).unwrap_or(0)
    }

    /// Removes the last frame with this key; the frames above it stay.
    #[inline(always)]
    pub(super) fn pop(&self, key: u64) {
        // SAFETY: as in `top`; dropping a frame runs the allocator's code at most.
        let frames = unsafe { &mut *self.0.get() };
        match frames.last() {
            Some(frame) if frame.key == key => drop(frames.pop()),
            _ => remove(frames, key),
        }
    }
}

#[cold]
#[inline(never)]
fn remove(frames: &mut Vec<Frame>, key: u64) {
    if let Some(index) = frames.iter().rposition(|frame| frame.key == key) {
        frames.remove(index);
    }
}
