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
    #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "its front ends ask"))]
    tracing: u64,
}

#[cfg(feature = "tracing")]
impl Frame {
    fn is_tracing(&self, kind: u64) -> bool {
        self.tracing != 0 && self.tracing & TRACING_LAYER == kind
    }
}

/// The bit that tells the `tracing` spans of a layer from those of the subscriber: their ids are
/// of two kinds.
#[cfg(feature = "tracing")]
pub(crate) const TRACING_LAYER: u64 = 1 << 63;

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

    #[inline(always)]
    pub(super) fn push(&self, key: u64, ids: &Ids, trace_state: Option<Arc<str>>, tracing: u64) {
        // SAFETY: as in `top`.
        let frames = unsafe { &mut *self.0.get() };
        frames.push(Frame { key, ids: *ids, trace_state, tracing });
    }

    /// The id of the innermost frame that is a `tracing` span of this kind, or 0.
    #[cfg(feature = "tracing")]
    pub(super) fn top_tracing(&self, kind: u64) -> u64 {
        // SAFETY: as in `top`.
        let frames = unsafe { &*self.0.get() };
        frames.iter().rev().find(|frame| frame.is_tracing(kind)).map_or(0, |frame| frame.tracing)
    }

    /// The same, if it stands in the current span's trace, and whether that is sampled.
    #[cfg(feature = "tracing")]
    pub(super) fn tracing_of_top(&self, kind: u64) -> Option<(u64, bool)> {
        // SAFETY: as in `top`.
        let frames = unsafe { &*self.0.get() };
        let trace = |frame: &Frame| (frame.ids.trace_high, frame.ids.trace_low);
        let top = trace(frames.last()?);
        let found = frames.iter().rev().find(|frame| frame.is_tracing(kind))?;
        (trace(found) == top).then_some((found.tracing, found.ids.is_sampled()))
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
