//! Loggers of the OpenTelemetry API.

use super::{Raised, Surroundings, place_of, processors};
use crate::api::{Api, api};
use crate::attributes::{key_text, lend_pairs, owned, owned_pairs};
use crate::readable::dict;
use crate::span::time_ns;
use crate::words::Words;
use oxitel::binding::{LogDetails, OwnedValue, RuntimeScope, logs_are_recorded};
use oxitel::{Severity, SpanContext, SpanId, TraceFlags, TraceId};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Records log records of one instrumentation scope.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct Logger {
    scope: RuntimeScope,
    words: Words,
}

/// What was given, in the API's words.
struct Given<'py> {
    severity: Option<Bound<'py, PyAny>>,
    severity_text: Option<Bound<'py, PyAny>>,
    body: Option<Bound<'py, PyAny>>,
    attributes: Option<Bound<'py, PyAny>>,
    event_name: Option<Bound<'py, PyAny>>,
    exception: Option<Bound<'py, PyAny>>,
    time_ns: Option<u64>,
    observed_ns: Option<u64>,
}

type Parameter<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

#[pymethods]
impl Logger {
    #[new]
    #[pyo3(signature = (name, version=None, schema_url=None, attributes=None))]
    fn new(
        name: &Bound<'_, PyAny>,
        version: Option<&Bound<'_, PyAny>>,
        schema_url: Option<&Bound<'_, PyAny>>,
        attributes: Option<&Bound<'_, PyAny>>,
    ) -> Self {
        let words = Words::of(name, version, schema_url, attributes);
        Self { scope: words.scope(), words }
    }

    /// Records a record of the API, or one of these parts.
    #[pyo3(signature = (record=None, *, timestamp=None, observed_timestamp=None, context=None,
        severity_number=None, severity_text=None, body=None, attributes=None, event_name=None,
        exception=None))]
    #[expect(clippy::too_many_arguments, reason = "the API's signature")]
    fn emit<'py>(
        &self,
        py: Python<'py>,
        record: Parameter<'_, 'py>,
        timestamp: Parameter<'_, 'py>,
        observed_timestamp: Parameter<'_, 'py>,
        context: Parameter<'_, 'py>,
        severity_number: Parameter<'_, 'py>,
        severity_text: Parameter<'_, 'py>,
        body: Parameter<'_, 'py>,
        attributes: Parameter<'_, 'py>,
        event_name: Parameter<'_, 'py>,
        exception: Parameter<'_, 'py>,
    ) {
        if !logs_are_recorded() {
            return;
        }
        let api = api(py);
        let given = |part: Parameter<'_, 'py>| part.filter(|part| !part.is_none()).cloned();
        let record = given(record).map(|record| inner(&record));
        if processors::are_there() {
            let parts = [
                ("timestamp", timestamp),
                ("observed_timestamp", observed_timestamp),
                ("context", context),
                ("severity_number", severity_number),
                ("severity_text", severity_text),
                ("body", body),
                ("attributes", attributes),
                ("event_name", event_name),
                ("exception", exception),
            ];
            if let Ok(Some(record)) = self.processed(api, py, record.as_ref(), parts) {
                return log_object(api, self.scope, &record);
            }
        }
        if let Some(record) = record {
            return log_object(api, self.scope, &record);
        }
        let Some(place) = place_in(api, py, given(context)) else { return };
        let parts = Given {
            severity: given(severity_number),
            severity_text: given(severity_text),
            body: given(body),
            attributes: given(attributes),
            event_name: given(event_name),
            exception: given(exception),
            time_ns: time_ns(timestamp),
            observed_ns: time_ns(observed_timestamp),
        };
        parts.log(api, self.scope, &place);
    }

    /// Whether a record would be recorded.
    #[pyo3(signature = (*, context=None, severity_number=None, event_name=None))]
    fn enabled<'py>(
        &self,
        py: Python<'py>,
        context: Parameter<'_, 'py>,
        severity_number: Parameter<'_, 'py>,
        event_name: Parameter<'_, 'py>,
    ) -> bool {
        // No severity and no event is told apart.
        let _ = (severity_number, event_name);
        let context = context.filter(|context| !context.is_none()).cloned();
        logs_are_recorded() && place_in(api(py), py, context).is_some()
    }
}

impl Logger {
    /// What the processors of the program make of it; `None` if they are not asked.
    fn processed<'py>(
        &self,
        api: &Api,
        py: Python<'py>,
        record: Parameter<'_, 'py>,
        parts: [(&str, Parameter<'_, 'py>); 9],
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let told = PyDict::new(py);
        for (key, part) in parts {
            if let Some(part) = part.filter(|part| !part.is_none()) {
                told.set_item(key, part)?;
            }
        }
        let own = |name: &str| match record {
            Some(record) => part_of(record, name),
            None => told.get_item(name).ok().flatten(),
        };
        if place_in(api, py, own("context")).is_none() {
            return Ok(None);
        }
        if let Some(error) = own("exception") {
            // They see what is sent of it.
            told.set_item("raised", dict(py, &raised_pairs(api, &error))?)?;
        }
        let Words { name, version, schema_url, attributes } = &self.words;
        let scope = api.scope_for_people(py, (name, version, schema_url), attributes)?;
        Ok(processors::processed(&scope, record, &told))
    }
}

/// A `ReadWriteLogRecord` has its record in it.
fn inner<'py>(record: &Bound<'py, PyAny>) -> Bound<'py, PyAny> {
    part_of(record, "log_record").unwrap_or_else(|| record.clone())
}

fn part_of<'py>(record: &Bound<'py, PyAny>, name: &str) -> Option<Bound<'py, PyAny>> {
    let part = record.getattr_opt(name).ok().flatten();
    part.filter(|part| !part.is_none())
}

/// Records a `LogRecord` of the API, which knows its span itself.
pub(super) fn log_object(api: &Api, scope: RuntimeScope, record: &Bound<'_, PyAny>) {
    let part = |name: &str| part_of(record, name);
    let Some(place) = place_in(api, record.py(), part("context")) else { return };
    let number = |name: &str| part(name).and_then(|part| part.extract::<u128>().ok());
    let place = match (number("trace_id"), number("span_id").map(u64::try_from)) {
        (Some(trace_id), Some(Ok(span_id))) => SpanContext::local(
            TraceId::from_bytes(trace_id.to_be_bytes()),
            SpanId::from_bytes(span_id.to_be_bytes()),
            TraceFlags(part("trace_flags").and_then(|it| it.extract().ok()).unwrap_or(0)),
            None,
        ),
        _ => place,
    };
    let parts = Given {
        severity: part("severity_number"),
        severity_text: part("severity_text"),
        body: part("body"),
        attributes: part("attributes"),
        event_name: part("event_name"),
        exception: part("exception"),
        time_ns: time_ns(part("timestamp").as_ref()),
        observed_ns: time_ns(part("observed_timestamp").as_ref()),
    };
    parts.log(api, scope, &place);
}

/// What travels of the span in a Context, given or current; `None` where nothing is recorded.
fn place_in<'py>(
    api: &Api,
    py: Python<'py>,
    context: Option<Bound<'py, PyAny>>,
) -> Option<SpanContext> {
    let context = context.map_or_else(|| api.runtime.current(py), Ok).ok()?;
    match Surroundings::of(api, &context) {
        Surroundings::Suppressed => None,
        Surroundings::In(span) => Some(place_of(api, span.as_ref())),
    }
}

impl<'py> Given<'py> {
    fn log(self, api: &Api, scope: RuntimeScope, place: &SpanContext) {
        let words = |part: &Option<Bound<'py, PyAny>>| part.as_ref().map(key_text);
        let severity_text = words(&self.severity_text).unwrap_or_default();
        let event_name = words(&self.event_name).unwrap_or_default();
        let severity = self.severity.as_ref().and_then(|severity| severity_of(api, severity));
        let body = self.body.as_ref().map(|body| owned(api, body));
        let pairs = self.pairs(api);
        let observed_ns = self.observed_ns;
        // Nobody saw it before it happened.
        let time_ns = self.time_ns.or(observed_ns);
        // From here on nothing of the program runs.
        lend_pairs(pairs, |attributes| {
            let details = LogDetails {
                severity,
                severity_text: &severity_text,
                body: None,
                event_name: &event_name,
                attributes,
                time_ns,
                observed_ns,
            };
            match &body {
                None => scope.log(place, &details),
                Some(body) => body.lend(|body| {
                    scope.log(place, &LogDetails { body: Some(*body), ..details });
                }),
            }
        });
    }

    /// The attributes, after those of the exception: what the program says of it counts.
    fn pairs(&self, api: &Api) -> Vec<(String, OwnedValue)> {
        let mut pairs = Vec::new();
        if let Some(error) = &self.exception {
            pairs.extend(raised_pairs(api, error));
        }
        pairs.extend(owned_pairs(api, self.attributes.as_ref()));
        pairs
    }
}

fn raised_pairs(api: &Api, error: &Bound<'_, PyAny>) -> [(String, OwnedValue); 3] {
    let traceback = error.getattr_opt("__traceback__").ok().flatten();
    let traceback = traceback.unwrap_or_else(|| error.py().None().into_bound(error.py()));
    Raised::of(api, &error.get_type(), error, &traceback).into_pairs()
}

/// Of a `SeverityNumber`, or of its number.
fn severity_of(api: &Api, severity: &Bound<'_, PyAny>) -> Option<Severity> {
    let number = severity.getattr_opt(&api.logging.value).ok().flatten();
    Severity::from_number(number.as_ref().unwrap_or(severity).extract().ok()?)
}
