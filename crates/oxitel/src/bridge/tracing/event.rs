//! What becomes of a `tracing` event: a log record, or an event of its span. Never both.

use super::each::Each;
use super::entry::{Attached, Entry, locate};
use super::fields::{EXCEPTION_MESSAGE, Fields};
use super::{live, subscriber};
use crate::context::{Ids, SpanContext};
use crate::pipeline::frames::TRACING_LAYER;
use crate::pipeline::scope::{self, ScopeData};
use crate::pipeline::{local, logs, state};
use crate::record::{LogRecord, Severity, Value};
use std::cell::Cell;
use std::ptr;
use tracing::{Event, Level, Metadata};

const MESSAGE: &str = "message";

/// Whether events become log records.
#[inline]
pub(super) fn logs_are_wanted() -> bool {
    logs::are_wanted() && !state::are_events_of_spans()
}

/// Records the event in the span of these ids; `None` is the current one.
pub(super) fn log(fields: &Fields, metadata: &'static Metadata<'static>, ids: Option<Ids>) {
    let lists = fields.lists();
    let failure = failure(fields);
    let mut attributes = Attached::default();
    for (name, value) in fields.pairs(&lists) {
        let is_failure = failure.is_some() && name == "error";
        attributes.push(if is_failure { EXCEPTION_MESSAGE } else { name }, value);
    }
    locate(metadata, |name, value| attributes.push(name, value));
    let span = ids.map(|ids| SpanContext { ids, trace_state: None });
    let record = LogRecord {
        severity: Some(severity(*metadata.level())),
        body: fields.message().or(failure).map(Value::Str),
        event_name: given_name(metadata).unwrap_or(""),
        attributes: attributes.all(),
        span: span.as_ref(),
        ..LogRecord::EMPTY
    };
    logs::emit(scope_of(metadata.target()), &record);
}

/// Records the event field by field, as most events allow it; `false`: it has to be collected, and
/// nothing has happened. `has_span`: a live span wants to hear of its errors.
#[inline]
pub(super) fn log_at_once(event: &Event<'_>, ids: Option<Ids>, has_span: bool) -> bool {
    let metadata = event.metadata();
    let may_fail = has_span && *metadata.level() == Level::ERROR;
    if may_fail || metadata.fields().field(MESSAGE).is_none() {
        return false;
    }
    let span = ids.map(|ids| SpanContext { ids, trace_state: None });
    let record = LogRecord {
        severity: Some(severity(*metadata.level())),
        event_name: given_name(metadata).unwrap_or(""),
        span: span.as_ref(),
        ..LogRecord::EMPTY
    };
    let mut is_odd = false;
    logs::emit_filled(scope_of(metadata.target()), &record, |filling| {
        event.record(&mut Each(|name: &str, value: Value<'_>| match value {
            Value::Str(_) if name == MESSAGE => filling.say(&value),
            value => {
                is_odd |= name == MESSAGE || has_span && name == EXCEPTION_MESSAGE;
                filling.attribute(name, &value);
            }
        }));
        let address = ptr::from_ref(metadata) as usize;
        filling.place(address, |tell| locate(metadata, tell));
        !is_odd
    });
    !is_odd
}

/// Adds an event that is none of `tracing`'s to the `tracing` span that is current; `false`: none is
/// recorded here.
pub(crate) fn note_in_current<'a>(
    name: &str,
    pairs: impl Iterator<Item = (&'a str, Value<'a>)>,
) -> bool {
    let mut attributes = Attached::default();
    pairs.for_each(|(name, value)| attributes.push(name, value));
    let note = |entry: &mut Entry| {
        let is_recording = entry.span.is_recording();
        entry.span.add_event(name, attributes.all());
        is_recording
    };
    let current = |kind| local::tracing_of_current(kind).map(|(id, _)| id);
    let noted = current(0).and_then(|id| subscriber::with_entry(id, note));
    let noted = noted.or_else(|| current(TRACING_LAYER).and_then(|key| live::with(key, note)));
    noted.unwrap_or(false)
}

/// The text of the field `error` in an event without a message: what `#[instrument(err)]` makes.
pub(super) fn failure(fields: &Fields) -> Option<&str> {
    let text = fields.message().map_or_else(|| fields.text("error"), |_| None);
    text.filter(|_| !fields.has_error())
}

/// The name that the program gave the event; without one, `tracing` makes one of file and line.
fn given_name(metadata: &'static Metadata<'static>) -> Option<&'static str> {
    let name = metadata.name();
    (!name.starts_with("event ")).then_some(name)
}

fn severity(level: Level) -> Severity {
    match level {
        Level::ERROR => Severity::ERROR,
        Level::WARN => Severity::WARN,
        Level::INFO => Severity::INFO,
        Level::DEBUG => Severity::DEBUG,
        Level::TRACE => Severity::TRACE,
    }
}

/// Targets that a thread remembers.
const REMEMBERED: usize = 16;

/// A target, by its address, and its scope.
type Known = (usize, usize, Option<&'static ScopeData>);

thread_local! {
    static TARGETS: [Cell<Known>; REMEMBERED] = const { [const { Cell::new((0, 0, None)) }; REMEMBERED] };
}

/// The scope of a target is named like it. Targets are constants of the program: one that a thread
/// has seen is known by its address.
fn scope_of(target: &'static str) -> &'static ScopeData {
    let address = target.as_ptr() as usize;
    let known = TARGETS.try_with(|targets| {
        let place = &targets[(address >> 4) % REMEMBERED];
        if let (start, length, Some(scope)) = place.get()
            && (start, length) == (address, target.len())
        {
            return scope;
        }
        let scope = scope::intern(target, "", "", &[]);
        place.set((address, target.len(), Some(scope)));
        scope
    });
    known.unwrap_or_else(|_| scope::intern(target, "", "", &[]))
}
