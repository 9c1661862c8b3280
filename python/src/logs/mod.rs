//! Log records: those of Python's `logging`, and those of the OpenTelemetry API.
//!
//! Flow: a logger of `logging` -> `handler` -> `standard` reads the record -> the engine; a logger
//! of the API -> `logger` -> the engine. Between the two the program's own `processors` may look.

mod handler;
mod logger;
mod names;
mod processors;
mod standard;

pub(crate) use handler::LogSink;
pub(crate) use logger::Logger;
pub(crate) use names::Names;
pub(crate) use processors::process_logs;

use crate::api::Api;
use crate::attributes::{printed, text};
use crate::span::type_name;
use oxitel::SpanContext;
use oxitel::binding::OwnedValue;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};

/// Where a record is made.
enum Surroundings<'py> {
    /// Nothing is recorded here, as while telemetry itself is being sent.
    Suppressed,
    /// In this span, if there is one.
    In(Option<Bound<'py, PyAny>>),
}

impl<'py> Surroundings<'py> {
    fn of(api: &Api, context: &Bound<'py, PyAny>) -> Self {
        let py = context.py();
        let Ok(context) = context.cast::<PyDict>() else { return Self::In(None) };
        if context.is_empty() {
            return Self::In(None);
        }
        let item = |key| context.get_item(key).ok().flatten();
        let is_suppressed = item(api.logging.suppressed.bind(py))
            .is_some_and(|value| value.is_truthy().unwrap_or(false));
        if is_suppressed { Self::Suppressed } else { Self::In(item(api.span_key.bind(py))) }
    }
}

/// What travels of a span; none of one that cannot tell.
fn place_of(api: &Api, span: Option<&Bound<'_, PyAny>>) -> SpanContext {
    span.and_then(|span| api.place_of(span).ok()).unwrap_or(SpanContext::NONE)
}

/// An exception as three texts: its type, its message, and its traceback as Python prints it.
struct Raised {
    kind: String,
    message: String,
    stack: String,
}

impl Raised {
    fn of(
        api: &Api,
        kind: &Bound<'_, PyType>,
        error: &Bound<'_, PyAny>,
        traceback: &Bound<'_, PyAny>,
    ) -> Self {
        let message = printed(error);
        let format = api.format_exception.bind(kind.py());
        let lines = format.call1((kind, error, traceback));
        let lines = lines.and_then(|lines| lines.extract::<Vec<Bound<'_, PyString>>>());
        let stack =
            lines.map_or_else(|_| message.clone(), |lines| lines.iter().map(text).collect());
        Self { kind: type_name(kind), message, stack }
    }

    fn into_pairs(self) -> [(String, OwnedValue); 3] {
        [
            ("exception.type".to_owned(), OwnedValue::Str(self.kind)),
            ("exception.message".to_owned(), OwnedValue::Str(self.message)),
            ("exception.stacktrace".to_owned(), OwnedValue::Str(self.stack)),
        ]
    }
}
