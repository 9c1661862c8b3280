//! Log records: what was said, how bad it is, and in which span.

use super::{Scope, Value};
use crate::context::SpanContext;
#[cfg(feature = "otel")]
use crate::pipeline::logs;
use std::fmt;
use std::time::SystemTime;

/// How bad it is: the numbers of OpenTelemetry, 1 to 24, four for each of six names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Severity(u8);

impl Severity {
    /// Steps of a program, for whoever follows each of them.
    pub const TRACE: Self = Self(1);
    /// For whoever looks for an error in the program.
    pub const DEBUG: Self = Self(5);
    /// What happens.
    pub const INFO: Self = Self(9);
    /// Something is not as it should be.
    pub const WARN: Self = Self(13);
    /// Something failed.
    pub const ERROR: Self = Self(17);
    /// The program, or a part of it, cannot go on.
    pub const FATAL: Self = Self(21);

    /// The severity of this number; `None` if it is none.
    pub const fn from_number(number: u8) -> Option<Self> {
        if number >= 1 && number <= 24 { Some(Self(number)) } else { None }
    }

    /// 1 to 24.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `FATAL`; the three steps above each of them
    /// have a number behind it.
    pub const fn name(self) -> &'static str {
        const NAMES: [&str; 24] = [
            "TRACE", "TRACE2", "TRACE3", "TRACE4", "DEBUG", "DEBUG2", "DEBUG3", "DEBUG4", "INFO",
            "INFO2", "INFO3", "INFO4", "WARN", "WARN2", "WARN3", "WARN4", "ERROR", "ERROR2",
            "ERROR3", "ERROR4", "FATAL", "FATAL2", "FATAL3", "FATAL4",
        ];
        NAMES[self.0 as usize - 1]
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A log record to be. [`Scope::log`] takes it.
///
/// ```
/// use oxitel::{LogRecord, Scope, Severity};
///
/// static SHOP: Scope = Scope::new("shop");
///
/// let order = 17;
/// SHOP.log(
///     &LogRecord::new(Severity::WARN, "the order waits for its payment")
///         .attributes(&[("order.id", order.into())]),
/// );
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "nobody reads them"))]
#[must_use = "a record is sent when a scope logs it"]
pub struct LogRecord<'a> {
    pub(crate) severity: Option<Severity>,
    pub(crate) severity_text: Option<&'a str>,
    pub(crate) body: Option<Value<'a>>,
    pub(crate) event_name: &'a str,
    /// What a front end knows of it; the attributes come after.
    pub(crate) about: &'a [(&'a str, Value<'a>)],
    pub(crate) attributes: &'a [(&'a str, Value<'a>)],
    pub(crate) time: Option<SystemTime>,
    pub(crate) observed: Option<SystemTime>,
    pub(crate) span: Option<&'a SpanContext>,
}

impl<'a> LogRecord<'a> {
    /// Nothing yet.
    pub(crate) const EMPTY: Self = Self {
        severity: None,
        severity_text: None,
        body: None,
        event_name: "",
        about: &[],
        attributes: &[],
        time: None,
        observed: None,
        span: None,
    };

    /// A record that says `body`, now, in the span that is current where it is logged.
    pub fn new(severity: Severity, body: impl Into<Value<'a>>) -> Self {
        Self { severity: Some(severity), body: Some(body.into()), ..Self::EMPTY }
    }

    /// The severity in the words of its source; by default its name.
    pub fn severity_text(mut self, text: &'a str) -> Self {
        self.severity_text = Some(text);
        self
    }

    /// What else there is to say. Of two values of one key the last one counts.
    pub fn attributes(mut self, attributes: &'a [(&'a str, Value<'a>)]) -> Self {
        self.attributes = attributes;
        self
    }

    /// Names the kind of event that this record is one of.
    pub fn event_name(mut self, name: &'a str) -> Self {
        self.event_name = name;
        self
    }

    /// When it happened, if that was not now.
    pub fn time(mut self, time: SystemTime) -> Self {
        self.time = Some(time);
        self
    }

    /// The span that it belongs to, if that is not the current one.
    pub fn in_span(mut self, span: &'a SpanContext) -> Self {
        self.span = Some(span);
        self
    }
}

impl Scope {
    /// Records a log record. It carries the ids of the current span, whether that is recorded or
    /// not.
    #[inline]
    pub fn log(&'static self, record: &LogRecord<'_>) {
        #[cfg(feature = "otel")]
        if logs::are_wanted() {
            logs::emit(self.data(), record);
        }
        #[cfg(not(feature = "otel"))]
        let _ = record;
    }

    /// Whether a log record would be recorded now: for those whose words are costly.
    #[inline]
    pub fn logs_are_recorded(&'static self) -> bool {
        #[cfg(feature = "otel")]
        return logs::are_wanted();
        #[cfg(not(feature = "otel"))]
        false
    }
}
