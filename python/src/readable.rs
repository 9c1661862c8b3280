//! What is recorded of a span, as Python's objects.
//!
//! It is copied while the span is locked and turned into objects after, because making objects
//! may run code of the program.

use crate::api::{Api, api};
use crate::span::Span;
use oxitel::binding::OwnedValue;
use oxitel::{EventRef, LinkRef, SpanContext, Status, ValueRef};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

type Pairs = Vec<(String, OwnedValue)>;

pub(crate) fn name(span: &Span, py: Python<'_>) -> String {
    let live = span.live().read(|span| span.name().to_owned());
    live.unwrap_or_else(|| crate::attributes::text(span.started_name().bind(py)).into_owned())
}

pub(crate) fn status<'py>(span: &Span, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
    let (code, message) = span
        .live()
        .read(|span| match span.status() {
            Status::Unset => (0, None),
            Status::Ok => (1, None),
            Status::Error(message) => (2, (!message.is_empty()).then(|| message.to_owned())),
        })
        .unwrap_or((0, None));
    let api = api(py);
    api.status_type.bind(py).call1((&api.status_codes[code], message))
}

pub(crate) fn attributes<'py>(span: &Span, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
    let pairs = span.live().read(|span| copied(span.attributes())).unwrap_or_default();
    Ok(dict(py, &pairs)?.into_any())
}

pub(crate) fn events<'py>(span: &Span, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
    let copy = |event: EventRef<'_>| {
        let dropped = event.dropped_attributes();
        (event.name().to_owned(), event.time_ns(), copied(event.attributes()), dropped)
    };
    let events = span.live().read(|span| span.events().map(copy).collect::<Vec<_>>());
    let of = api(py).python.shown(py, "Event")?;
    let mut shown = Vec::new();
    for (name, time_ns, pairs, dropped) in events.unwrap_or_default() {
        shown.push(of.call1((name, dict(py, &pairs)?, time_ns, dropped))?);
    }
    Ok(PyTuple::new(py, shown)?.into_any())
}

pub(crate) fn links<'py>(span: &Span, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
    let copy =
        |link: LinkRef<'_>| (link.context(), copied(link.attributes()), link.dropped_attributes());
    let links: Option<Vec<(SpanContext, Pairs, u32)>> =
        span.live().read(|span| span.links().map(copy).collect());
    let api = api(py);
    let of = api.python.shown(py, "Link")?;
    let mut shown = Vec::new();
    for (context, pairs, dropped) in links.unwrap_or_default() {
        shown.push(of.call1((api.to_api(py, &context)?, dict(py, &pairs)?, dropped))?);
    }
    Ok(PyTuple::new(py, shown)?.into_any())
}

fn copied<'a>(pairs: impl Iterator<Item = (&'a str, ValueRef<'a>)>) -> Pairs {
    pairs.map(|(key, value)| (key.to_owned(), OwnedValue::of(&value))).collect()
}

/// A dict of these pairs.
pub(crate) fn dict<'py>(
    py: Python<'py>,
    pairs: &[(String, OwnedValue)],
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (key, value) in pairs {
        dict.set_item(key, object(py, value)?)?;
    }
    Ok(dict)
}

/// The value as an object; lists are tuples, as in the SDK.
fn object<'py>(py: Python<'py>, value: &OwnedValue) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        OwnedValue::Empty => py.None().into_bound(py),
        OwnedValue::Bool(flag) => flag.into_pyobject(py)?.to_owned().into_any(),
        OwnedValue::I64(number) => number.into_pyobject(py)?.into_any(),
        OwnedValue::F64(number) => number.into_pyobject(py)?.into_any(),
        OwnedValue::Str(text) => text.into_pyobject(py)?.into_any(),
        OwnedValue::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        OwnedValue::List(items) => {
            let items: PyResult<Vec<_>> = items.iter().map(|item| object(py, item)).collect();
            PyTuple::new(py, items?)?.into_any()
        }
        OwnedValue::Map(pairs) => dict(py, pairs)?.into_any(),
    })
}

impl Api {
    /// A scope as the SDK shows it.
    pub(crate) fn scope_for_people<'py>(
        &self,
        py: Python<'py>,
        words: (&str, &str, &str),
        attributes: &[(String, OwnedValue)],
    ) -> PyResult<Bound<'py, PyAny>> {
        let (name, version, schema_url) = words;
        let of = self.python.shown(py, "InstrumentationScope")?;
        of.call1((name, version, schema_url, dict(py, attributes)?))
    }
}
