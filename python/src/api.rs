//! What we use of `opentelemetry-api` and of Python itself, found once, while the module loads.
//!
//! Nothing here is looked up later: a forked child must never wait for a look-up that another
//! thread had begun. The few parts in Python that are loaded late have a fork wait for them.

use crate::{join, logs};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyType};

static API: PyOnceLock<Api> = PyOnceLock::new();

/// Objects that the module needs at every turn.
pub(crate) struct Api {
    pub(crate) runtime: Runtime,
    pub(crate) context_type: Py<PyType>,
    /// Under this key a Context holds its span.
    pub(crate) span_key: Py<PyString>,
    pub(crate) span_context_type: Py<PyType>,
    pub(crate) trace_flags_type: Py<PyType>,
    pub(crate) trace_state_type: Py<PyType>,
    pub(crate) status_type: Py<PyType>,
    /// `UNSET`, `OK`, `ERROR`.
    pub(crate) status_codes: [Py<PyAny>; 3],
    /// By their value.
    pub(crate) span_kinds: [Py<PyAny>; 5],
    pub(crate) sequence: Py<PyType>,
    pub(crate) mapping: Py<PyType>,
    pub(crate) format_exception: Py<PyAny>,
    pub(crate) names: Names,
    /// Of Python's `logging`.
    pub(crate) logging: logs::Names,
    /// For other extensions.
    pub(crate) join: join::Found,
    pub(crate) python: Helpers,
}

/// How the current Context is reached.
pub(crate) enum Runtime {
    /// The usual one, a context variable: its bound methods.
    Variable { get: Py<PyAny>, set: Py<PyAny>, reset: Py<PyAny> },
    /// Another one, which `OTEL_PYTHON_CONTEXT` names.
    Other { current: Py<PyAny>, attach: Py<PyAny>, detach: Py<PyAny> },
}

/// The parts that are written in Python.
pub(crate) struct Helpers {
    /// Loads what few programs need, in a way that a fork waits for.
    load: Py<PyAny>,
    /// Says that a Context could not be detached.
    pub(crate) detach_failed: Py<PyAny>,
    /// Says that something was done to a span that has ended.
    pub(crate) ended: Py<PyAny>,
    /// A function or object of the program failed.
    pub(crate) failed: Py<PyAny>,
    /// A measurement was no number, or negative.
    pub(crate) refused: Py<PyAny>,
    /// As if somebody stopped the program by hand.
    pub(crate) interrupt_main: Py<PyAny>,
}

macro_rules! names {
    ($($name:ident),* $(,)?) => {
        /// Names of attributes and methods.
        pub(crate) struct Names { $(pub(crate) $name: Py<PyString>),* }

        impl Names {
            fn new(py: Python<'_>) -> Self {
                Self { $($name: PyString::intern(py, stringify!($name)).unbind()),* }
            }
        }
    };
}

names! {
    __module__, __qualname__, _context, _dict, attributes, context, description, dtype, get_span_context, items, decision, generate_span_id,
    generate_trace_id, is_recording, is_sampled, is_trace_id_random, should_sample, size, tolist, trace_state,
    status_code, to_header,
}

/// The one that [`load`] has found.
pub(crate) fn api(py: Python<'_>) -> &'static Api {
    API.get(py).expect("found while the module was loaded")
}

/// Finds everything.
pub(crate) fn load(py: Python<'_>) -> PyResult<()> {
    let found = Api::find(py)?;
    // A second interpreter cannot load this module, and a second load finds the same.
    let _ = API.set(py, found);
    Ok(())
}

impl Api {
    fn find(py: Python<'_>) -> PyResult<Self> {
        let trace = py.import("opentelemetry.trace")?;
        let collections = py.import("collections.abc")?;
        let context = py.import("opentelemetry.context")?;
        let get_type = |module: &Bound<'_, PyModule>, name: &str| {
            Ok::<_, PyErr>(module.getattr(name)?.cast_into::<PyType>()?.unbind())
        };
        let codes = trace.getattr("StatusCode")?;
        let kinds = trace.getattr("SpanKind")?;
        let code = |name: &str| Ok::<_, PyErr>(codes.getattr(name)?.unbind());
        let kind = |name: &str| Ok::<_, PyErr>(kinds.getattr(name)?.unbind());
        Ok(Self {
            runtime: Runtime::find(&context)?,
            context_type: get_type(&context, "Context")?,
            span_key: py
                .import("opentelemetry.trace.propagation")?
                .getattr("_SPAN_KEY")?
                .cast_into::<PyString>()?
                .unbind(),
            span_context_type: get_type(&trace, "SpanContext")?,
            trace_flags_type: get_type(&trace, "TraceFlags")?,
            trace_state_type: get_type(&trace, "TraceState")?,
            status_type: get_type(&trace, "Status")?,
            status_codes: [code("UNSET")?, code("OK")?, code("ERROR")?],
            span_kinds: [
                kind("INTERNAL")?,
                kind("SERVER")?,
                kind("CLIENT")?,
                kind("PRODUCER")?,
                kind("CONSUMER")?,
            ],
            sequence: get_type(&collections, "Sequence")?,
            mapping: get_type(&collections, "Mapping")?,
            format_exception: py.import("traceback")?.getattr("format_exception")?.unbind(),
            names: Names::new(py),
            logging: logs::Names::find(py)?,
            join: join::Found::find(py)?,
            python: Helpers::find(py)?,
        })
    }
}

impl Runtime {
    fn find(context: &Bound<'_, PyModule>) -> PyResult<Self> {
        let py = context.py();
        let runtime = context.getattr("_RUNTIME_CONTEXT")?;
        let usual = py
            .import("opentelemetry.context.contextvars_context")?
            .getattr("ContextVarsRuntimeContext")?;
        if runtime.get_type().is(&usual) {
            let variable = runtime.getattr("_current_context")?;
            return Ok(Self::Variable {
                get: variable.getattr("get")?.unbind(),
                set: variable.getattr("set")?.unbind(),
                reset: variable.getattr("reset")?.unbind(),
            });
        }
        Ok(Self::Other {
            current: runtime.getattr("get_current")?.unbind(),
            attach: runtime.getattr("attach")?.unbind(),
            detach: runtime.getattr("detach")?.unbind(),
        })
    }
}

impl Helpers {
    /// Makes a decorator of a context manager.
    pub(crate) fn decorate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.load.bind(py).call1(("oxitel._decorate",))?.getattr("decorate")
    }

    /// Begins the thread that runs callbacks of instruments.
    pub(crate) fn begin_to_answer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.load.bind(py).call1(("oxitel._observe",))?.getattr("begin_to_answer")
    }

    /// What a span shows of itself: a class or function of this name.
    pub(crate) fn shown<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        self.load.bind(py).call1(("oxitel._readable",))?.getattr(name)
    }

    /// The API's module, which loads much.
    pub(crate) fn baggage<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.load.bind(py).call1(("opentelemetry.baggage",))
    }

    fn find(py: Python<'_>) -> PyResult<Self> {
        let said = py.import("oxitel._said")?;
        Ok(Self {
            load: py.import("oxitel._fork")?.getattr("load")?.unbind(),
            detach_failed: said.getattr("detach_failed")?.unbind(),
            ended: said.getattr("ended")?.unbind(),
            failed: said.getattr("failed")?.unbind(),
            refused: said.getattr("refused")?.unbind(),
            interrupt_main: py.import("_thread")?.getattr("interrupt_main")?.unbind(),
        })
    }
}
