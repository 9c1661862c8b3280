//! Making spans, and noting in them what went wrong.

use opentelemetry::global::{self, BoxedSpan};
use opentelemetry::trace::{self, Span, SpanKind, Status, Tracer};
use opentelemetry::{Context, Key, KeyValue, Value};
use std::any::type_name;
use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write as _;

/// Who records: the name of the tracer.
const SCOPE: &str = "processor";

/// Prepares a span. It begins with [`start`](SpanBuilder::start).
///
/// ```
/// use processor::SpanKind;
/// use processor::telemetry::SpanBuilder;
///
/// let span = SpanBuilder::new("process_event")
///     .with_kind(SpanKind::Internal)
///     .with_attribute("event.type", "metric")
///     .with_attribute("event.size", 1024)
///     .start();
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `start`"]
pub struct SpanBuilder(trace::SpanBuilder);

impl SpanBuilder {
    /// A span of this name; its kind is internal.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self(trace::SpanBuilder::from_name(name))
    }

    /// Says what part it has in a call.
    pub fn with_kind(self, kind: SpanKind) -> Self {
        Self(self.0.with_kind(kind))
    }

    /// Sets an attribute; of two values of one key the last counts.
    pub fn with_attribute(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        self.0.attributes.get_or_insert_default().push(KeyValue::new(key, value));
        self
    }

    /// Starts it below the current span. It ends when it is ended or dropped; to make it current,
    /// see [`context_with_span`](super::context_with_span).
    #[must_use = "a span ends when it is dropped"]
    pub fn start(self) -> BoxedSpan {
        self.0.start(&global::tracer(SCOPE))
    }

    /// Starts it below this context's span.
    #[must_use = "a span ends when it is dropped"]
    pub fn start_with_context(self, parent: &Context) -> BoxedSpan {
        global::tracer(SCOPE).build_with_context(self.0, parent)
    }
}

/// Notes an error in a span: an `exception` event with its type, its text and, where it has any,
/// its causes; and the status becomes an error.
///
/// A boxed error is passed as `&*error`; its type is then not known.
pub fn record_exception<S, E>(span: &mut S, error: &E)
where
    S: Span,
    E: Error + ?Sized,
{
    if !span.is_recording() {
        return;
    }
    let message = printed(error);
    let mut attributes = vec![KeyValue::new("exception.message", message.clone())];
    let kind = type_name::<E>();
    if !kind.starts_with("dyn ") {
        attributes.push(KeyValue::new("exception.type", kind));
    }
    if let Some(causes) = causes(&message, error.source()) {
        attributes.push(KeyValue::new("exception.stacktrace", causes));
    }
    span.add_event("exception", attributes);
    span.set_status(Status::error(message));
}

/// The most causes that are looked at: an error may be its own cause.
const MOST_CAUSES: usize = 32;

/// The error and its causes, a line each.
fn causes(message: &str, first: Option<&(dyn Error + 'static)>) -> Option<String> {
    let mut text = message.to_owned();
    let mut cause = Some(first?);
    for _ in 0..MOST_CAUSES {
        let Some(error) = cause else { break };
        text += "\ncaused by: ";
        text += &printed(error);
        cause = error.source();
    }
    Some(text)
}

/// As far as it prints: an implementation that fails is no reason to panic.
fn printed(error: &(impl Error + ?Sized)) -> String {
    let mut text = String::new();
    let _ = write!(text, "{error}");
    text
}
