//! The page that Prometheus scrapes.

use oxitel::metrics::{PageError, PrometheusPage};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// All metrics in the format that this `Accept` header likes best: its `Content-Type`, and the
/// page. `None` when metrics are not for Prometheus here.
#[pyfunction]
#[pyo3(signature = (accept=""))]
pub(crate) fn prometheus_page<'py>(
    py: Python<'py>,
    accept: &str,
) -> PyResult<Option<(&'static str, Bound<'py, PyBytes>)>> {
    match py.detach(|| PrometheusPage::collect_blocking(accept)) {
        Ok(page) => Ok(Some((page.content_type, PyBytes::new(py, page.text.as_bytes())))),
        Err(PageError::Off) => Ok(None),
        Err(error) => Err(PyRuntimeError::new_err(error.to_string())),
    }
}
