//! Taking a place in a trace along: to another thread, a task, a callback.

use super::Baggage;
use super::id::Ids;
use super::span_context::SpanContext;
use crate::bridge::opentelemetry::{baggage, with_remote};
use crate::pipeline::local;
use futures_core::Stream;
use opentelemetry::Context as ApiContext;
use pin_project_lite::pin_project;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

/// From now on nothing on this thread is recorded or propagated.
pub(crate) fn suppress_thread() {
    local::make_current(0, &Ids::SUPPRESSED, None, 0, None);
}

/// A place in a trace, to be made current elsewhere: in another thread, a task, a callback.
#[derive(Clone, Debug)]
pub struct Captured {
    span: SpanContext,
    /// The OpenTelemetry API's Context, with its baggage; `None`: whatever is there.
    context: Option<ApiContext>,
}

/// The place where this thread is now, with its baggage.
pub fn capture() -> Captured {
    Captured { span: local::current(), context: Some(local::api_context()) }
}

/// Outside of any trace: spans below start new ones.
pub fn root() -> Captured {
    Captured { span: SpanContext::NONE, context: None }
}

/// Below the given span.
pub fn with_parent(parent: &SpanContext) -> Captured {
    Captured { span: parent.clone(), context: None }
}

/// A future that runs where this call is made, on whatever thread it is polled; it can be given
/// to `tokio::spawn`. Short for `capture().wrap(future)`.
///
/// ```
/// # async fn nothing() {}
/// # let tokio_spawn = |future| drop(future);
/// tokio_spawn(oxitel::context::propagate_context(nothing()));
/// ```
pub fn propagate_context<F: Future>(future: F) -> InContext<F> {
    capture().wrap(future)
}

/// The baggage of this thread's place.
pub fn baggage() -> Baggage {
    capture().baggage()
}

impl Captured {
    /// A caller's span and baggage; without a span it is outside of any trace.
    pub(crate) fn incoming(span: &SpanContext, baggage: &Baggage) -> Self {
        let mut context = ApiContext::new();
        if span.is_valid() {
            context = with_remote(&context, span);
        }
        if !baggage.is_empty() {
            context = baggage::in_context(&context, baggage);
        }
        Self { span: span.clone(), context: Some(context) }
    }

    /// The same place with this baggage in the place of its own.
    #[must_use]
    pub fn with_baggage(self, baggage: &Baggage) -> Self {
        let around = if self.span.is_valid() { local::api_context() } else { ApiContext::new() };
        let context = baggage::in_context(&self.context.unwrap_or(around), baggage);
        Self { span: self.span, context: Some(context) }
    }

    /// Its baggage.
    pub fn baggage(&self) -> Baggage {
        let context = self.context.as_ref().filter(|_| !self.span.ids.is_suppressed());
        context.map(baggage::of_context).unwrap_or_default()
    }

    /// The span it stands for; invalid outside of any trace.
    pub fn span_context(&self) -> &SpanContext {
        &self.span
    }

    /// Makes it current on this thread until the guard is dropped. Not for use across an
    /// `.await`: there [`Captured::wrap`] does it.
    #[must_use = "it is current only while the guard lives"]
    pub fn attach(&self) -> Attached {
        let key = local::random();
        let SpanContext { ids, trace_state } = &self.span;
        match &self.context {
            None => local::make_current(key, ids, trace_state.clone(), 0, None),
            Some(context) => {
                local::make_current_with(key, ids, trace_state.clone(), context.clone());
            }
        }
        Attached { key, not_send: PhantomData }
    }

    /// Runs the closure here, for instance as the body of another thread.
    pub fn run<R>(&self, closure: impl FnOnce() -> R) -> R {
        let _attached = self.attach();
        closure()
    }

    /// A stream whose items are made here, on whatever thread it is polled.
    pub fn wrap_stream<S: Stream>(self, stream: S) -> InContext<S> {
        InContext { inner: stream, context: self }
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
        local::leave(self.key);
    }
}

impl<S: Stream> Stream for InContext<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let _current = this.context.attach();
        this.inner.poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

pin_project! {
    /// A future or stream with its place in a trace; see [`Captured::wrap`].
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
