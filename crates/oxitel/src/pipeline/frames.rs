//! A thread's stack of current spans; the innermost is the parent of what starts next, unless the
//! OpenTelemetry API's Context says otherwise: see `current`.
//!
//! Frames are removed by key, in any order: guards may be dropped out of turn.

use crate::context::Ids;
use opentelemetry::ContextGuard;
use std::cell::UnsafeCell;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Frame {
    pub(super) key: u64,
    pub(super) ids: Ids,
    pub(super) trace_state: Option<Arc<str>>,
    /// The id of the `tracing` span that it is, or 0.
    #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "nobody asks"))]
    pub(super) tracing: u64,
    /// Which span of the API was active when the frame was pushed: `current::identity`.
    pub(super) note: u64,
    /// Keeps the Context attached that shows this frame to users of the API. Its drop runs
    /// destructors of the host's: a frame is dropped when nothing of ours is borrowed.
    pub(super) _attached: Option<ContextGuard>,
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

    /// The innermost frame's ids and trace state.
    #[inline(always)]
    pub(super) fn top(&self) -> (Ids, Option<Arc<str>>) {
        // SAFETY: see the type; the reference ends with this call.
        match unsafe { (*self.0.get()).last() } {
            Some(frame) => (frame.ids, frame.trace_state.clone()),
            None => (Ids::NONE, None),
        }
    }

    /// The innermost frame's ids.
    #[inline(always)]
    pub(super) fn top_ids(&self) -> Ids {
        // SAFETY: as in `top`.
        unsafe { (*self.0.get()).last() }.map_or(Ids::NONE, |frame| frame.ids)
    }

    /// What the innermost frame noted; 0 without a frame.
    #[inline(always)]
    pub(super) fn top_note(&self) -> u64 {
        // SAFETY: as in `top`.
        unsafe { (*self.0.get()).last() }.map_or(0, |frame| frame.note)
    }

    pub(super) fn is_empty(&self) -> bool {
        // SAFETY: as in `top`.
        unsafe { (*self.0.get()).is_empty() }
    }

    /// Whether the innermost frame forbids recording: then all above it do.
    pub(super) fn shuts_out(&self) -> bool {
        // SAFETY: as in `top`.
        unsafe { (*self.0.get()).last() }.is_some_and(|frame| frame.ids.is_suppressed())
    }

    /// Whether a frame anywhere below forbids recording on this thread.
    pub(super) fn any_suppressed(&self) -> bool {
        // SAFETY: as in `top`.
        unsafe { &*self.0.get() }.iter().any(|frame| frame.ids.is_suppressed())
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

    #[inline(always)]
    pub(super) fn push(&self, frame: Frame) {
        // SAFETY: as in `top`.
        unsafe { &mut *self.0.get() }.push(frame);
    }

    /// Removes the last frame with this key; the frames above it stay. The caller drops it.
    #[inline(always)]
    pub(super) fn pop(&self, key: u64) -> Option<Frame> {
        // SAFETY: as in `top`.
        let frames = unsafe { &mut *self.0.get() };
        match frames.last() {
            Some(frame) if frame.key == key => frames.pop(),
            _ => remove(frames, key),
        }
    }
}

#[cold]
#[inline(never)]
fn remove(frames: &mut Vec<Frame>, key: u64) -> Option<Frame> {
    let index = frames.iter().rposition(|frame| frame.key == key)?;
    Some(frames.remove(index))
}
