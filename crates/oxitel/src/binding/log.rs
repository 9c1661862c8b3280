//! Log records that another language made, part by part.

use super::{LiveSpan, RuntimeScope};
use crate::context::SpanContext;
use crate::pipeline::logs;
use crate::record::{ForeignRecord, LogRecord, Severity, Value};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A log record as the OpenTelemetry API describes it; each part may be missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogDetails<'a> {
    /// How bad it is.
    pub severity: Option<Severity>,
    /// The severity in the words of its source; empty: not told.
    pub severity_text: &'a str,
    /// What it says.
    pub body: Option<Value<'a>>,
    /// What kind of event it is one of; empty: of none.
    pub event_name: &'a str,
    /// What else there is to say. Of two values of one key the last one counts.
    pub attributes: &'a [(&'a str, Value<'a>)],
    /// When it happened, in nanoseconds since 1970; otherwise now.
    pub time_ns: Option<u64>,
    /// When somebody saw it, in nanoseconds since 1970; otherwise now.
    pub observed_ns: Option<u64>,
}

impl RuntimeScope {
    /// Records a log record in a span, or in none: [`SpanContext::NONE`].
    pub fn log(self, span: &SpanContext, details: &LogDetails<'_>) {
        if logs::are_wanted() {
            let record = LogRecord {
                severity: details.severity,
                severity_text: Some(details.severity_text),
                body: details.body,
                event_name: details.event_name,
                attributes: details.attributes,
                time: details.time_ns.map(time_of),
                observed: details.observed_ns.map(time_of),
                span: Some(span),
                ..LogRecord::EMPTY
            };
            logs::emit(self.0, &record);
        }
    }
}

impl LiveSpan {
    /// Notes a record of another logging system as an event; `false` if nothing is kept any more.
    pub fn add_log(&mut self, record: &ForeignRecord<'_>, time_ns: Option<u64>) -> bool {
        if !self.is_recording() {
            return false;
        }
        record.with_event(|message, pairs| self.add_event(message, time_ns, pairs));
        true
    }
}

/// Shows what a record of another logging system says of itself beside its message: its level in
/// the words of its source, and its attributes.
pub fn about<R>(
    record: &ForeignRecord<'_>,
    look: impl FnOnce(&str, &[(&str, Value<'_>)]) -> R,
) -> R {
    record.with_about(look)
}

/// Whether log records go anywhere now.
#[inline]
pub fn logs_are_recorded() -> bool {
    logs::are_wanted()
}

/// The wall clock, so many nanoseconds after the beginning of 1970.
pub fn time_of(nanoseconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanoseconds)
}
