//! Instruments that the program tells what it measured.

use super::amount::amount;
use super::pairs::with_pairs;
use super::within::with_span;
use crate::api::api;
use crate::provider::said;
use oxitel::binding::{RuntimeInstrument, measurements_are_recorded};
use pyo3::prelude::*;

/// What all of them are.
pub(super) struct Measured {
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) description: String,
    pub(super) instrument: RuntimeInstrument,
}

impl Measured {
    /// Never raises: what cannot be recorded is left out, and told.
    #[inline]
    fn record(
        &self,
        given: &Bound<'_, PyAny>,
        attributes: Option<&Bound<'_, PyAny>>,
        context: Option<&Bound<'_, PyAny>>,
    ) {
        if !measurements_are_recorded() {
            return;
        }
        let py = given.py();
        let api = api(py);
        let is_fit = amount(given).is_some_and(|amount| {
            with_pairs(api, attributes, |pairs| {
                with_span(api, py, context, |span| self.instrument.record(amount, pairs, span))
            })
        });
        if !is_fit {
            refuse(py, &self.name);
        }
    }
}

/// Says that a measurement was left out.
#[cold]
pub(super) fn refuse(py: Python<'_>, name: &str) {
    if let Err(error) = api(py).python.refused.bind(py).call1((name,)) {
        said(py, "the logger", error);
    }
}

macro_rules! instruments {
    ($($(#[$doc:meta])* $name:ident, $(#[$method_doc:meta])* $method:ident;)*) => {$(
        $(#[$doc])*
        #[pyclass(frozen, weakref, module = "oxitel._native")]
        pub(crate) struct $name(pub(super) Measured);

        #[pymethods]
        impl $name {
            $(#[$method_doc])*
            #[pyo3(signature = (amount, attributes=None, context=None))]
            fn $method(
                &self,
                amount: &Bound<'_, PyAny>,
                attributes: Option<&Bound<'_, PyAny>>,
                context: Option<&Bound<'_, PyAny>>,
            ) {
                self.0.record(amount, attributes, context);
            }

            #[getter]
            fn name(&self) -> &str {
                &self.0.name
            }

            #[getter]
            fn unit(&self) -> &str {
                &self.0.unit
            }

            #[getter]
            fn description(&self) -> &str {
                &self.0.description
            }
        }
    )*};
}

instruments! {
    /// Counts what only grows.
    Counter,
    /// Adds to the sum.
    add;
    /// Counts what grows and shrinks.
    UpDownCounter,
    /// Adds to the sum.
    add;
    /// Keeps a distribution of values.
    Histogram,
    /// Counts the value.
    record;
    /// Keeps the last value.
    Gauge,
    /// Sets the value.
    set;
}
