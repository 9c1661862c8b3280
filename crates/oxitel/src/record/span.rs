//! Spans of the direct API.
//!
//! A [`Span`] is two words and moves in registers. What belongs to it lies in the scratch it
//! owns, and what happens when it is not recorded is decided before any call.

use super::builder::Details;
use super::{Current, Instrumented, Kind, Scope, Status, Value, asked, printed};
use crate::bridge::opentelemetry::Mailbox;
use crate::context::{Ids, SpanContext};
use crate::pipeline::encode::LinkTarget;
use crate::pipeline::local::{self, HAS_REMOTE};
use crate::pipeline::scope::ScopeData;
use crate::pipeline::scratch::Scratch;
use crate::pipeline::{clock, state};
use std::error::Error;
use std::mem;
use std::sync::Arc;

/// A piece of work with a beginning and an end. It ends when it is dropped.
#[derive(Debug)]
pub struct Span(Inner);

#[derive(Debug)]
pub(crate) enum Inner {
    /// Telemetry is off, or this thread is suppressed.
    Off,
    /// Below an unsampled span, on the thread where that one is current: its ids are taken over,
    /// nothing will ever refer to others.
    PassedOn,
    /// Not recorded, but its ids and the decision travel.
    Passive(Box<SpanContext>),
    Recorded(Box<Scratch>),
}

impl Inner {
    /// The ids and trace state of its own, if it has any: what it puts on the stack of current
    /// spans, and what travels.
    #[inline(always)]
    pub(crate) fn place(&self) -> Option<(&Ids, Option<&Arc<str>>)> {
        match self {
            Self::Off | Self::PassedOn => None,
            Self::Passive(place) => Some((&place.ids, place.trace_state.as_ref())),
            Self::Recorded(scratch) => Some((&scratch.ids, scratch.trace_state.as_ref())),
        }
    }
}

impl Inner {
    /// Where users of the OpenTelemetry API reach the span.
    #[inline(always)]
    pub(crate) fn mailbox(&self) -> Option<&Arc<Mailbox>> {
        match self {
            Self::Recorded(scratch) => scratch.mailbox(),
            Self::Off | Self::PassedOn | Self::Passive(_) => None,
        }
    }
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
    Span(if state::is_on() { start_recording(scope, name, parent) } else { Inner::Off })
}

/// Starts a span below the current one and makes it current.
#[inline(always)]
pub(super) fn start_entered(scope: &'static Scope, name: &str) -> Span {
    Span(if state::is_on() { enter_recording(scope, name) } else { Inner::Off })
}

/// Starts a span with what is known of it from the beginning.
pub(crate) fn start_with(
    scope: &'static Scope,
    name: &str,
    parent: Parent<'_>,
    details: &Details<'_>,
) -> Span {
    if !state::is_on() {
        return Span(Inner::Off);
    }
    if state::starts_are_asked() {
        return Span(asked::start(scope.data(), name, parent, details));
    }
    let mut begun = start_recording(scope, name, parent);
    if let Inner::Recorded(scratch) = &mut begun {
        details.apply(scratch);
    }
    Span(begun)
}

/// Whether samplers or hooks of the program look at what a span starts with: then a front end
/// collects it first and uses [`start_with`].
#[cfg(feature = "tracing")]
#[inline(always)]
pub(crate) fn starts_are_asked() -> bool {
    state::starts_are_asked()
}

#[inline(never)]
fn start_recording(scope: &'static Scope, name: &str, parent: Parent<'_>) -> Inner {
    if state::starts_are_asked() {
        return asked::start(scope.data(), name, parent, &Details::default());
    }
    match parent {
        Parent::Current => local::start(scope.data(), name),
        Parent::Given(parent) => local::start_below(scope.data(), name, parent),
    }
}

#[inline(never)]
fn enter_recording(scope: &'static Scope, name: &str) -> Inner {
    if !state::starts_are_asked() {
        return local::enter(scope.data(), name);
    }
    let begun = asked::start(scope.data(), name, Parent::Current, &Details::default());
    if let Some((ids, trace_state)) = begun.place() {
        local::make_current(ids.span, ids, trace_state.cloned(), 0, begun.mailbox());
    }
    begun
}

/// Where a link to this span points, as it travels.
pub(crate) fn link_target(to: &SpanContext) -> LinkTarget<'_> {
    LinkTarget {
        trace_id: to.trace_id().to_bytes(),
        span_id: to.span_id().to_bytes(),
        trace_state: to.trace_state(),
        flags: to.ids.otlp_flags() | HAS_REMOTE,
    }
}

/// Starts a span of a scope that is known only at run time.
pub(crate) fn start_in(scope: &'static ScopeData, name: &str, parent: &SpanContext) -> Span {
    Span(if state::is_on() { local::start_below(scope, name, parent) } else { Inner::Off })
}

/// Starts a span of such a scope with what is known of it from the beginning.
pub(crate) fn begin_in(
    scope: &'static ScopeData,
    name: &str,
    parent: &SpanContext,
    details: &Details<'_>,
) -> Inner {
    if !state::is_on() {
        return Inner::Off;
    }
    if state::starts_are_asked() {
        return asked::start(scope, name, Parent::Given(parent), details);
    }
    let mut begun = local::start_below(scope, name, parent);
    if let Inner::Recorded(scratch) = &mut begun {
        details.apply(scratch);
    }
    begun
}

/// The same, as a span of the direct API.
pub(crate) fn start_in_with(
    scope: &'static ScopeData,
    name: &str,
    parent: &SpanContext,
    details: &Details<'_>,
) -> Span {
    Span(begin_in(scope, name, parent, details))
}

impl Span {
    #[inline(always)]
    fn scratch(&mut self) -> Option<&mut Scratch> {
        match &mut self.0 {
            // What came through Contexts came before.
            Inner::Recorded(scratch) => scratch.read_mail().then_some(scratch),
            Inner::Off | Inner::PassedOn | Inner::Passive(_) => None,
        }
    }

    /// Whether anything set on the span is kept. Worth asking before a costly value is made.
    #[inline(always)]
    pub fn is_recording(&self) -> bool {
        matches!(self.0, Inner::Recorded(_))
    }

    /// What travels of the span; invalid when telemetry is off.
    pub fn context(&self) -> SpanContext {
        match self.0.place() {
            Some((ids, trace_state)) => {
                SpanContext { ids: *ids, trace_state: trace_state.cloned() }
            }
            None if matches!(self.0, Inner::PassedOn) => local::current(),
            None => SpanContext::NONE,
        }
    }

    /// Sets an attribute, replacing an earlier value of the same key.
    #[inline(always)]
    pub fn set_attribute<'a>(&mut self, key: &str, value: impl Into<Value<'a>>) -> &mut Self {
        if let Some(scratch) = self.scratch() {
            scratch.set_attribute(key, &value.into());
        }
        self
    }

    /// Notes something that happened now.
    pub fn add_event(&mut self, name: &str, attributes: &[(&str, Value<'_>)]) -> &mut Self {
        if let Some(scratch) = self.scratch() {
            scratch.add_event(clock::now().wall_ns, name, attributes);
        }
        self
    }

    /// Notes something that happened at this time, in nanoseconds since 1970.
    pub(crate) fn add_event_at(&mut self, time_ns: u64, name: &str, pairs: &[(&str, Value<'_>)]) {
        if let Some(scratch) = self.scratch() {
            scratch.add_event(time_ns, name, pairs);
        }
    }

    /// Points at a span of this or another trace.
    pub fn add_link(&mut self, to: &SpanContext, attributes: &[(&str, Value<'_>)]) -> &mut Self {
        if let Some(scratch) = self.scratch() {
            scratch.add_link(&link_target(to), attributes);
        }
        self
    }

    /// Says how it went; see [`Status`] for what overrides what.
    pub fn set_status(&mut self, status: Status<'_>) -> &mut Self {
        if let Some(scratch) = self.scratch() {
            scratch.set_status(&status);
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
        if let Some(scratch) = self.scratch() {
            scratch.set_name(name);
        }
        self
    }

    /// Ends it now.
    pub fn end(self) {}

    /// It ended at this time, in nanoseconds since 1970.
    pub(crate) fn end_at(mut self, wall_ns: u64) {
        if let Some(scratch) = self.scratch() {
            scratch.ended_at = Some(wall_ns);
        }
    }

    /// Makes it current on this thread while the guard lives. Not across an `.await`: there
    /// [`Span::instrument`] does it.
    #[must_use = "it is current only while the guard lives"]
    pub fn enter(&self) -> Current<'_> {
        Current::over(self)
    }

    /// A future that runs with this span as current, on whatever thread it is polled. The span
    /// ends with the future.
    pub fn instrument<F: Future>(self, future: F) -> Instrumented<F> {
        Instrumented::new(future, self)
    }

    /// The status becomes an error; a message that is there stays.
    pub(crate) fn fail(&mut self, message: &str) {
        if let Some(scratch) = self.scratch()
            && !matches!(scratch.status.get(), Status::Error(text) if !text.is_empty())
        {
            scratch.set_status(&Status::Error(message));
        }
    }

    pub(crate) fn set_kind(&mut self, kind: Kind) {
        if let Some(scratch) = self.scratch() {
            scratch.kind = kind;
        }
    }

    pub(crate) fn set_start(&mut self, wall_ns: u64) {
        if let Some(scratch) = self.scratch() {
            scratch.start = clock::Stamp::at(wall_ns);
        }
    }

    /// Makes it current without a guard; [`Span::leave_current`] undoes one such call.
    pub(crate) fn make_current(&self) {
        if let Some((ids, trace_state)) = self.0.place() {
            local::make_current(ids.span, ids, trace_state.cloned(), 0, self.0.mailbox());
        }
    }

    #[inline(always)]
    pub(crate) fn leave_current(&self) {
        if let Some((ids, _)) = self.0.place() {
            local::leave(ids.span);
        }
    }
}

/// What front ends need that keep spans for others.
#[cfg(feature = "tracing")]
impl Span {
    /// One whose ids the caller keeps: those of the unsampled span above it.
    #[inline(always)]
    pub(crate) fn passed_on() -> Self {
        Self(Inner::PassedOn)
    }

    /// Whether it is such a one.
    #[inline(always)]
    pub(crate) fn is_passed_on(&self) -> bool {
        matches!(self.0, Inner::PassedOn)
    }

    /// Where users of the OpenTelemetry API reach it.
    pub(crate) fn mailbox(&self) -> Option<Arc<Mailbox>> {
        self.0.mailbox().cloned()
    }

    /// Whether it has no place in any trace: telemetry is off, or its thread is suppressed.
    #[inline(always)]
    pub(crate) fn is_off(&self) -> bool {
        matches!(self.0, Inner::Off)
    }

    /// The status becomes an error; a message that is there stays.
    pub(crate) fn mark_failed(&mut self) {
        if let Some(scratch) = self.scratch() {
            scratch.status.mark_failed();
        }
    }

    /// Takes over what was recorded of `other`, which stands elsewhere in the trees: its name,
    /// times and attributes, not its ids.
    pub(crate) fn take_over(&mut self, other: &mut Self) {
        if let (Some(new), Some(old)) = (self.scratch(), other.scratch()) {
            mem::swap(&mut new.name, &mut old.name);
            mem::swap(&mut new.kind, &mut old.kind);
            mem::swap(&mut new.start, &mut old.start);
            mem::swap(&mut new.status, &mut old.status);
            mem::swap(&mut new.attributes, &mut old.attributes);
            mem::swap(&mut new.events, &mut old.events);
            mem::swap(&mut new.links, &mut old.links);
            new.redacted += mem::take(&mut old.redacted);
        }
    }

    /// It never was.
    pub(crate) fn discard(self) {
        self.let_go(false);
    }

    /// There is no room for it; that is counted.
    pub(crate) fn refuse(self) {
        self.let_go(true);
    }

    fn let_go(mut self, lost: bool) {
        if let Inner::Recorded(scratch) = mem::replace(&mut self.0, Inner::Off) {
            local::discard(scratch, lost);
        }
    }
}

impl Drop for Span {
    #[inline(always)]
    fn drop(&mut self) {
        if !matches!(self.0, Inner::Off | Inner::PassedOn) {
            end(mem::replace(&mut self.0, Inner::Off));
        }
    }
}

/// Out of line, so that a span that is not recorded costs a comparison.
#[inline(never)]
fn end(span: Inner) {
    match span {
        Inner::Off | Inner::PassedOn => {}
        Inner::Passive(place) => local::recycle_passive(place),
        Inner::Recorded(mut scratch) => {
            scratch.close_mailbox();
            let end_ns = end_of(&scratch, scratch.ended_at);
            let kept = is_kept(&scratch, end_ns);
            local::finish(scratch, kept.then_some(end_ns));
        }
    }
}

/// When it ends: at the named time, else now. A named end may be of a clock that jumped since; no
/// span is shorter than nothing.
#[inline(always)]
pub(crate) fn end_of(scratch: &Scratch, named: Option<u64>) -> u64 {
    named.map_or_else(|| scratch.start.end_ns(), |end_ns| end_ns.max(scratch.start.wall_ns))
}

/// Whether no hook of the program drops it.
#[inline(always)]
pub(crate) fn is_kept(scratch: &Scratch, end_ns: u64) -> bool {
    !state::ends_are_asked() || asked::is_kept(scratch, end_ns)
}
