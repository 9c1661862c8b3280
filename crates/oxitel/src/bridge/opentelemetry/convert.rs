//! The API's types as ours, and the other way round. Values are borrowed: they are copied once,
//! into their encoding.

use crate::context::{Ids, SpanContext};
use crate::pipeline::scope::{self, ScopeData};
use crate::record::{Kind, Status, Value};
use opentelemetry::trace::{self, SpanKind, TraceState};
use opentelemetry::{Array, InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId};
use std::borrow::Cow;
use std::str::FromStr;

/// A value of the API with the memory that ours of it borrows from.
pub(super) enum Borrowed<'a> {
    Single(Value<'a>),
    List(Vec<Value<'a>>),
    /// A kind that this build does not know, as text.
    Text(Cow<'a, str>),
}

impl<'a> Borrowed<'a> {
    pub(super) fn of(value: &'a opentelemetry::Value) -> Self {
        match (Self::scalar(value), value) {
            (Some(value), _) => Self::Single(value),
            (None, opentelemetry::Value::Array(list)) => Self::list(list),
            (None, other) => Self::Text(other.as_str()),
        }
    }

    /// Ours, if it needs no memory.
    #[inline]
    pub(super) fn scalar(value: &'a opentelemetry::Value) -> Option<Value<'a>> {
        match value {
            opentelemetry::Value::Bool(flag) => Some(Value::Bool(*flag)),
            opentelemetry::Value::I64(number) => Some(Value::I64(*number)),
            opentelemetry::Value::F64(number) => Some(Value::F64(*number)),
            opentelemetry::Value::String(text) => Some(Value::Str(text.as_str())),
            _ => None,
        }
    }

    fn list(list: &'a Array) -> Self {
        match list {
            Array::Bool(list) => Self::List(list.iter().map(|flag| Value::Bool(*flag)).collect()),
            Array::I64(list) => Self::List(list.iter().map(|number| Value::I64(*number)).collect()),
            Array::F64(list) => Self::List(list.iter().map(|number| Value::F64(*number)).collect()),
            Array::String(list) => {
                Self::List(list.iter().map(|text| Value::Str(text.as_str())).collect())
            }
            other => Self::Text(other.to_string().into()),
        }
    }

    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Single(value) => *value,
            Self::List(list) => Value::Array(list),
            Self::Text(text) => Value::Str(text),
        }
    }
}

/// Calls `action` with the attributes as pairs of ours.
pub(super) fn with_pairs<R>(
    attributes: &[KeyValue],
    action: impl FnOnce(&[(&str, Value<'_>)]) -> R,
) -> R {
    let values: Vec<_> = attributes.iter().map(|pair| Borrowed::of(&pair.value)).collect();
    let pairs: Vec<_> = attributes
        .iter()
        .zip(&values)
        .map(|(pair, value)| (pair.key.as_str(), value.value()))
        .collect();
    action(&pairs)
}

/// The API's scope as ours: the same one for the same words.
pub(super) fn interned(scope: &InstrumentationScope) -> &'static ScopeData {
    let attributes: Vec<_> = scope.attributes().cloned().collect();
    with_pairs(&attributes, |attributes| {
        let schema_url = scope.schema_url().unwrap_or("");
        scope::intern(scope.name(), scope.version().unwrap_or(""), schema_url, attributes)
    })
}

pub(super) fn kind(kind: &SpanKind) -> Kind {
    match kind {
        SpanKind::Client => Kind::Client,
        SpanKind::Server => Kind::Server,
        SpanKind::Producer => Kind::Producer,
        SpanKind::Consumer => Kind::Consumer,
        SpanKind::Internal => Kind::Internal,
    }
}

pub(super) fn status(status: &trace::Status) -> Status<'_> {
    match status {
        trace::Status::Unset => Status::Unset,
        trace::Status::Ok => Status::Ok,
        trace::Status::Error { description } => Status::Error(description),
    }
}

/// Ours as theirs.
pub(super) fn to_api(ids: &Ids, trace_state: Option<&str>) -> trace::SpanContext {
    if !ids.is_valid() {
        return trace::SpanContext::NONE;
    }
    // The API refuses some states that the standard allows; ours keep them beside it.
    let state = trace_state.and_then(|state| TraceState::from_str(state).ok());
    trace::SpanContext::new(
        TraceId::from_bytes(ids.trace_id().to_bytes()),
        SpanId::from_bytes(ids.span_id().to_bytes()),
        TraceFlags::new((ids.flags & 0xff) as u8),
        ids.flags & Ids::REMOTE != 0,
        state.unwrap_or_default(),
    )
}

/// Theirs as ours.
pub(super) fn from_api(context: &trace::SpanContext) -> SpanContext {
    let state = context.trace_state().header();
    SpanContext {
        ids: crate::pipeline::current::ids(context),
        trace_state: (!state.is_empty()).then(|| state.into()),
    }
}
