//! Spans of the direct API.

use super::{Kind, Scope, Status, Value};
use crate::context::{self, Ids, SpanContext};
use crate::pipeline::encode::LinkTarget;
use crate::pipeline::local::{self, Begun, HAS_REMOTE};
use crate::pipeline::scratch::Scratch;
use crate::pipeline::{clock, state};
use pin_project_lite::pin_project;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A piece of work with a beginning and an end. It ends when it is dropped.
#[derive(Debug)]
pub struct Span {
    /// Nothing when the span is not recorded: switched off, or sampled out.
    scratch: Option<Box<Scratch>>,
    ids: Ids,
    trace_state: Option<Arc<str>>,
}

/// Which span a new one stands below.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parent<'a> {
    Current,
    Given(&'a SpanContext),
}

/// Starts a span.
#[inline(always)]
pub(crate) fn start(scope: &'static Scope, name: &str, parent: Parent<'_>) -> Span {
    if state::is_on() { begin(scope, name, parent) } else { Span::NONE }
}

#[inline(never)]
fn begin(scope: &'static Scope, name: &str, parent: Parent<'_>) -> Span {
    let (parent, trace_state) = match parent {
        Parent::Current => {
            let current = context::current();
            (current.ids, current.trace_state)
        }
        Parent::Given(parent) => (parent.ids, parent.trace_state.clone()),
    };
    if parent.is_suppressed() {
        return Span { scratch: None, ids: Ids::SUPPRESSED, trace_state: None };
    }
    if !parent.is_sampled() && parent.is_valid() && state::parent_decides() {
        // Takes over its ids: nothing will ever refer to others.
        return Span { scratch: None, ids: parent, trace_state };
    }
    match local::begin(scope.data(), name, &parent) {
        Begun::Off => Span::NONE,
        Begun::Unsampled(ids) | Begun::Refused(ids) => Span { scratch: None, ids, trace_state },
        Begun::Recorded(mut scratch) => {
            let ids = scratch.ids;
            scratch.trace_state.clone_from(&trace_state);
            Span { scratch: Some(scratch), ids, trace_state }
        }
    }
}

impl Span {
    const NONE: Self = Self { scratch: None, ids: Ids::NONE, trace_state: None };

    /// Whether anything set on the span is kept. Worth asking before a costly value is made.
    #[inline]
    pub fn is_recording(&self) -> bool {
        self.scratch.is_some()
    }

    /// What travels of the span; invalid when telemetry is off.
    pub fn context(&self) -> SpanContext {
        SpanContext { ids: self.ids, trace_state: self.trace_state.clone() }
    }

    /// Sets an attribute, replacing an earlier value of the same key.
    #[inline(always)]
    pub fn set_attribute<'a>(&mut self, key: &str, value: impl Into<Value<'a>>) -> &mut Self {
        if let Some(scratch) = &mut self.scratch {
            scratch.set_attribute(key, &value.into());
        }
        self
    }

    /// Notes something that happened now.
    pub fn add_event(&mut self, name: &str, attributes: &[(&str, Value<'_>)]) -> &mut Self {
        if let Some(scratch) = &mut self.scratch {
            scratch.add_event(clock::now().wall_ns, name, attributes);
        }
        self
    }

    /// Points at a span of this or another trace.
    pub fn add_link(&mut self, to: &SpanContext, attributes: &[(&str, Value<'_>)]) -> &mut Self {
        if let Some(scratch) = &mut self.scratch {
            let target = LinkTarget {
                trace_id: to.trace_id().to_bytes(),
                span_id: to.span_id().to_bytes(),
                trace_state: to.trace_state(),
                flags: to.ids.flags | HAS_REMOTE,
            };
            scratch.add_link(&target, attributes);
        }
        self
    }

    /// Says how it went; see [`Status`] for what overrides what.
    pub fn set_status(&mut self, status: Status<'_>) -> &mut Self {
        if let Some(scratch) = &mut self.scratch {
            scratch.status.set(&status);
        }
        self
    }

    /// Sets the status to the error's text and notes an `exception` event.
    pub fn record_error(&mut self, error: &dyn Error) -> &mut Self {
        if self.is_recording() {
            // The error's own code runs here, before anything of ours is borrowed.
            let text = printed(format_args!("{error}"));
            self.add_event("exception", &[("exception.message", Value::Str(&text))]);
            self.set_status(Status::Error(&text));
        }
        self
    }

    /// Gives it another name.
    pub fn update_name(&mut self, name: &str) -> &mut Self {
        if let Some(scratch) = &mut self.scratch {
            scratch.name.clear();
            scratch.name.push_str(name);
        }
        self
    }

    /// Ends it now.
    pub fn end(self) {}

    /// Makes it current on this thread while the guard lives. Not across an `.await`: there
    /// [`Span::instrument`] does it.
    #[must_use = "it is current only while the guard lives"]
    pub fn enter(&self) -> Current<'_> {
        Current { key: self.make_current(), span: self, not_send: PhantomData }
    }

    /// A future that runs with this span as current, on whatever thread it is polled. The span
    /// ends with the future.
    pub fn instrument<F: Future>(self, future: F) -> Instrumented<F> {
        Instrumented { inner: future, span: Some(self) }
    }

    #[inline(always)]
    pub(crate) fn into_entered(self) -> Entered {
        Entered { key: self.make_current(), span: self, not_send: PhantomData }
    }

    pub(crate) fn set_kind(&mut self, kind: Kind) {
        if let Some(scratch) = &mut self.scratch {
            scratch.kind = kind;
        }
    }

    fn set_start(&mut self, wall_ns: u64) {
        if let Some(scratch) = &mut self.scratch {
            scratch.start = clock::Stamp::at(wall_ns);
        }
    }

    /// Makes it current without a guard; [`Span::leave_current`] undoes one such call.
    #[cfg(feature = "tracing")]
    pub(crate) fn enter_current(&self) {
        if self.ids.span != 0 {
            context::push(self.ids.span, self.ids, self.trace_state.clone());
        }
    }

    #[cfg(feature = "tracing")]
    pub(crate) fn leave_current(&self) {
        leave(self.ids.span);
    }

    /// The key of the frame, or [`NO_FRAME`] when the place would not change.
    #[inline(always)]
    fn make_current(&self) -> u64 {
        let passed_on = self.scratch.is_none() && context::is_current(&self.ids);
        if self.ids.span == 0 || passed_on {
            return NO_FRAME;
        }
        context::push(self.ids.span, self.ids, self.trace_state.clone());
        self.ids.span
    }
}

/// As far as it prints: an implementation that fails is no reason to panic.
pub(crate) fn printed(arguments: fmt::Arguments<'_>) -> String {
    let mut text = String::new();
    let _ = text.write_fmt(arguments);
    text
}

/// Telemetry is off, or suppressed: what is current stays current.
const NO_FRAME: u64 = 0;

#[inline(always)]
fn leave(key: u64) {
    if key != NO_FRAME {
        context::pop(key);
    }
}

impl Drop for Span {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(scratch) = self.scratch.take() {
            end(scratch);
        }
    }
}

/// Out of line, so that a span that is not recorded costs a comparison.
#[inline(never)]
fn end(scratch: Box<Scratch>) {
    let end_ns = scratch.start.end_ns();
    local::finish(scratch, end_ns);
}

/// Keeps a span current on this thread; see [`Span::enter`].
#[derive(Debug)]
pub struct Current<'a> {
    key: u64,
    span: &'a Span,
    not_send: PhantomData<*const ()>,
}

impl Deref for Current<'_> {
    type Target = Span;

    fn deref(&self) -> &Span {
        self.span
    }
}

impl Drop for Current<'_> {
    fn drop(&mut self) {
        leave(self.key);
    }
}

/// A span that is current on this thread and ends when it is dropped; see [`Scope::enter`].
#[derive(Debug)]
pub struct Entered {
    key: u64,
    span: Span,
    not_send: PhantomData<*const ()>,
}

impl Deref for Entered {
    type Target = Span;

    #[inline]
    fn deref(&self) -> &Span {
        &self.span
    }
}

impl DerefMut for Entered {
    #[inline]
    fn deref_mut(&mut self) -> &mut Span {
        &mut self.span
    }
}

impl Drop for Entered {
    #[inline(always)]
    fn drop(&mut self) {
        leave(self.key);
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

/// A span in preparation; see [`Scope::build`].
#[derive(Debug)]
#[must_use = "nothing happens before `start`"]
pub struct SpanBuilder<'a> {
    scope: &'static Scope,
    name: &'a str,
    kind: Kind,
    parent: Option<SpanContext>,
    links: Vec<SpanContext>,
    attributes: Vec<(&'a str, Value<'a>)>,
    start_ns: Option<u64>,
}

impl<'a> SpanBuilder<'a> {
    pub(crate) fn new(scope: &'static Scope, name: &'a str) -> Self {
        Self {
            scope,
            name,
            kind: Kind::Internal,
            parent: None,
            links: Vec::new(),
            attributes: Vec::new(),
            start_ns: None,
        }
    }

    /// Its role in the trace.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Below this span instead of the current one; an invalid one starts a new trace.
    pub fn parent(mut self, parent: &SpanContext) -> Self {
        self.parent = Some(parent.clone());
        self
    }

    /// Starts a new trace.
    pub fn root(self) -> Self {
        self.parent(&SpanContext::NONE)
    }

    /// Points at another span from the beginning.
    pub fn link(mut self, to: &SpanContext) -> Self {
        self.links.push(to.clone());
        self
    }

    /// An attribute from the beginning.
    pub fn attribute(mut self, key: &'a str, value: impl Into<Value<'a>>) -> Self {
        self.attributes.push((key, value.into()));
        self
    }

    /// It began at this time, in nanoseconds since 1970, instead of now.
    pub fn started_at(mut self, wall_ns: u64) -> Self {
        self.start_ns = Some(wall_ns);
        self
    }

    /// Starts it.
    #[must_use = "a span ends when it is dropped"]
    pub fn start(self) -> Span {
        let parent = self.parent.as_ref().map_or(Parent::Current, Parent::Given);
        let mut span = start(self.scope, self.name, parent);
        span.set_kind(self.kind);
        if let Some(wall_ns) = self.start_ns {
            span.set_start(wall_ns);
        }
        for (key, value) in self.attributes {
            span.set_attribute(key, value);
        }
        for link in &self.links {
            span.add_link(link, &[]);
        }
        span
    }

    /// Starts it and makes it current until it is dropped.
    #[must_use = "a span ends when it is dropped"]
    pub fn enter(self) -> Entered {
        self.start().into_entered()
    }
}
