//! The engine's life as Python steers it: start, flush, end, and the ledger.
//!
//! Whatever waits here lets go of the interpreter first.

use crate::readable;
use oxitel::export::{ExportError, Exporter, Memory, Request, SignalKind};
use oxitel::{Config, FlushError, Stats};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What is exported is kept here, once somebody asks for it.
static MEMORY: Mutex<Option<Memory>> = Mutex::new(None);

fn memory() -> MutexGuard<'static, Option<Memory>> {
    MEMORY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes everything and keeps nothing: spans have ids and can be read, and go nowhere.
struct Nowhere;

impl Exporter for Nowhere {
    fn export(&mut self, _: &Request<'_>) -> Result<(), ExportError> {
        Ok(())
    }
}

/// Starts the engine. `variables` stand in front of the environment's; `resource` is what else
/// describes this process. `keep` is where signals go beside their exporters: `memory`, for
/// [`kept`], or `nowhere`, which is enough to be recorded. With `page`, the program serves the page
/// for Prometheus itself. Returns whether anything is recorded.
#[pyfunction]
#[pyo3(signature = (variables, resource=Vec::new(), shutdown_timeout=None, keep=None, page=false))]
pub(crate) fn start(
    py: Python<'_>,
    variables: HashMap<String, String>,
    resource: Vec<(String, String)>,
    shutdown_timeout: Option<f64>,
    keep: Option<&str>,
    page: bool,
) -> PyResult<bool> {
    let lookup = |name: &str| variables.get(name).cloned().or_else(|| std::env::var(name).ok());
    let mut config = Config::from_lookup(lookup)
        .resource_attribute("telemetry.sdk.language", "python")
        // The API's globals of Rust are of no use to a program in Python.
        .otel_globals(false);
    for (key, value) in resource {
        config = config.resource_attribute(key, value);
    }
    if let Some(seconds) = shutdown_timeout {
        config = config.shutdown_timeout(seconds_to_wait(seconds));
    }
    if page {
        config = config.own_prometheus_page();
    }
    config = match keep {
        None => config,
        Some("nowhere") => config.exporter("nowhere", |_| Nowhere),
        Some("memory") => {
            let fresh = Memory::new();
            let config = config.memory(&fresh);
            *memory() = Some(fresh);
            config
        }
        Some(other) => {
            let text = format!("{other:?} is no place to keep anything: memory or nowhere");
            return Err(PyValueError::new_err(text));
        }
    };
    let started = py.detach(|| oxitel::init(config));
    let guard = started.map_err(|error| PyValueError::new_err(error.to_string()))?;
    let is_recording = guard.is_recording();
    // `shutdown` ends it, and so does `atexit`.
    mem::forget(guard);
    Ok(is_recording)
}

/// The requests that were exported since `start` was asked to keep them in memory: the signal's
/// name, and OTLP's JSON. A flush brings everything here.
#[pyfunction]
pub(crate) fn kept(py: Python<'_>) -> Vec<(&'static str, String)> {
    let Some(memory) = memory().clone() else { return Vec::new() };
    let shown = || {
        let requests = memory.requests();
        requests.iter().map(|request| (request.signal.name(), request.to_json())).collect()
    };
    py.detach(shown)
}

/// Forgets the requests so far.
#[pyfunction]
pub(crate) fn forget_kept() {
    let memory = memory().clone();
    if let Some(memory) = memory {
        memory.clear();
    }
}

/// What describes this process, as it is sent.
#[pyfunction]
pub(crate) fn resource(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    readable::dict(py, &oxitel::binding::resource())
}

/// Where a signal (`traces`, `metrics` or `logs`) goes: the URLs of its receivers.
#[pyfunction]
pub(crate) fn receivers(signal: &str) -> PyResult<Vec<String>> {
    Ok(oxitel::binding::receivers(named(signal)?))
}

/// Whether the engine runs in this process.
#[pyfunction]
pub(crate) fn is_running() -> bool {
    oxitel::binding::is_running()
}

/// Sends everything that was recorded before the call. `None` when all of it was delivered; else
/// how many records were lost since the last flush, how many still wait, and whether the time was
/// over.
#[pyfunction]
pub(crate) fn flush(py: Python<'_>, timeout: f64) -> Option<(u64, u64, bool)> {
    told(py.detach(|| oxitel::flush(seconds_to_wait(timeout))))
}

/// Flushes and ends telemetry; answers as [`flush`] does. An end by another thread, or by a signal,
/// is waited for.
#[pyfunction]
pub(crate) fn shutdown(py: Python<'_>, timeout: f64) -> Option<(u64, u64, bool)> {
    told(py.detach(|| oxitel::binding::last_shutdown(seconds_to_wait(timeout))))
}

/// Sends what there is, at the beginning of the program's end; answers as [`flush`] does. What
/// finalizers record after this is sent as well, within the same time.
#[pyfunction]
pub(crate) fn last_flush(py: Python<'_>, timeout: f64) -> Option<(u64, u64, bool)> {
    told(py.detach(|| oxitel::binding::leave(seconds_to_wait(timeout))))
}

/// Ends telemetry, within this time, before a signal ends the process: SIGTERM and SIGINT, where
/// nobody handles them at this moment. Returns how many of the two that are.
#[pyfunction]
pub(crate) fn end_by_signals(timeout: f64) -> PyResult<usize> {
    Ok(oxitel::shutdown_on_signals(seconds_to_wait(timeout))?)
}

/// Gives these signals back.
#[pyfunction]
pub(crate) fn let_signals_go() {
    oxitel::binding::let_signals_go();
}

fn told(result: Result<(), FlushError>) -> Option<(u64, u64, bool)> {
    result.err().map(|error| (error.lost, error.queued, error.timed_out))
}

/// What is no time to wait is none at all.
fn seconds_to_wait(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::from_secs(3600))
}

/// The ledger: of all signals, or of `traces`, `metrics` or `logs`.
#[pyfunction]
#[pyo3(signature = (signal=None))]
pub(crate) fn stats<'py>(py: Python<'py>, signal: Option<&str>) -> PyResult<Bound<'py, PyDict>> {
    let stats = match signal {
        Some(signal) => oxitel::stats_of(named(signal)?),
        None => oxitel::stats(),
    };
    ledger(py, &stats)
}

pub(crate) fn named(signal: &str) -> PyResult<SignalKind> {
    match signal {
        "traces" => Ok(SignalKind::Traces),
        "metrics" => Ok(SignalKind::Metrics),
        "logs" => Ok(SignalKind::Logs),
        other => {
            let text = format!("{other:?} is no signal: traces, metrics or logs");
            Err(PyValueError::new_err(text))
        }
    }
}

fn ledger<'py>(py: Python<'py>, stats: &Stats) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let dropped = PyDict::new(py);
    for (reason, count) in stats.dropped.by_reason() {
        dropped.set_item(reason, count)?;
    }
    for (name, count) in [
        ("recorded", stats.recorded),
        ("delivered", stats.delivered),
        ("rejected", stats.rejected),
        ("queued", stats.queued),
        ("spooled", stats.spooled),
        ("recovered", stats.recovered),
        ("live", stats.live),
        ("redacted", stats.redacted),
        ("panics", stats.panics),
    ] {
        dict.set_item(name, count)?;
    }
    dict.set_item("dropped", dropped)?;
    Ok(dict)
}
