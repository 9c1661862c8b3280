//! Events on standard error, one line each, for whoever sits in front of the program.
//!
//! ```text
//! 2026-11-20T14:38:07.123Z  INFO shop::cart: request:load: cart loaded items=3
//! ```
//!
//! Time, level, target, the names of the spans around it, message, fields. A line is one write,
//! without any lock: not the engine's, and not the standard library's, which a forked child may
//! have inherited held.

use super::fields::{EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, Fields};
#[cfg(feature = "otel")]
use crate::pipeline::settings;
use crate::record::Value;
#[cfg(feature = "otel")]
use crate::record::redact;
use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::IsTerminal as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tracing::{Level, Metadata};

/// Writes events to standard error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Console {
    colours: bool,
}

impl Console {
    /// In colours if standard error is a terminal and nobody asked for `NO_COLOR`.
    pub(super) fn on_standard_error() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colours: !unwanted && std::io::stderr().is_terminal() }
    }

    /// Writes one event; `path` are the names of the spans around it.
    pub(super) fn tell(self, metadata: &Metadata<'_>, path: &str, fields: &Fields) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        write(self.line(now, metadata, path, fields).as_bytes());
    }

    fn line(self, time: Duration, metadata: &Metadata<'_>, path: &str, fields: &Fields) -> String {
        let mut line = Line { text: String::with_capacity(160), colours: self.colours };
        line.painted(DIM, |text| timestamp(text, time));
        line.text.push(' ');
        let level = *metadata.level();
        line.painted(colour(level), |text| write!(text, "{:>5}", level.as_str()));
        line.text.push(' ');
        line.painted(DIM, |text| write!(text, "{}:", metadata.target()));
        if !path.is_empty() {
            line.text.push(' ');
            line.painted(BOLD, |text| write!(text, "{path}:"));
        }
        line.tell(fields);
        line.text.push('\n');
        line.text
    }
}

/// Appends message and fields without colours, each behind a space.
pub(super) fn tell_plainly(text: &mut String, fields: &Fields) {
    let mut line = Line { text: std::mem::take(text), colours: false };
    line.tell(fields);
    *text = line.text;
}

/// A line for people that is no event.
pub(super) fn say(text: &str) {
    write(format!("oxitel: {text}\n").as_bytes());
}

#[cfg(feature = "otel")]
fn write(line: &[u8]) {
    crate::pipeline::stderr::write(line);
}

#[cfg(not(feature = "otel"))]
fn write(line: &[u8]) {
    use std::io::Write as _;
    // There is nobody to tell that standard error is gone.
    let _ = std::io::stderr().write_all(line);
}

const BOLD: &str = "1";
const DIM: &str = "2";

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "31",
        Level::WARN => "33",
        Level::INFO => "32",
        Level::DEBUG => "34",
        Level::TRACE => "35",
    }
}

struct Line {
    text: String,
    colours: bool,
}

impl Line {
    fn tell(&mut self, fields: &Fields) {
        if let Some(message) = fields.message() {
            self.text.push(' ');
            escape(&mut self.text, &shown(None, message));
        }
        fields.each(|name, value| {
            // An error is told once, and its sources if it has some.
            let again =
                fields.has_error() && (name == EXCEPTION_MESSAGE || name == EXCEPTION_STACKTRACE);
            if !again && value != Value::Array(&[]) {
                self.field(name, value);
            }
        });
    }

    fn painted(&mut self, colour: &str, print: impl FnOnce(&mut String) -> fmt::Result) {
        // Writing to a String cannot fail.
        if self.colours {
            let _ = write!(self.text, "\x1b[{colour}m");
        }
        let _ = print(&mut self.text);
        if self.colours {
            self.text.push_str("\x1b[0m");
        }
    }

    fn field(&mut self, name: &str, value: Value<'_>) {
        self.text.push(' ');
        self.painted(DIM, |text| write!(text, "{name}="));
        match value {
            Value::Str(text) => self.value(Value::Str(&shown(Some(name), text))),
            value => self.value(value),
        }
    }

    fn value(&mut self, value: Value<'_>) {
        let text = &mut self.text;
        // Writing to a String cannot fail.
        let _ = match value {
            Value::Str(value) if value.is_empty() || value.contains(char::is_whitespace) => {
                write!(text, "{value:?}")
            }
            Value::Str(value) => {
                escape(text, value);
                Ok(())
            }
            Value::Bool(value) => write!(text, "{value}"),
            Value::I64(value) => write!(text, "{value}"),
            Value::U64(value) => write!(text, "{value}"),
            Value::F64(value) => write!(text, "{value}"),
            Value::Bytes(value) => value.iter().try_for_each(|byte| write!(text, "{byte:02x}")),
            Value::Array(values) => {
                text.push('[');
                for (index, value) in values.iter().enumerate() {
                    self.text.push_str(if index == 0 { "" } else { ", " });
                    // An error's sources, of which each is a message.
                    match *value {
                        Value::Str(text) => self.value(Value::Str(&shown(None, text))),
                        value => self.value(value),
                    }
                }
                self.text.push(']');
                Ok(())
            }
            // Fields of `tracing` are none of these.
            Value::Empty | Value::Map(_) => Ok(()),
        };
    }
}

/// The text without its secrets, by the rules of what is sent: lines are collected as well.
/// Without a name it is a message.
#[cfg(feature = "otel")]
fn shown<'a>(name: Option<&str>, text: &'a str) -> Cow<'a, str> {
    let rules = settings::current().map_or(&redact::UNUSED, |settings| &settings.rules);
    let changed = match name {
        Some(name) => rules.attribute(name, text),
        None => rules.message(text),
    };
    redact::or_itself(changed, text)
}

#[cfg(not(feature = "otel"))]
fn shown<'a>(_name: Option<&str>, text: &'a str) -> Cow<'a, str> {
    text.into()
}

/// What would break the line, or speak to the terminal, is shown instead.
fn escape(text: &mut String, message: &str) {
    for letter in message.chars() {
        if letter.is_control() {
            text.extend(letter.escape_default());
        } else {
            text.push(letter);
        }
    }
}

/// RFC 3339 in UTC, to the millisecond.
fn timestamp(text: &mut String, time: Duration) -> fmt::Result {
    let seconds = time.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let millisecond = time.subsec_millis();
    write!(text, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.")?;
    write!(text, "{millisecond:03}Z")
}

/// Year, month and day, so many days after 1970-01-01. Years begin in March, so that the odd day
/// is their last; 400 of them have the same number of days.
pub(super) fn date(days: u64) -> (u64, u64, u64) {
    let since = days + 719_468; // 0000-03-01
    let (era, day_of_era) = (since / 146_097, since % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{Console, date, timestamp};
    use crate::bridge::tracing::fields::{Fields, collected};
    use std::sync::Mutex;
    use std::time::Duration;
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber, debug, error, info, warn};

    #[test]
    fn dates_are_those_of_the_calendar() {
        let table = [
            (0, (1970, 1, 1)),
            (58, (1970, 2, 28)),
            (59, (1970, 3, 1)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (19_782, (2024, 2, 29)),
            (20_777, (2026, 11, 20)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ];
        for (days, expected) in table {
            assert_eq!(date(days), expected, "day {days}");
        }
        let mut text = String::new();
        timestamp(&mut text, Duration::from_millis(20_777 * 86_400_000 + 52_687_123))
            .expect("a String");
        assert_eq!(text, "2026-11-20T14:38:07.123Z");
    }

    /// Keeps the lines of events.
    struct Lines(Mutex<String>, Console);

    impl Subscriber for Lines {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &Event<'_>) {
            let time = Duration::from_millis(1_001);
            let line = |fields: &Fields| self.1.line(time, event.metadata(), "a:b", fields);
            self.0
                .lock()
                .expect("one thread")
                .push_str(&collected(|visit| event.record(visit), line));
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    fn lines(colours: bool, program: impl FnOnce()) -> String {
        let lines = std::sync::Arc::new(Lines(Mutex::default(), Console { colours }));
        tracing::subscriber::with_default(std::sync::Arc::clone(&lines), program);
        lines.0.lock().expect("one thread").clone()
    }

    #[test]
    fn an_event_is_one_line_whatever_it_says() {
        let told = lines(false, || {
            info!(items = 3, name = "x", text = "two words", empty = "", "cart loaded");
            warn!(target: "other", ratio = 0.5, ok = true, "two\nlines \x1b[31m");
            let failed = std::io::Error::other("no\tdisk");
            error!(error = &failed as &dyn std::error::Error);
            debug!(bytes = &b"\x00\xff"[..]);
            info!(user.password = "hunter2", url.full = "http://u:hunter2@h/", "token=hunter2");
        });
        insta::assert_snapshot!(told, @r#"
        1970-01-01T00:00:01.001Z  INFO oxitel::bridge::tracing::console::tests: a:b: cart loaded items=3 name=x text="two words" empty=""
        1970-01-01T00:00:01.001Z  WARN other: a:b: two\nlines \u{1b}[31m ratio=0.5 ok=true
        1970-01-01T00:00:01.001Z ERROR oxitel::bridge::tracing::console::tests: a:b: error="no\tdisk"
        1970-01-01T00:00:01.001Z DEBUG oxitel::bridge::tracing::console::tests: a:b: bytes=00ff
        1970-01-01T00:00:01.001Z  INFO oxitel::bridge::tracing::console::tests: a:b: token=[redacted] user.password=[redacted] url.full=http://REDACTED:REDACTED@h/
        "#);
    }

    #[test]
    fn colours_are_for_terminals() {
        insta::assert_snapshot!(lines(true, || info!(n = 1, "said")).escape_debug(), @r#"\u{1b}[2m1970-01-01T00:00:01.001Z\u{1b}[0m \u{1b}[32m INFO\u{1b}[0m \u{1b}[2moxitel::bridge::tracing::console::tests:\u{1b}[0m \u{1b}[1ma:b:\u{1b}[0m said \u{1b}[2mn=\u{1b}[0m1\n"#);
    }
}
