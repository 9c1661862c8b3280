//! What other Rust extensions of this process find here: the current span and the engine, each in a
//! capsule.
//!
//! The functions behind it use the context variable and the dict that a Context is, and run no
//! bytecode for what the API and we make ourselves: see `oxitel::join`.

use crate::api::{Api, api};
use crate::attributes::{key_text, text};
use crate::engine::named;
use crate::span::Span;
use crate::tracer::Tracer;
use oxitel::SpanContext;
use oxitel::context::Baggage;
use oxitel::join::host::{self, Interpreter};
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyString};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the functions need, found with everything else while the module loads.
pub(crate) struct Found {
    /// Under this key a Context holds its baggage: found for the first extension that joins, because
    /// its module takes a tenth of the time that all of the API takes. Locked for moments.
    baggage_key: Mutex<Option<Py<PyString>>>,
    /// Nobody: spans of other extensions are recorded there.
    tracer: Py<Tracer>,
    no_name: Py<PyString>,
}

impl Found {
    pub(crate) fn find(py: Python<'_>) -> PyResult<Self> {
        Ok(Self {
            baggage_key: Mutex::new(None),
            tracer: Py::new(py, Tracer::nobody())?,
            no_name: PyString::new(py, "").unbind(),
        })
    }
}

impl Found {
    fn locked(&self) -> MutexGuard<'_, Option<Py<PyString>>> {
        self.baggage_key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, py: Python<'_>) -> Option<Py<PyString>> {
        self.locked().as_ref().map(|key| key.clone_ref(py))
    }

    fn find_key(&self, py: Python<'_>) -> PyResult<()> {
        let key =
            api(py).python.baggage(py)?.getattr("_BAGGAGE_KEY")?.cast_into::<PyString>()?.unbind();
        let before = self.locked().replace(key);
        drop(before);
        Ok(())
    }
}

/// The capsule of the current span, which comes to be when the first extension looks for it.
#[pyfunction(pass_module)]
fn find_later<'py>(module: &Bound<'py, PyModule>, wanted: &str) -> PyResult<Bound<'py, PyAny>> {
    let py = module.py();
    let (attribute, name) = host::CONTEXT;
    if attribute.to_bytes() != wanted.as_bytes() {
        let text = format!("module 'oxitel._native' has no attribute {wanted:?}");
        return Err(PyAttributeError::new_err(text));
    }
    api(py).join.find_key(py)?;
    let table = host::context_table::<OfThisProcess>();
    let capsule = PyCapsule::new_with_value(py, table, name)?.into_any();
    module.setattr(attribute, &capsule)?;
    Ok(capsule)
}

/// Puts the capsule of the engine into the module, and the way to that of the current span.
pub(crate) fn offer(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.setattr("__getattr__", wrap_pyfunction!(find_later, module)?)?;
    let (attribute, name) = host::ENGINE;
    module.setattr(attribute, PyCapsule::new_with_value(py, host::engine_table(), name)?)?;
    // The last of all that is registered later: until then, telemetry ends with the program's help.
    let leave = module.getattr("leave")?;
    py.import("atexit")?.call_method1("register", (leave,)).map(drop)
}

/// The program is about to end. Python ends its other threads at any moment from now on, in a way
/// that no frame of Rust survives: they find no current span any more.
#[pyfunction]
pub(crate) fn leave() {
    ENDS_THE_PROGRAM.set(true);
    IS_LEAVING.store(true, Ordering::Relaxed);
}

/// Whether the program is about to end.
pub(crate) fn is_leaving() -> bool {
    IS_LEAVING.load(Ordering::Relaxed)
}

/// The extensions that have joined, with what each has recorded of a signal (`traces`, `metrics` or
/// `logs`) in this process.
#[pyfunction]
pub(crate) fn guests<'py>(py: Python<'py>, signal: &str) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let shown = |guest: host::GuestStats| {
        let dict = PyDict::new(py);
        dict.set_item("name", guest.name)?;
        dict.set_item("recorded", guest.recorded)?;
        dict.set_item("handed", guest.handed)?;
        dict.set_item("lost", guest.lost)?;
        dict.set_item("open", guest.open)?;
        Ok(dict)
    };
    host::guests(named(signal)?).into_iter().map(shown).collect()
}

static IS_LEAVING: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The one thread that runs until the end.
    static ENDS_THE_PROGRAM: Cell<bool> = const { Cell::new(false) };
}

/// The API's current Context, for other extensions.
struct OfThisProcess;

impl Interpreter for OfThisProcess {
    type Token = Py<PyAny>;

    fn current() -> Option<(SpanContext, bool)> {
        with(|py, api| {
            let context = api.runtime.current(py)?;
            let has_baggage = baggage_in(api, &context).is_some();
            Ok((quiet_place_in(api, &context)?, has_baggage))
        })
    }

    fn baggage() -> Option<Baggage> {
        with(|py, api| {
            let mut baggage = Baggage::new();
            let found = baggage_in(api, &api.runtime.current(py)?);
            let Some(found) = found else { return Ok(baggage) };
            for pair in found.call_method0(&api.names.items)?.try_iter()? {
                let (name, value) = pair?.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
                // Anything else would have to be asked for its text, by bytecode maybe.
                if let Ok(value) = value.cast::<PyString>() {
                    baggage.insert(key_text(&name), text(value));
                }
            }
            Ok(baggage)
        })
    }

    fn attach(span: &SpanContext, baggage: &Baggage) -> Option<Self::Token> {
        with(|py, api| {
            let found = &api.join;
            let current = api.runtime.current(py)?;
            let context = if span.is_valid() {
                let name = (found.no_name.clone_ref(py), 0);
                let span = Span::passing(span.clone(), name, found.tracer.clone_ref(py));
                api.context_with(&current, &Bound::new(py, span)?)?
            } else {
                api.context_type.bind(py).call1((current,))?
            };
            if let Some(key) = found.key(py).filter(|_| !baggage.is_empty()) {
                let pairs = PyDict::new(py);
                for (name, value, _) in baggage.iter() {
                    pairs.set_item(name, value)?;
                }
                context.cast::<PyDict>()?.set_item(key, pairs)?;
            }
            Ok(api.runtime.attach(&context)?.unbind())
        })
    }

    fn detach(token: Self::Token) -> bool {
        with(|py, api| api.runtime.detach(token.bind(py))).is_some()
    }

    fn is_leaving() -> bool {
        IS_LEAVING.load(Ordering::Relaxed) && !ENDS_THE_PROGRAM.get()
    }
}

/// Runs `action`; an exception that is pending stays so. What fails is the caller's to know.
fn with<R>(action: impl FnOnce(Python<'_>, &'static Api) -> PyResult<R>) -> Option<R> {
    Python::attach(|py| {
        let pending = PyErr::take(py);
        let result = action(py, api(py));
        if let Some(pending) = pending {
            pending.restore(py);
        }
        result.ok()
    })
}

/// The span in a Context: without bytecode, if it is ours or the API's or the SDK's.
fn quiet_place_in(api: &Api, context: &Bound<'_, PyAny>) -> PyResult<SpanContext> {
    let Some(span) = api.span_in(context)? else { return Ok(SpanContext::NONE) };
    if !span.is_exact_instance_of::<Span>()
        && let Ok(context) = span.getattr(&api.names._context)
        && context.is_exact_instance(api.span_context_type.bind(span.py()))
    {
        return Ok(api.of_api(&context));
    }
    api.place_of(&span)
}

/// The baggage in a Context, unless it is empty.
fn baggage_in<'py>(api: &Api, context: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let context = context.cast::<PyDict>().ok()?;
    let baggage = context.get_item(api.join.key(context.py())?).ok()??;
    baggage.len().is_ok_and(|length| length > 0).then_some(baggage)
}
