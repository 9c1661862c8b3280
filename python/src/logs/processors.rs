//! Log record processors of the program: they see a record before it is recorded, and may change
//! it.
//!
//! Flow: `emit` -> **processed** -> `oxitel._log_record`, which asks them -> what they made of it
//! is recorded. What they log themselves meets none of them: `oxitel._log_record` sees to that.

use super::handler::Elsewhere;
use crate::provider::said;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

static ARE_THERE: AtomicBool = AtomicBool::new(false);
/// What asks them. Locked for moments, and never while code of the program runs.
static ASK: Mutex<Option<Py<PyAny>>> = Mutex::new(None);

fn ask() -> MutexGuard<'static, Option<Py<PyAny>>> {
    ASK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on each log record is handed to `process` before it is recorded, or to nobody.
#[pyfunction]
#[pyo3(signature = (process=None))]
pub(crate) fn process_logs(process: Option<Py<PyAny>>) {
    let are_there = process.is_some();
    let before = std::mem::replace(&mut *ask(), process);
    ARE_THERE.store(are_there, Ordering::Relaxed);
    // Out here: the end of an object may run code of the program.
    drop(before);
}

/// Whether there are any.
#[inline]
pub(super) fn are_there() -> bool {
    ARE_THERE.load(Ordering::Relaxed)
}

/// What they make of a record of this scope, which is an object or these parts. `None`: it stays
/// what it was.
pub(super) fn processed<'py>(
    scope: &Bound<'py, PyAny>,
    record: Option<&Bound<'py, PyAny>>,
    parts: &Bound<'py, PyDict>,
) -> Option<Bound<'py, PyAny>> {
    let py = scope.py();
    let process = ask().as_ref().map(|process| process.clone_ref(py))?;
    let _elsewhere = Elsewhere::begin();
    match process.bind(py).call1((scope, record, parts)) {
        Ok(record) => Some(record).filter(|record| !record.is_none()),
        Err(error) => {
            said(py, "a log record processor", error);
            None
        }
    }
}
