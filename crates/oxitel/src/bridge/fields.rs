//! `tracing` fields as attributes, collected before anything of ours is borrowed.

use crate::record::{Kind, Span, Status, Value, printed};
use std::fmt::Debug;
use tracing::Metadata;
use tracing::field::{Field, Visit};

/// The values of one `record` call.
#[derive(Debug, Default)]
pub(super) struct Fields {
    values: Vec<(&'static str, Owned)>,
}

#[derive(Debug)]
enum Owned {
    Text(String),
    Bool(bool),
    I64(i64),
    U64(u64),
    F64(f64),
}

impl Owned {
    fn as_value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Str(text),
            Self::Bool(flag) => Value::Bool(*flag),
            Self::I64(number) => Value::I64(*number),
            Self::U64(number) => Value::U64(*number),
            Self::F64(number) => Value::F64(*number),
        }
    }
}

impl Fields {
    pub(super) fn of(record: impl FnOnce(&mut Self)) -> Self {
        let mut fields = Self::default();
        record(&mut fields);
        fields
    }

    fn push(&mut self, field: &Field, value: Owned) {
        self.values.push((field.name(), value));
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, Owned::Text(value.to_owned()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, Owned::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, Owned::I64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, Owned::U64(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, Owned::F64(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.push(field, Owned::Text(printed(format_args!("{value}"))));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.push(field, Owned::Text(printed(format_args!("{value:?}"))));
    }
}

impl Fields {
    /// Sets them on the span; `otel.…` fields change the span itself.
    pub(super) fn apply(&self, span: &mut Span) {
        for (name, value) in &self.values {
            match (*name, value) {
                ("otel.name", Owned::Text(text)) => {
                    span.update_name(text);
                }
                ("otel.kind", Owned::Text(text)) => span.set_kind(kind(text)),
                ("otel.status_message", Owned::Text(text)) => {
                    span.set_status(Status::Error(text));
                }
                ("otel.status_code", Owned::Text(code)) if code.eq_ignore_ascii_case("ok") => {
                    span.set_status(Status::Ok);
                }
                ("otel.status_code", Owned::Text(code)) if code.eq_ignore_ascii_case("error") => {
                    if !self.values.iter().any(|(name, _)| *name == "otel.status_message") {
                        span.set_status(Status::Error(""));
                    }
                }
                _ => {
                    span.set_attribute(name, value.as_value());
                }
            }
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
