//! What other Rust extensions of this process find here: the current span and the engine, each in a
//! capsule.
//!
//! The functions behind it use the context variable and the dict that a Context is, and run no
//! bytecode for what the API and we make ourselves: see `oxitel::join`.

use crate::api::{Api, api};
use crate::attributes::{key_text, text};
use crate::engine::named;
use crate::span::Span;
use crate::tracer::Recorder;
use oxitel::SpanContext;
use oxitel::context::Baggage;
use oxitel::join::host::{self, Interpreter};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyString};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the functions need, found with everything else while the module loads.
pub(crate) struct Found {
    /// Under this key a Context holds its baggage.
    baggage_key: Py<PyString>,
    /// Nobody: spans of other extensions are recorded there.
    recorder: Arc<Recorder>,
    no_name: Py<PyString>,
}

impl Found {
    pub(crate) fn find(py: Python<'_>) -> PyResult<Self> {
        let baggage = py.import("opentelemetry.baggage")?;
        Ok(Self {
            baggage_key: baggage.getattr("_BAGGAGE_KEY")?.cast_into::<PyString>()?.unbind(),
            recorder: Arc::new(Recorder::nobody()),
            no_name: PyString::new(py, "").unbind(),
        })
    }
}

/// Puts the capsules into the module.
pub(crate) fn offer(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let (attribute, name) = host::CONTEXT;
    let table = host::context_table::<OfThisProcess>();
    module.setattr(attribute, PyCapsule::new_with_value(py, table, name)?)?;
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
                let span = Span::passing(span.clone(), name, Arc::clone(&found.recorder));
                api.context_with(&current, &Bound::new(py, span)?)?
            } else {
                api.context_type.bind(py).call1((current,))?
            };
            if !baggage.is_empty() {
                let pairs = PyDict::new(py);
                for (name, value, _) in baggage.iter() {
                    pairs.set_item(name, value)?;
                }
                context.cast::<PyDict>()?.set_item(&found.baggage_key, pairs)?;
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
    let baggage = context.get_item(&api.join.baggage_key).ok()??;
    baggage.len().is_ok_and(|length| length > 0).then_some(baggage)
}
