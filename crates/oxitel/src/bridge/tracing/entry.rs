//! What both front ends do with a `tracing` span: begin it, change it, note events in it.
//!
//! No function here formats a value: that happens before, while nothing of ours is locked.

use super::each::Each;
use super::event::failure;
use super::fields::{EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, Fields, collected};
use crate::bridge::opentelemetry::Mailbox;
use crate::context::{Ids, SpanContext};
use crate::pipeline::{local, state};
use crate::record::{
    Details, Kind, Parent, Scope, Span, Status, Value, contained, start, start_with,
    starts_are_asked,
};
use std::cell::Cell;
use std::sync::Arc;
use std::thread;
use tracing::span::Attributes;
use tracing::{Level, Metadata};

static SCOPE: Scope = Scope::new("tracing");

/// Targets of the OpenTelemetry API's own diagnostics. It says them while its thread-local is
/// borrowed, so that not even the current span may be looked up.
const OF_THE_API: &str = "opentelemetry";

/// Attributes of an event that lie on the stack; more of them cost an allocation.
const FEW: usize = 16;

/// What is told of a span beside its fields, and of an event that belongs to one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Style {
    pub(super) location: bool,
    pub(super) threads: bool,
}

/// A live span as the front ends keep it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) span: Span,
    /// The number of the layer that it belongs to, or 0.
    pub(super) layer: u32,
    /// Of a span that is passed on: the ids that it took over.
    above: Ids,
    /// Its ids were seen, by a child or by others: its parent cannot change any more.
    settled: bool,
}

/// Whether nothing may be looked at for this target.
#[inline]
pub(super) fn is_of_the_api(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with(OF_THE_API)
}

/// Starts the span; `parent` is the one that was named, if one was.
#[inline]
fn begin(attributes: &Attributes<'_>, parent: Option<&SpanContext>, style: Style) -> Span {
    if starts_are_asked() {
        return begin_asked(attributes, parent, style);
    }
    let metadata = attributes.metadata();
    let mut span = start(&SCOPE, metadata.name(), parent.map_or(Parent::Current, Parent::Given));
    if span.is_recording() {
        if style.location || style.threads {
            describe(&mut span, metadata, style);
        }
        attributes.record(&mut Each(|name: &str, value: Value<'_>| set(&mut span, name, value)));
    }
    span
}

/// The same in a program whose sampler or hooks see what a span starts with: its fields are
/// collected first.
#[cold]
fn begin_asked(attributes: &Attributes<'_>, parent: Option<&SpanContext>, style: Style) -> Span {
    let metadata = attributes.metadata();
    let start = |fields: &Fields| {
        let lists = fields.lists();
        let message = fields.message().map(|text| ("message", Value::Str(text)));
        let others = fields.pairs(&lists).filter(|(name, value)| !is_of_the_span(name, value));
        let pairs: Vec<_> = message.into_iter().chain(others).collect();
        let details = Details {
            kind: fields.text("otel.kind").map_or(Kind::Internal, kind),
            attributes: &pairs,
            ..Details::default()
        };
        let name = fields.text("otel.name").unwrap_or(metadata.name());
        let parent = parent.map_or(Parent::Current, Parent::Given);
        let mut span = start_with(&SCOPE, name, parent, &details);
        if span.is_recording() {
            if style.location || style.threads {
                describe(&mut span, metadata, style);
            }
            fields.each(|name, value| {
                if name.starts_with("otel.status_") && is_of_the_span(name, &value) {
                    set(&mut span, name, value);
                }
            });
        }
        span
    };
    collected(|visit| attributes.record(visit), start)
}

/// Whether the field changes the span itself instead of becoming an attribute.
fn is_of_the_span(name: &str, value: &Value<'_>) -> bool {
    let names = ["name", "kind", "status_description", "status_message", "status_code"];
    let ours = name.strip_prefix("otel.").is_some_and(|rest| names.contains(&rest));
    ours && matches!(value, Value::Str(_))
}

/// Starts the same span anew, below `parent` and without its fields.
pub(super) fn begin_again(metadata: &Metadata<'_>, parent: &SpanContext, style: Style) -> Span {
    let mut span = start(&SCOPE, metadata.name(), Parent::Given(parent));
    if span.is_recording() {
        describe(&mut span, metadata, style);
    }
    span
}

#[cold]
fn describe(span: &mut Span, metadata: &Metadata<'_>, style: Style) {
    if style.location {
        locate(metadata, |name, value| {
            span.set_attribute(name, value);
        });
    }
    if style.threads {
        span.set_attribute("thread.id", thread_id());
        if let Some(name) = thread::current().name() {
            span.set_attribute("thread.name", name);
        }
    }
}

pub(super) fn locate<'a>(metadata: &Metadata<'a>, mut tell: impl FnMut(&'static str, Value<'a>)) {
    if let Some(file) = metadata.file() {
        tell("code.file.path", Value::Str(file));
    }
    if let Some(line) = metadata.line() {
        tell("code.line.number", Value::from(line));
    }
}

/// The number that the standard library prints of a thread; it hands out no other.
fn thread_id() -> u64 {
    thread_local! {
        static NUMBER: Cell<u64> = const { Cell::new(0) };
    }
    let known = NUMBER.get();
    if known != 0 {
        return known;
    }
    let printed = format!("{:?}", thread::current().id());
    let digits = printed.trim_matches(|letter: char| !letter.is_ascii_digit());
    let number = digits.parse().unwrap_or(0);
    NUMBER.set(number);
    number
}

/// Sets one field on the span; `otel.…` fields change the span itself.
#[inline]
fn set(span: &mut Span, name: &str, value: Value<'_>) {
    match (name.strip_prefix("otel."), value) {
        (Some("name"), Value::Str(text)) => {
            span.update_name(text);
        }
        (Some("kind"), Value::Str(text)) => span.set_kind(kind(text)),
        (Some("status_description" | "status_message"), Value::Str(text)) => {
            span.set_status(Status::Error(text));
        }
        (Some("status_code"), Value::Str(code)) if code.eq_ignore_ascii_case("ok") => {
            span.set_status(Status::Ok);
        }
        // Without a word about the message: one that is there stays.
        (Some("status_code"), Value::Str(code)) if code.eq_ignore_ascii_case("error") => {
            span.mark_failed();
        }
        (Some("status_code"), Value::Str(code)) if code.eq_ignore_ascii_case("unset") => {}
        _ => {
            span.set_attribute(name, value);
        }
    }
}

fn kind(text: &str) -> Kind {
    let kinds = [
        ("server", Kind::Server),
        ("client", Kind::Client),
        ("producer", Kind::Producer),
        ("consumer", Kind::Consumer),
    ];
    let known = kinds.iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
    known.map_or(Kind::Internal, |(_, kind)| *kind)
}

impl Entry {
    pub(super) fn new(span: Span, layer: u32) -> Self {
        Self { span, layer, above: Ids::NONE, settled: false }
    }

    /// Starts a span, or passes on the place that is current if nothing below it is recorded. An
    /// entry may go to other threads, so that it keeps the ids.
    #[inline]
    pub(super) fn begin(
        attributes: &Attributes<'_>,
        named: Option<&SpanContext>,
        style: Style,
        layer: u32,
    ) -> Self {
        // While a value is redacted nothing is begun: it would be kept behind a lock, too.
        let passes = named.is_none() && !contained::is_muted();
        let above = if passes { local::passed_on() } else { None };
        match above {
            Some(above) => Self { span: Span::passed_on(), layer, above, settled: false },
            None => Self::new(begin(attributes, named, style), layer),
        }
    }

    /// Its place, for somebody who will refer to it.
    #[inline]
    pub(super) fn place(&mut self) -> SpanContext {
        self.settled = true;
        if self.span.is_passed_on() {
            return SpanContext { ids: self.above, trace_state: None };
        }
        self.span.context()
    }

    /// Its place, and where users of the OpenTelemetry API reach it there.
    pub(super) fn open_place(&mut self) -> (SpanContext, Option<Arc<Mailbox>>) {
        (self.place(), self.span.mailbox())
    }

    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    /// Continues as `fresh`, which stands elsewhere; returns what is left of the span before, or
    /// `fresh` if it is too late.
    pub(super) fn move_to(&mut self, mut fresh: Span) -> Result<Span, Span> {
        if self.settled {
            return Err(fresh);
        }
        fresh.take_over(&mut self.span);
        Ok(std::mem::replace(&mut self.span, fresh))
    }

    /// Sets late fields.
    pub(super) fn record(&mut self, fields: &Fields) {
        fields.each(|name, value| set(&mut self.span, name, value));
    }

    /// Notes an event: an error in it is the span's too.
    pub(super) fn note(&mut self, fields: &Fields, metadata: &Metadata<'_>, style: Style) {
        let span = &mut self.span;
        if *metadata.level() == Level::ERROR {
            span.mark_failed();
        }
        let failure = failure(fields);
        if let Some(text) = failure {
            span.set_status(Status::Error(text));
        }
        if fields.has_error() {
            fields.each(|name, value| {
                if [EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE].contains(&name) {
                    span.set_attribute(name, value);
                }
            });
        }
        if !state::are_events_of_spans() {
            return;
        }
        let name = fields.message().unwrap_or(match failure {
            Some(_) => "exception",
            None => metadata.name(),
        });
        add_event(span, name, failure.is_some(), fields, metadata, style);
    }
}

/// Adds the event with its level, its target and its fields; `renamed`: the field `error` is the
/// exception's message.
fn add_event(
    span: &mut Span,
    name: &str,
    renamed: bool,
    fields: &Fields,
    metadata: &Metadata<'_>,
    style: Style,
) {
    let lists = fields.lists();
    let mut attributes = Attached::default();
    attributes.push("level", Value::Str(metadata.level().as_str()));
    attributes.push("target", Value::Str(metadata.target()));
    for (name, value) in fields.pairs(&lists) {
        attributes.push(if renamed && name == "error" { EXCEPTION_MESSAGE } else { name }, value);
    }
    if style.location {
        locate(metadata, |name, value| attributes.push(name, value));
    }
    span.add_event(name, attributes.all());
}

/// An event's attributes, on the stack while they are few.
pub(super) struct Attached<'a> {
    few: [(&'a str, Value<'a>); FEW],
    count: usize,
    many: Vec<(&'a str, Value<'a>)>,
}

impl Default for Attached<'_> {
    fn default() -> Self {
        Self { few: [("", Value::Bool(false)); FEW], count: 0, many: Vec::new() }
    }
}

impl<'a> Attached<'a> {
    pub(super) fn push(&mut self, name: &'a str, value: Value<'a>) {
        if let Some(place) = self.few.get_mut(self.count) {
            *place = (name, value);
        } else {
            if self.many.is_empty() {
                self.many.extend_from_slice(&self.few);
            }
            self.many.push((name, value));
        }
        self.count += 1;
    }

    pub(super) fn all(&self) -> &[(&'a str, Value<'a>)] {
        self.few.get(..self.count).unwrap_or(&self.many)
    }
}
