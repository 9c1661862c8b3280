//! `tracing` fields as attributes.
//!
//! A new span is ours alone, so its fields go straight into it. One that the registry holds is
//! behind a lock, and a `Debug` implementation may itself use `tracing`: there the values are
//! collected first.

use crate::record::{Kind, Span, Status, Value, printed};
use std::fmt::Debug;
use tracing::Metadata;
use tracing::field::{Field, Visit};

/// Hands each field on as a value of ours.
pub(super) struct Visitor<F>(pub(super) F);

impl<F: FnMut(&'static str, Value<'_>)> Visit for Visitor<F> {
    fn record_str(&mut self, field: &Field, value: &str) {
        (self.0)(field.name(), Value::Str(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        (self.0)(field.name(), Value::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        (self.0)(field.name(), Value::I64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        (self.0)(field.name(), Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        (self.0)(field.name(), Value::F64(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        (self.0)(field.name(), Value::Str(&printed(format_args!("{value}"))));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        (self.0)(field.name(), Value::Str(&printed(format_args!("{value:?}"))));
    }
}

/// Sets one field on the span; `otel.…` fields change the span itself.
#[inline]
pub(super) fn set(span: &mut Span, name: &str, value: Value<'_>) {
    match (name.strip_prefix("otel."), value) {
        (Some("name"), Value::Str(text)) => {
            span.update_name(text);
        }
        (Some("kind"), Value::Str(text)) => span.set_kind(kind(text)),
        (Some("status_message"), Value::Str(text)) => {
            span.set_status(Status::Error(text));
        }
        (Some("status_code"), Value::Str(code)) if code.eq_ignore_ascii_case("ok") => {
            span.set_status(Status::Ok);
        }
        // Without a word about the message: one that is there stays.
        (Some("status_code"), Value::Str(code)) if code.eq_ignore_ascii_case("error") => {
            span.mark_failed();
        }
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

/// The values of one `record` call, collected.
#[derive(Debug, Default)]
pub(super) struct Fields {
    values: Vec<(&'static str, Owned)>,
}

#[derive(Debug)]
enum Owned {
    Text(String),
    Other(Value<'static>),
}

impl Owned {
    fn of(value: Value<'_>) -> Option<Self> {
        Some(match value {
            Value::Str(text) => Self::Text(text.to_owned()),
            Value::Bool(flag) => Self::Other(Value::Bool(flag)),
            Value::I64(number) => Self::Other(Value::I64(number)),
            Value::U64(number) => Self::Other(Value::U64(number)),
            Value::F64(number) => Self::Other(Value::F64(number)),
            // The visitor makes no others.
            Value::Bytes(_) | Value::Array(_) | Value::Map(_) => return None,
        })
    }

    fn as_value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Str(text),
            Self::Other(value) => *value,
        }
    }
}

impl Fields {
    pub(super) fn of(record: impl FnOnce(&mut dyn Visit)) -> Self {
        let mut values = Vec::new();
        record(&mut Visitor(|name, value: Value<'_>| {
            values.extend(Owned::of(value).map(|value| (name, value)));
        }));
        Self { values }
    }

    /// Sets them on the span.
    pub(super) fn apply(&self, span: &mut Span) {
        for (name, value) in &self.values {
            set(span, name, value.as_value());
        }
    }

    /// Adds them as one event, named by its message.
    pub(super) fn apply_event(&self, span: &mut Span, metadata: &Metadata<'_>) {
        let message = self.values.iter().find_map(|(name, value)| match value {
            Owned::Text(text) if *name == "message" => Some(text.as_str()),
            _ => None,
        });
        let level = ("level", Value::Str(metadata.level().as_str()));
        let target = ("target", Value::Str(metadata.target()));
        let rest = self.values.iter().filter(|(name, _)| *name != "message");
        let attributes: Vec<_> = [level, target]
            .into_iter()
            .chain(rest.map(|(name, value)| (*name, value.as_value())))
            .collect();
        span.add_event(message.unwrap_or(metadata.name()), &attributes);
    }
}
