//! Each thread's stack of current spans.
//!
//! The top frame's ids sit in a plain cell, so that a new span reads its parent without a borrow.
//! Frames are removed by key, in any order: guards may be dropped out of turn.

use super::id::Ids;
use super::span_context::SpanContext;
use crate::pipeline::local::random;
use pin_project_lite::pin_project;
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

thread_local! {
    static TOP: Cell<Top> = const { Cell::new(Top::EMPTY) };
    static FRAMES: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

#[derive(Clone, Copy)]
struct Top {
    ids: Ids,
    /// The frame also has trace state; it is fetched only then.
    has_state: bool,
}

impl Top {
    const EMPTY: Self = Self { ids: Ids::NONE, has_state: false };
}

#[derive(Debug)]
struct Frame {
    key: u64,
    ids: Ids,
    trace_state: Option<Arc<str>>,
}

/// The current span of this thread, as a parent.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) ids: Ids,
    pub(crate) trace_state: Option<Arc<str>>,
}

/// Past its thread-locals a thread has no current span.
#[inline(always)]
pub(crate) fn current() -> Current {
    let top = TOP.try_with(Cell::get).unwrap_or(Top::EMPTY);
    Current { ids: top.ids, trace_state: if top.has_state { top_state() } else { None } }
}

#[cold]
fn top_state() -> Option<Arc<str>> {
    let state = |frames: &RefCell<Vec<Frame>>| frames.borrow().last()?.trace_state.clone();
    FRAMES.try_with(state).ok().flatten()
}

#[inline(always)]
pub(crate) fn push(key: u64, ids: Ids, trace_state: Option<Arc<str>>) {
    let has_state = trace_state.is_some();
    let pushed = FRAMES.try_with(|frames| {
        frames.borrow_mut().push(Frame { key, ids, trace_state });
    });
    if pushed.is_ok() {
        let _ = TOP.try_with(|top| top.set(Top { ids, has_state }));
    }
}

/// Removes the last frame with this key; the frames above it stay.
#[inline(never)]
pub(crate) fn pop(key: u64) {
    let removed = FRAMES.try_with(|frames| {
        let mut frames = frames.borrow_mut();
        let removed = match frames.last() {
            Some(frame) if frame.key == key => frames.pop(),
            _ => {
                let found = frames.iter().rposition(|frame| frame.key == key);
                found.map(|index| frames.remove(index))
            }
        };
        let top = frames.last().map_or(Top::EMPTY, |frame| Top {
            ids: frame.ids,
            has_state: frame.trace_state.is_some(),
        });
        let _ = TOP.try_with(|cell| cell.set(top));
        removed
    });
    match removed {
        // Dropped here, outside of the borrow.
        Ok(removed) => drop(removed),
        // The thread is past its frames: nothing is current any more.
        Err(_) => drop(TOP.try_with(|top| top.set(Top::EMPTY))),
    }
}

/// From now on nothing on this thread is recorded or propagated.
pub(crate) fn suppress_thread() {
    push(0, Ids::SUPPRESSED, None);
}

/// A place in a trace, to be made current elsewhere: in another thread, a task, a callback.
#[derive(Clone, Debug)]
pub struct Captured(SpanContext);

/// The place where this thread is now.
pub fn capture() -> Captured {
    let Current { ids, trace_state } = current();
    Captured(SpanContext { ids, trace_state })
}

/// Outside of any trace: spans below start new ones.
pub fn root() -> Captured {
    Captured(SpanContext::NONE)
}

/// Below the given span.
pub fn with_parent(parent: &SpanContext) -> Captured {
    Captured(parent.clone())
}

impl Captured {
    /// The span it stands for; invalid outside of any trace.
    pub fn span_context(&self) -> &SpanContext {
        &self.0
    }

    /// Makes it current on this thread until the guard is dropped. Not for use across an
    /// `.await`: there [`Captured::wrap`] does it.
    #[must_use = "it is current only while the guard lives"]
    pub fn attach(&self) -> Attached {
        let key = random();
        push(key, self.0.ids, self.0.trace_state.clone());
        Attached { key, not_send: PhantomData }
    }

    /// A future that runs here, on whatever thread it is polled.
    pub fn wrap<F: Future>(self, future: F) -> InContext<F> {
        InContext { inner: future, context: self }
    }
}

/// Keeps a place current; it cannot leave its thread.
#[derive(Debug)]
pub struct Attached {
    key: u64,
    not_send: PhantomData<*const ()>,
}

impl Drop for Attached {
    fn drop(&mut self) {
        pop(self.key);
    }
}

pin_project! {
    /// A future with its place in a trace; see [`Captured::wrap`].
    #[derive(Debug)]
    pub struct InContext<F> {
        #[pin]
        inner: F,
        context: Captured,
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _current = this.context.attach();
        this.inner.poll(cx)
    }
}
