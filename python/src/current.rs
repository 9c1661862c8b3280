//! `start_as_current_span`: a context manager, and a decorator.

use crate::api::api;
use crate::provider::said;
use crate::span::{OnExit, Span, is_error};
use crate::tracer::{Asked, Tracer};
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A span to be: it begins at `__enter__`, and is current until `__exit__`.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct CurrentSpan {
    tracer: Py<Tracer>,
    name: Py<PyString>,
    /// Context, kind, attributes, links and start time.
    given: [Option<Py<PyAny>>; 5],
    on_exit: OnExit,
    end_on_exit: bool,
    /// Whether `entered` holds something: a look at it costs no lock.
    is_entered: AtomicBool,
    /// The span while it is current, with what makes the one before current again.
    entered: Mutex<Option<(Py<Span>, Py<PyAny>)>>,
}

impl CurrentSpan {
    pub(crate) fn new(
        tracer: Py<Tracer>,
        name: Py<PyString>,
        given: [Option<Py<PyAny>>; 5],
        on_exit: OnExit,
        end_on_exit: bool,
    ) -> Self {
        let (is_entered, entered) = (AtomicBool::new(false), Mutex::new(None));
        Self { tracer, name, given, on_exit, end_on_exit, is_entered, entered }
    }

    fn entered(&self) -> MutexGuard<'_, Option<(Py<Span>, Py<PyAny>)>> {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CurrentSpan {
    fn leave(&self) -> Option<(Py<Span>, Py<PyAny>)> {
        let mut entered = self.entered();
        self.is_entered.store(false, Ordering::Relaxed);
        entered.take()
    }

    /// Begins the span, below the given Context or this one.
    fn begin<'py>(&self, current: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Span>> {
        let py = current.py();
        let [context, kind, attributes, links, start_time] =
            self.given.each_ref().map(|given| given.as_ref().map(|given| given.bind(py)));
        let context = context.filter(|context| !context.is_none()).unwrap_or(current).clone();
        let asked = Asked {
            name: self.name.bind(py),
            context,
            kind,
            attributes,
            links,
            start_time,
            on_exit: self.on_exit,
        };
        Tracer::begin(self.tracer.bind(py), &asked)
    }
}

#[pymethods]
impl CurrentSpan {
    fn __enter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Span>> {
        let twice = || PyRuntimeError::new_err("this span is entered already");
        if self.is_entered.load(Ordering::Relaxed) {
            return Err(twice());
        }
        let api = api(py);
        let current = api.runtime.current(py)?;
        let span = self.begin(&current)?;
        let token = api.runtime.attach(&api.context_with(&current, &span)?)?;
        let held = (span.clone().unbind(), token.unbind());
        // Another thread or task may have entered it since: that one's span stays.
        let refused = {
            let mut entered = self.entered();
            self.is_entered.store(true, Ordering::Relaxed);
            if entered.is_some() { Some(held) } else { entered.replace(held) }
        };
        let Some((span, token)) = refused else { return Ok(span) };
        api.runtime.detach(token.bind(py))?;
        Span::finish(span.bind(py), None);
        Err(twice())
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> bool {
        let Some((span, token)) = self.leave() else { return false };
        let (span, token, api) = (span.into_bound(py), token.into_bound(py), api(py));
        if let Err(error) = api.runtime.detach(&token)
            && let Err(error) = api.python.detach_failed.bind(py).call1((error,))
        {
            said(py, "detach", error);
        }
        if !error.is_none() && is_error(error) && span.get().is_live() {
            span.get().note_exception(error, false);
        }
        if self.end_on_exit {
            Span::finish(&span, None);
        }
        false
    }

    /// Begins the span and makes nothing current: a generator does that step by step.
    fn _begin<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Span>> {
        self.begin(&api(py).runtime.current(py)?)
    }

    /// A fresh one, for each call of a decorated function.
    fn _recreate_cm(&self, py: Python<'_>) -> Self {
        let given = self.given.each_ref().map(|given| given.as_ref().map(|it| it.clone_ref(py)));
        Self::new(
            self.tracer.clone_ref(py),
            self.name.clone_ref(py),
            given,
            self.on_exit,
            self.end_on_exit,
        )
    }

    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        function: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        api(slf.py()).python.decorate(slf.py())?.call1((slf, function))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for given in self.given.iter().flatten() {
            visit.call(given)?;
        }
        // Nobody holds the lock while the collector runs; if so, it keeps what is in there.
        if let Ok(entered) = self.entered.try_lock()
            && let Some((span, token)) = &*entered
        {
            visit.call(span)?;
            visit.call(token)?;
        }
        Ok(())
    }
}
