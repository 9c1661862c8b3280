//! Meters: where instruments come from.

use super::instruments::{Counter, Gauge, Histogram, Measured, UpDownCounter};
use super::observed;
use crate::api::api;
use crate::provider::said;
use crate::words::Words;
use oxitel::binding::{Described, RuntimeScope};
use oxitel::metrics::InstrumentKind;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Makes instruments of one instrumentation scope.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct Meter {
    scope: RuntimeScope,
}

impl Meter {
    fn make(
        &self,
        kind: InstrumentKind,
        (name, unit, description): (String, String, String),
        bounds: Option<&[f64]>,
    ) -> Measured {
        let described = Described { name: &name, unit: &unit, description: &description, bounds };
        let instrument = self.scope.instrument(kind, &described);
        Measured { name, unit, description, instrument }
    }
}

#[pymethods]
impl Meter {
    #[new]
    #[pyo3(signature = (name, version=None, schema_url=None, attributes=None))]
    fn new(
        name: &Bound<'_, PyAny>,
        version: Option<&Bound<'_, PyAny>>,
        schema_url: Option<&Bound<'_, PyAny>>,
        attributes: Option<&Bound<'_, PyAny>>,
    ) -> Self {
        Self { scope: Words::of(name, version, schema_url, attributes).scope() }
    }

    fn counter(&self, name: String, unit: String, description: String) -> Counter {
        Counter(self.make(InstrumentKind::Counter, (name, unit, description), None))
    }

    fn up_down_counter(&self, name: String, unit: String, description: String) -> UpDownCounter {
        UpDownCounter(self.make(InstrumentKind::UpDownCounter, (name, unit, description), None))
    }

    #[pyo3(signature = (name, unit, description, bounds=None))]
    fn histogram(
        &self,
        name: String,
        unit: String,
        description: String,
        bounds: Option<Vec<f64>>,
    ) -> Histogram {
        let words = (name, unit, description);
        Histogram(self.make(InstrumentKind::Histogram, words, bounds.as_deref()))
    }

    fn gauge(&self, name: String, unit: String, description: String) -> Gauge {
        Gauge(self.make(InstrumentKind::Gauge, (name, unit, description), None))
    }

    /// Asks the callback of this number from now on, for an instrument of this kind.
    fn observe(
        &self,
        py: Python<'_>,
        kind: &str,
        name: String,
        unit: String,
        description: String,
        callback: u64,
    ) -> PyResult<()> {
        let kind = match kind {
            "counter" => InstrumentKind::ObservableCounter,
            "up_down_counter" => InstrumentKind::ObservableUpDownCounter,
            "gauge" => InstrumentKind::ObservableGauge,
            other => {
                let text = format!("{other:?} is no kind of observable instrument");
                return Err(PyValueError::new_err(text));
            }
        };
        let measured = self.make(kind, (name, unit, description), None);
        // Found here: a collection in a forked child must not load anything.
        let begin = api(py).python.begin_to_answer(py)?;
        let ready = observed::be_ready(&begin);
        let begin = begin.unbind();
        measured.instrument.ask(move |observer| observed::ask(callback, &begin, observer));
        if let Err(error) = ready {
            said(py, "the start of a thread for callbacks", error);
        }
        Ok(())
    }
}
