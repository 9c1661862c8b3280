//! The native half of `oxitel.LogHandler`: what `logging` calls for each record.

use super::standard::StandardRecord;
use crate::api::{Api, api};
use crate::provider::said;
use crate::span::is_error;
use oxitel::binding::{is_running, logs_are_recorded};
use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

/// A record may be logged while another one is being read, by the `__str__` of an argument; and so
/// on, this often.
const MOST_NESTED: u8 = 8;

thread_local! {
    /// How many records this thread is reading.
    static READING: Cell<u8> = const { Cell::new(0) };
}

/// What takes records of `logging`. Stands before `logging.Handler` among the bases of a class, so
/// that a record that no filter looks at meets no Python on its way.
#[pyclass(frozen, subclass, module = "oxitel._native")]
pub(crate) struct LogSink {
    /// A record becomes an event of the span that it belongs to.
    as_events: AtomicBool,
}

#[pymethods]
impl LogSink {
    #[new]
    #[pyo3(signature = (*_arguments, **_keywords))]
    fn new(_arguments: &Bound<'_, PyTuple>, _keywords: Option<&Bound<'_, PyDict>>) -> Self {
        Self { as_events: AtomicBool::new(false) }
    }

    /// Whether a record becomes an event of the span that it belongs to.
    #[getter]
    fn as_events(&self) -> bool {
        self.as_events.load(Ordering::Relaxed)
    }

    #[setter]
    fn set_as_events(&self, as_events: bool) {
        self.as_events.store(as_events, Ordering::Relaxed);
    }

    /// Takes a record that the filters let pass, without the handler's lock: nothing here needs
    /// one.
    fn handle<'py>(
        slf: &Bound<'py, Self>,
        record: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let names = &api(py).logging;
        let mut passed = None;
        if slf.getattr(&names.filters)?.is_truthy()? {
            let answer = slf.call_method1(&names.filter, (record,))?;
            if !answer.is_truthy()? {
                return Ok(answer);
            }
            passed = Some(answer);
        }
        // From Python 3.12 on a filter may answer with another record.
        let replaced = passed.as_ref().filter(|answer| answer.hasattr("levelno").unwrap_or(false));
        slf.call_method1(&names.emit, (replaced.unwrap_or(record),))?;
        Ok(passed.unwrap_or_else(|| record.clone()))
    }

    /// Records it.
    fn emit<'py>(slf: &Bound<'py, Self>, record: &Bound<'py, PyAny>) -> PyResult<()> {
        let as_events = slf.get().as_events();
        let is_wanted = logs_are_recorded() || (as_events && is_running());
        if !is_wanted {
            return Ok(());
        }
        let api = api(slf.py());
        let Some(read) = StandardRecord::read(api, record) else { return Ok(()) };
        if read.is_of_telemetry() {
            return Ok(());
        }
        let Some(_reading) = Reading::begin() else {
            let text = "records were logged while others were read, too often inside of each other";
            said(slf.py(), "logging", PyRecursionError::new_err(text));
            return Ok(());
        };
        let message = match formatted(api, slf, record)? {
            Some(message) => message,
            None => read.message(api)?,
        };
        read.forward(api, &message, as_events);
        Ok(())
    }
}

/// What the handler's formatter makes of the record, if it has one that works.
fn formatted<'py>(
    api: &Api,
    handler: &Bound<'py, LogSink>,
    record: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyString>>> {
    if handler.getattr(&api.logging.formatter)?.is_none() {
        return Ok(None);
    }
    match handler.call_method1(&api.logging.format, (record,)) {
        Ok(text) => Ok(text.cast_into().ok()),
        Err(error) if !is_error(error.value(handler.py())) => Err(error),
        Err(error) => {
            said(handler.py(), "a formatter", error);
            Ok(None)
        }
    }
}

/// While it lives, this thread reads a record.
struct Reading;

impl Reading {
    fn begin() -> Option<Self> {
        READING.with(|reading| {
            let depth = reading.get();
            (depth < MOST_NESTED).then(|| {
                reading.set(depth + 1);
                Self
            })
        })
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        READING.with(|reading| reading.set(reading.get().saturating_sub(1)));
    }
}

/// While it lives, this thread does something else in the middle of that: what is logged now does
/// not lie inside of the record. Greenlets share a thread, and many may wait in a processor.
pub(super) struct Elsewhere(bool);

impl Elsewhere {
    pub(super) fn begin() -> Self {
        READING.with(|reading| {
            let depth = reading.get();
            reading.set(depth.saturating_sub(1));
            Self(depth > 0)
        })
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        READING.with(|reading| reading.set(reading.get().saturating_add(u8::from(self.0))));
    }
}
