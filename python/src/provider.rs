//! What all tracers of the process share: the processors, sampler and ids of the program.

use crate::api::api;
use crate::span::Span;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The one of this process.
pub(crate) static PROVIDER: Provider = Provider {
    has_processors: AtomicBool::new(false),
    processors: Mutex::new(None),
    has_deciders: AtomicBool::new(false),
    deciders: Mutex::new(None),
};

/// What the tracer provider in Python keeps here.
pub(crate) struct Provider {
    has_processors: AtomicBool,
    /// Locked for moments, and never while code of the program runs.
    processors: Mutex<Option<Arc<[Arc<Processor>]>>>,
    has_deciders: AtomicBool,
    deciders: Mutex<Option<Arc<Deciders>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Provider {
    /// The processors of the program, as they are now.
    #[inline]
    pub(crate) fn processors(&self) -> Processors {
        if !self.has_processors.load(Ordering::Relaxed) {
            return Processors(None);
        }
        Processors(locked(&self.processors).clone())
    }

    /// The program's own sampler and generator of ids, if it has any.
    #[inline]
    pub(crate) fn deciders(&self) -> Option<Arc<Deciders>> {
        let has_any = self.has_deciders.load(Ordering::Relaxed);
        has_any.then(|| locked(&self.deciders).clone()).flatten()
    }
}

/// A span processor in Python.
struct Processor {
    start: Py<PyAny>,
    ending: Option<Py<PyAny>>,
    end: Py<PyAny>,
}

/// Those of a moment.
pub(crate) struct Processors(Option<Arc<[Arc<Processor>]>>);

impl Processors {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn each(&self, py: Python<'_>, what: &str, call: impl Fn(&Processor) -> Option<PyResult<()>>) {
        for processor in self.0.iter().flat_map(|all| all.iter()) {
            if let Some(Err(error)) = call(processor) {
                said(py, what, error);
            }
        }
    }

    pub(crate) fn on_start(&self, span: &Bound<'_, Span>, context: &Bound<'_, PyAny>) {
        let py = span.py();
        self.each(py, "on_start", |processor| {
            Some(processor.start.bind(py).call1((span, context)).map(drop))
        });
    }

    pub(crate) fn on_ending(&self, span: &Bound<'_, Span>) {
        let py = span.py();
        self.each(py, "_on_ending", |processor| {
            let ending = processor.ending.as_ref()?;
            Some(ending.bind(py).call1((span,)).map(drop))
        });
    }

    pub(crate) fn on_end(&self, span: &Bound<'_, Span>) {
        let py = span.py();
        self.each(py, "on_end", |processor| Some(processor.end.bind(py).call1((span,)).map(drop)));
    }
}

/// From now on a processor sees each recorded span, after those that are there.
#[pyfunction]
pub(crate) fn add_processor(processor: &Bound<'_, PyAny>) -> PyResult<()> {
    let fresh = Arc::new(Processor {
        start: processor.getattr("on_start")?.unbind(),
        ending: processor.getattr_opt("_on_ending")?.map(Bound::unbind),
        end: processor.getattr("on_end")?.unbind(),
    });
    let mut all = locked(&PROVIDER.processors);
    let known = all.iter().flat_map(|all| all.iter()).cloned();
    let with_it = known.chain([fresh]).collect();
    let before = all.replace(with_it);
    drop(all);
    drop(before);
    PROVIDER.has_processors.store(true, Ordering::Relaxed);
    Ok(())
}

/// No processor sees any span.
#[pyfunction]
pub(crate) fn clear_processors() {
    PROVIDER.has_processors.store(false, Ordering::Relaxed);
    let before = locked(&PROVIDER.processors).take();
    // Out here: the end of an object may run code of the program.
    drop(before);
}

/// Objects of the program that decide about spans before there are any.
pub(crate) struct Deciders {
    pub(crate) sampler: Option<Py<PyAny>>,
    pub(crate) ids: Option<Py<PyAny>>,
}

/// Puts a sampler and a generator of ids in place of the engine's; `None` leaves that one.
#[pyfunction]
#[pyo3(signature = (sampler=None, id_generator=None))]
pub(crate) fn set_deciders(sampler: Option<Py<PyAny>>, id_generator: Option<Py<PyAny>>) {
    let has_any = sampler.is_some() || id_generator.is_some();
    let fresh = has_any.then(|| Arc::new(Deciders { sampler, ids: id_generator }));
    let before = std::mem::replace(&mut *locked(&PROVIDER.deciders), fresh);
    PROVIDER.has_deciders.store(has_any, Ordering::Relaxed);
    drop(before);
}

/// Tells that code of the program failed in a place where nobody can answer for it.
pub(crate) fn said(py: Python<'_>, what: &str, error: PyErr) {
    if interrupts(py, &error) {
        return;
    }
    if api(py).python.failed.bind(py).call1((what, error.clone_ref(py))).is_err() {
        error.write_unraisable(py, None);
    }
}

/// Whether somebody stopped the program by hand while code of it ran for us. It stops after that:
/// nothing raises where we are.
pub(crate) fn interrupts(py: Python<'_>, error: &PyErr) -> bool {
    // It fails where nobody handles the signal, and nobody waits for it there.
    error.is_instance_of::<PyKeyboardInterrupt>(py)
        && api(py).python.interrupt_main.bind(py).call0().is_ok()
}
