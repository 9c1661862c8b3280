//! Guards and futures that make a span current, and leave it again.

use super::Scope;
use super::span::{Span, start_entered};
use pin_project_lite::pin_project;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Keeps a span current on this thread; see [`Span::enter`].
#[derive(Debug)]
pub struct Current<'a> {
    span: &'a Span,
    not_send: PhantomData<*const ()>,
}

impl<'a> Current<'a> {
    pub(super) fn over(span: &'a Span) -> Self {
        span.make_current();
        Self { span, not_send: PhantomData }
    }
}

impl Deref for Current<'_> {
    type Target = Span;

    fn deref(&self) -> &Span {
        self.span
    }
}

impl Drop for Current<'_> {
    fn drop(&mut self) {
        self.span.leave_current();
    }
}

/// A span that is current on this thread and ends when it is dropped; see [`Scope::enter`].
#[derive(Debug)]
pub struct Entered {
    span: Span,
    not_send: PhantomData<*const ()>,
}

impl Entered {
    /// Starts a span below the current one and makes it current.
    #[inline(always)]
    pub(super) fn start(scope: &'static Scope, name: &str) -> Self {
        Self { span: start_entered(scope, name), not_send: PhantomData }
    }

    pub(super) fn over(span: Span) -> Self {
        span.make_current();
        Self { span, not_send: PhantomData }
    }
}

impl Deref for Entered {
    type Target = Span;

    #[inline(always)]
    fn deref(&self) -> &Span {
        &self.span
    }
}

impl DerefMut for Entered {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Span {
        &mut self.span
    }
}

impl Drop for Entered {
    #[inline(always)]
    fn drop(&mut self) {
        self.span.leave_current();
    }
}

pin_project! {
    /// A future with its span; see [`Span::instrument`].
    #[derive(Debug)]
    pub struct Instrumented<F> {
        #[pin]
        inner: F,
        span: Option<Span>,
    }
}

impl<F> Instrumented<F> {
    pub(super) fn new(inner: F, span: Span) -> Self {
        Self { inner, span: Some(span) }
    }
}

impl<F: Future> Future for Instrumented<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let polled = {
            let _current = this.span.as_ref().map(Span::enter);
            this.inner.poll(cx)
        };
        if polled.is_ready() {
            // Not when somebody gets around to dropping the future.
            *this.span = None;
        }
        polled
    }
}
