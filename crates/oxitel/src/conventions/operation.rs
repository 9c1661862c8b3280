//! Spans of work that is told about while it runs: the work in hand, on a thread, in a future.

use super::report::{self, Report};
use crate::pipeline::state;
use crate::record::{Details, Parent, Scope, Span, Value, start_with};
use pin_project_lite::pin_project;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::str;
use std::task::{Context, Poll};

/// A span of the conventions that nobody works in yet. It ends when it is dropped.
///
/// In plain code [`entered`](Self::entered) makes it current; a future gets it by
/// [`instrument`](Self::instrument). Functions such as
/// [`record_db_metrics`](super::record_db_metrics) find it there.
#[derive(Debug)]
#[must_use = "a span ends when it is dropped"]
pub struct Operation<R: Report> {
    work: Work<R>,
}

/// A span and what was told of it.
#[derive(Debug)]
struct Work<R: Report> {
    span: Span,
    report: R,
}

impl<R: Report> Drop for Work<R> {
    #[inline]
    fn drop(&mut self) {
        if self.span.is_recording() {
            self.report.write(&mut self.span);
        }
    }
}

impl<R: Report> Work<R> {
    #[inline]
    fn begin(&mut self) -> Option<u64> {
        self.span.make_current();
        report::lend(&mut self.report, self.span.is_recording())
    }

    #[inline]
    fn pause(&mut self, lent: Option<u64>) {
        if let Some(number) = lent {
            report::take_back(number, &mut self.report);
        }
        self.span.leave_current();
    }
}

impl<R: Report> Operation<R> {
    /// Starts the span `{verb} {target}` below the current one. Nothing is put together while
    /// telemetry is off.
    #[inline]
    pub(super) fn start<'a, const MOST: usize>(
        scope: &'static Scope,
        (verb, target): (&str, Option<&str>),
        attributes: impl FnOnce() -> [Option<(&'static str, Value<'a>)>; MOST],
    ) -> Self {
        let span = if state::is_on() {
            let attributes = attributes();
            with_name(verb, " ", target, |name| begin(scope, name, &attributes))
        } else {
            scope.span(verb)
        };
        Self { work: Work { span, report: R::default() } }
    }

    /// Makes it current on this thread while the guard lives, and ends it with the guard. Not
    /// across an `.await`: there [`instrument`](Self::instrument) does it.
    #[must_use = "the span ends when the guard is dropped"]
    pub fn entered(mut self) -> EnteredOperation<R> {
        let lent = self.work.begin();
        EnteredOperation { work: self.work, lent, not_send: PhantomData }
    }

    /// Makes it current on this thread while the guard lives. Not across an `.await`.
    #[must_use = "it is current only while the guard lives"]
    pub fn enter(&mut self) -> CurrentOperation<'_, R> {
        CurrentOperation::over(&mut self.work)
    }

    /// A future that runs with the span as current, on whatever thread it is polled. The span
    /// ends with the future.
    pub fn instrument<F: Future>(self, future: F) -> impl Future<Output = F::Output> + use<F, R> {
        Instrumented { inner: future, work: Some(self.work) }
    }
}

fn begin<const MOST: usize>(
    scope: &'static Scope,
    name: &str,
    attributes: &[Option<(&'static str, Value<'_>)>; MOST],
) -> Span {
    let mut known = [("", Value::Bool(false)); MOST];
    let mut length = 0;
    for (free, pair) in known.iter_mut().zip(attributes.iter().flatten()) {
        *free = *pair;
        length += 1;
    }
    let details = Details { attributes: &known[..length], ..Details::default() };
    start_with(scope, name, Parent::Current, &details)
}

/// Longer names go to the heap.
const SHORT: usize = 128;

/// Runs with both words joined, which costs no allocation where they are short.
pub(super) fn with_name<T>(
    first: &str,
    between: &str,
    second: Option<&str>,
    action: impl FnOnce(&str) -> T,
) -> T {
    let Some(second) = second else { return action(first) };
    let mut short = [0; SHORT];
    let Some(name) = short.get_mut(..first.len() + between.len() + second.len()) else {
        return action(&[first, between, second].concat());
    };
    let (start, end) = name.split_at_mut(first.len());
    start.copy_from_slice(first.as_bytes());
    let (middle, end) = end.split_at_mut(between.len());
    middle.copy_from_slice(between.as_bytes());
    end.copy_from_slice(second.as_bytes());
    // Texts joined are a text.
    action(str::from_utf8(name).unwrap_or(first))
}

impl<R: Report> Deref for Operation<R> {
    type Target = Span;

    fn deref(&self) -> &Span {
        &self.work.span
    }
}

impl<R: Report> DerefMut for Operation<R> {
    fn deref_mut(&mut self) -> &mut Span {
        &mut self.work.span
    }
}

/// An [`Operation`] that is current on this thread and ends when it is dropped.
#[derive(Debug)]
pub struct EnteredOperation<R: Report> {
    work: Work<R>,
    lent: Option<u64>,
    not_send: PhantomData<*const ()>,
}

impl<R: Report> Deref for EnteredOperation<R> {
    type Target = Span;

    fn deref(&self) -> &Span {
        &self.work.span
    }
}

impl<R: Report> DerefMut for EnteredOperation<R> {
    fn deref_mut(&mut self) -> &mut Span {
        &mut self.work.span
    }
}

impl<R: Report> Drop for EnteredOperation<R> {
    fn drop(&mut self) {
        self.work.pause(self.lent);
    }
}

/// Keeps an [`Operation`] current on this thread.
#[derive(Debug)]
pub struct CurrentOperation<'a, R: Report> {
    work: &'a mut Work<R>,
    lent: Option<u64>,
    not_send: PhantomData<*const ()>,
}

impl<'a, R: Report> CurrentOperation<'a, R> {
    fn over(work: &'a mut Work<R>) -> Self {
        let lent = work.begin();
        Self { work, lent, not_send: PhantomData }
    }
}

impl<R: Report> Deref for CurrentOperation<'_, R> {
    type Target = Span;

    fn deref(&self) -> &Span {
        &self.work.span
    }
}

impl<R: Report> DerefMut for CurrentOperation<'_, R> {
    fn deref_mut(&mut self) -> &mut Span {
        &mut self.work.span
    }
}

impl<R: Report> Drop for CurrentOperation<'_, R> {
    fn drop(&mut self) {
        self.work.pause(self.lent);
    }
}

pin_project! {
    struct Instrumented<R: Report, F> {
        #[pin]
        inner: F,
        work: Option<Work<R>>,
    }
}

impl<R: Report, F: Future> Future for Instrumented<R, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let polled = {
            let _current = this.work.as_mut().map(CurrentOperation::over);
            this.inner.poll(cx)
        };
        if polled.is_ready() {
            // Not when somebody gets around to dropping the future.
            *this.work = None;
        }
        polled
    }
}
