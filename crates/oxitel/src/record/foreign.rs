//! Records of another logging system, Python's `logging` first: they take the road of our own.
//!
//! Flow: **forward** -> `pipeline::logs` -> chunk -> queue -> send.

use super::{Severity, Value};
use crate::context::SpanContext;
#[cfg(feature = "otel")]
use forward::forward;
use std::time::SystemTime;

/// A record as another logging system made it. [`forward_log`] takes it.
///
/// Levels are those of Python: 10, 20, 30, 40 and 50. A text that is empty, and a number that is 0,
/// is not told.
///
/// ```
/// use oxitel::{ForeignRecord, forward_log};
///
/// forward_log(
///     &ForeignRecord::new(30, "the disk is nearly full")
///         .logger("shop.store")
///         .module("store")
///         .line(17)
///         .thread("MainThread")
///         .extras(&[("disk.free_bytes", 4_096.into())]),
/// );
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "nobody reads them"))]
#[must_use = "a record is sent when it is forwarded"]
pub struct ForeignRecord<'a> {
    level: i64,
    level_name: &'a str,
    message: &'a str,
    logger: &'a str,
    module: &'a str,
    line: u64,
    thread: &'a str,
    thread_id: u64,
    exception: [&'a str; 3],
    extras: &'a [(&'a str, Value<'a>)],
    event_name: &'a str,
    time: Option<SystemTime>,
    span: Option<&'a SpanContext>,
}

impl<'a> ForeignRecord<'a> {
    /// A record that says `message`, now, in the span that is current where it is forwarded.
    pub const fn new(level: i64, message: &'a str) -> Self {
        Self {
            level,
            level_name: "",
            message,
            logger: "",
            module: "",
            line: 0,
            thread: "",
            thread_id: 0,
            exception: [""; 3],
            extras: &[],
            event_name: "",
            time: None,
            span: None,
        }
    }

    /// What its source calls the level; by default the severity's name, and `CRITICAL` from 50 on.
    pub const fn level_name(mut self, name: &'a str) -> Self {
        self.level_name = name;
        self
    }

    /// The logger's name, which becomes that of the record's scope; by default `python`. All but
    /// its first 255 bytes are cut.
    pub const fn logger(mut self, name: &'a str) -> Self {
        self.logger = name;
        self
    }

    /// Where it was made: `python.module`.
    pub const fn module(mut self, module: &'a str) -> Self {
        self.module = module;
        self
    }

    /// The line there: `python.line`.
    pub const fn line(mut self, line: u64) -> Self {
        self.line = line;
        self
    }

    /// The name of the thread that made it, which need not be this one: `thread.name`.
    pub const fn thread(mut self, name: &'a str) -> Self {
        self.thread = name;
        self
    }

    /// That thread's number: `thread.id`.
    pub const fn thread_id(mut self, id: u64) -> Self {
        self.thread_id = id;
        self
    }

    /// What was raised: `exception.type`, `exception.message` and `exception.stacktrace`.
    pub const fn exception(mut self, kind: &'a str, message: &'a str, stack: &'a str) -> Self {
        self.exception = [kind, message, stack];
        self
    }

    /// What else it carries. Of two values of one key the last one counts, and an extra counts
    /// before what this record says of itself.
    pub const fn extras(mut self, extras: &'a [(&'a str, Value<'a>)]) -> Self {
        self.extras = extras;
        self
    }

    /// Names the kind of event that this record is one of.
    pub const fn event_name(mut self, name: &'a str) -> Self {
        self.event_name = name;
        self
    }

    /// When it was made, if that was not now.
    pub const fn time(mut self, time: SystemTime) -> Self {
        self.time = Some(time);
        self
    }

    /// The span that it belongs to, if that is not the current one.
    pub const fn in_span(mut self, span: &'a SpanContext) -> Self {
        self.span = Some(span);
        self
    }

    /// How bad it is: the nearest of 10 (`DEBUG`), 20 (`INFO`), 30 (`WARN`) and 40 (`ERROR`) that
    /// is not above its level; below 10 it is `TRACE`.
    pub const fn severity(&self) -> Severity {
        match self.level {
            ..10 => Severity::TRACE,
            10..20 => Severity::DEBUG,
            20..30 => Severity::INFO,
            30..40 => Severity::WARN,
            40.. => Severity::ERROR,
        }
    }
}

/// Records what another logging system said. With log records it becomes one of them. Where
/// `tracing` events are events of their spans (see
/// [`Config::tracing_events`](crate::Config::tracing_events)), it becomes an event of the `tracing`
/// span that is current, and a log record only if there is none: never both.
///
/// The record's scope has the name of its logger. A program may use 4,096 names, and those of later
/// loggers are `oxitel.other`.
#[inline]
pub fn forward_log(record: &ForeignRecord<'_>) {
    #[cfg(feature = "otel")]
    forward(record);
    #[cfg(not(feature = "otel"))]
    let _ = record;
}

#[cfg(feature = "otel")]
mod forward {
    use super::ForeignRecord;
    use crate::pipeline::scope::{self, ScopeData};
    use crate::pipeline::scratch::fingerprint;
    use crate::pipeline::{logs, state};
    use crate::record::log::LogRecord;
    use crate::record::{Severity, Value};
    use std::cell::Cell;

    /// What a record says of itself: module, line, level, two of the thread, three of the
    /// exception.
    const MOST: usize = 8;
    /// A name is kept for ever, so that it may not have any length.
    const LONGEST_NAME: usize = 255;
    const NO_LOGGER: &str = "python";

    pub(super) fn forward(record: &ForeignRecord<'_>) {
        let (is_note, is_log) = (state::are_events_of_spans(), logs::are_wanted());
        if !is_note && !is_log {
            return;
        }
        let mut about = [("", Value::I64(0)); MOST];
        let about = record.about(&mut about);
        let is_noted = is_note && noted(record, about);
        if is_log && !is_noted {
            let forwarded = LogRecord {
                severity: Some(record.severity()),
                severity_text: Some(record.severity_text()),
                body: Some(Value::Str(record.message)),
                about,
                event_name: record.event_name,
                attributes: record.extras,
                time: record.time,
                span: record.span,
                ..LogRecord::EMPTY
            };
            logs::emit(scope_of(record.logger), &forwarded);
        }
    }

    /// Whether a current span took it as an event.
    #[cfg(feature = "tracing")]
    fn noted(record: &ForeignRecord<'_>, about: &[(&str, Value<'_>)]) -> bool {
        record.span.is_none()
            && crate::bridge::note_in_current(record.message, record.as_event(about))
    }

    #[cfg(not(feature = "tracing"))]
    fn noted(_: &ForeignRecord<'_>, _: &[(&str, Value<'_>)]) -> bool {
        false
    }

    impl<'a> ForeignRecord<'a> {
        /// Calls `take` with what it is as an event of a span: its message and its attributes.
        pub(crate) fn with_event<R>(
            &self,
            take: impl FnOnce(&str, &[(&'a str, Value<'a>)]) -> R,
        ) -> R {
            let mut about = [("", Value::I64(0)); MOST];
            let pairs: Vec<_> = self.as_event(self.about(&mut about)).collect();
            take(self.message, &pairs)
        }

        /// Calls `look` with its level in the words of its source, and what it says of itself.
        pub(crate) fn with_about<R>(
            &self,
            look: impl FnOnce(&str, &[(&'a str, Value<'a>)]) -> R,
        ) -> R {
            let mut about = [("", Value::I64(0)); MOST];
            look(self.severity_text(), self.about(&mut about))
        }

        fn as_event<'b>(
            &self,
            about: &'b [(&'a str, Value<'a>)],
        ) -> impl Iterator<Item = (&'a str, Value<'a>)> + use<'a, 'b> {
            let target = if self.logger.is_empty() { NO_LOGGER } else { self.logger };
            let level = ("level", Value::Str(self.severity_text()));
            let pairs = [level, ("target", Value::Str(target))].into_iter();
            pairs.chain(about.iter().copied()).chain(self.extras.iter().copied())
        }

        fn severity_text(&self) -> &'a str {
            match self.level {
                _ if !self.level_name.is_empty() => self.level_name,
                50.. => "CRITICAL",
                _ => Severity::name(self.severity()),
            }
        }

        /// What it says of itself, as attributes.
        fn about<'b>(
            &self,
            space: &'b mut [(&'a str, Value<'a>); MOST],
        ) -> &'b [(&'a str, Value<'a>)] {
            let [kind, message, stack] = self.exception;
            let told = [
                ("python.module", text(self.module)),
                ("python.line", number(self.line)),
                ("python.levelno", Some(Value::I64(self.level))),
                ("thread.name", text(self.thread)),
                ("thread.id", number(self.thread_id)),
                ("exception.type", text(kind)),
                ("exception.message", text(message)),
                ("exception.stacktrace", text(stack)),
            ];
            let mut count = 0;
            for (key, value) in told {
                if let Some(value) = value {
                    space[count] = (key, value);
                    count += 1;
                }
            }
            &space[..count]
        }
    }

    fn text(text: &str) -> Option<Value<'_>> {
        (!text.is_empty()).then_some(Value::Str(text))
    }

    fn number<'a>(number: u64) -> Option<Value<'a>> {
        (number != 0).then(|| i64::try_from(number).map_or(Value::U64(number), Value::I64))
    }

    /// Loggers that a thread remembers.
    const REMEMBERED: usize = 16;

    thread_local! {
        static LOGGERS: [Cell<Option<&'static ScopeData>>; REMEMBERED] =
            const { [const { Cell::new(None) }; REMEMBERED] };
    }

    /// The scope of a logger is named like it. Loggers' names come at run time: one is known by its
    /// letters.
    fn scope_of(logger: &str) -> &'static ScopeData {
        let name = if logger.is_empty() { NO_LOGGER } else { logger };
        let name = cut(name);
        let known = LOGGERS.try_with(|loggers| {
            let place = &loggers[fingerprint(name.as_bytes()) as usize % REMEMBERED];
            if let Some(scope) = place.get().filter(|scope| scope.is_only(name)) {
                return scope;
            }
            let scope = scope::intern(name, "", "", &[]);
            place.set(Some(scope));
            scope
        });
        known.unwrap_or_else(|_| scope::intern(name, "", "", &[]))
    }

    fn cut(name: &str) -> &str {
        let mut end = name.len().min(LONGEST_NAME);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        &name[..end]
    }

    #[cfg(test)]
    mod tests {
        use super::{cut, scope_of};

        #[test]
        fn the_scope_of_a_logger_is_found_by_its_letters() {
            let names = (0..100).map(|number| format!("logger.{number}"));
            let scopes: Vec<_> = names.clone().map(|name| scope_of(&name)).collect();
            for (name, scope) in names.zip(&scopes) {
                assert!(std::ptr::eq(scope_of(&name), *scope), "{name}");
                assert!(scope.bytes.ends_with(name.as_bytes()), "{name}: {scope:?}");
            }
            assert!(scope_of("").is_only("python"));
        }

        #[test]
        fn a_long_name_is_cut_between_letters() {
            assert_eq!(cut("short"), "short");
            let long = "ä".repeat(200);
            assert_eq!(cut(&long), "ä".repeat(127));
            assert!(std::ptr::eq(scope_of(&long), scope_of(&format!("{long}!"))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ForeignRecord;

    #[test]
    fn levels_are_those_of_python_and_what_is_between_them_is_the_nearest_below() {
        let table = [
            (i64::MIN, "TRACE"),
            (0, "TRACE"),
            (9, "TRACE"),
            (10, "DEBUG"),
            (15, "DEBUG"),
            (20, "INFO"),
            (25, "INFO"),
            (30, "WARN"),
            (39, "WARN"),
            (40, "ERROR"),
            (50, "ERROR"),
            (i64::MAX, "ERROR"),
        ];
        for (level, expected) in table {
            assert_eq!(ForeignRecord::new(level, "").severity().name(), expected, "{level}");
        }
    }
}
