//! Python's numbers as ours.

use oxitel::binding::Amount;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt};

/// A whole number is one whose type is `int` or derived from it; it is rounded beyond 64 bits.
/// Of anything else its `float()`, if it has one.
#[inline]
pub(super) fn amount(value: &Bound<'_, PyAny>) -> Option<Amount> {
    if let Ok(value) = value.cast_exact::<PyFloat>() {
        return Some(Amount::Float(value.value()));
    }
    if value.is_instance_of::<PyInt>()
        && let Ok(value) = value.extract::<i64>()
    {
        return Some(Amount::Whole(value));
    }
    value.extract::<f64>().ok().map(Amount::Float)
}
