//! Spans as Python holds them.

use crate::api::api;
use crate::attributes::{each_pair, key_text, lend_pairs, owned_pairs, printed, text, with_value};
use crate::provider::PROVIDER;
use crate::readable;
use crate::tracer::Tracer;
use oxitel::binding::LiveSpan;
use oxitel::{SpanContext, Status, Value};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A span: the one of the OpenTelemetry API, and readable as the SDK's is, also when it is not
/// sampled and after its end.
#[pyclass(frozen, weakref, module = "oxitel._native")]
pub(crate) struct Span {
    /// Locked for moments, and never while code of the program runs.
    live: Mutex<LiveSpan>,
    /// Whether anything is recorded of it, from its beginning to its end: what is set on one that
    /// is not sampled is not even looked at.
    is_kept: bool,
    /// What travels of it.
    place: SpanContext,
    /// What travels of the span above it.
    parent: SpanContext,
    /// As it began: what an unsampled span still knows.
    name: Py<PyString>,
    kind: usize,
    on_exit: OnExit,
    tracer: Py<Tracer>,
    /// What `get_span_context` gave first.
    shown: Mutex<Option<Py<PyAny>>>,
}

/// What an exception does that leaves a `with` block.
#[derive(Clone, Copy)]
pub(crate) struct OnExit {
    pub(crate) record_exception: bool,
    pub(crate) set_status: bool,
}

impl Span {
    pub(crate) fn new(
        live: LiveSpan,
        parent: SpanContext,
        (name, kind): (Py<PyString>, usize),
        on_exit: OnExit,
        tracer: Py<Tracer>,
    ) -> Self {
        // One without a place of its own passes its parent's on.
        let place = if live.has_place() { live.context() } else { parent.clone() };
        let is_kept = live.is_recording();
        let (live, shown) = (Mutex::new(live), Mutex::new(None));
        Self { live, is_kept, place, parent, name, kind, on_exit, tracer, shown }
    }

    /// One that somebody else records: here it is a place in a trace.
    pub(crate) fn passing(
        place: SpanContext,
        (name, kind): (Py<PyString>, usize),
        tracer: Py<Tracer>,
    ) -> Self {
        let on_exit = OnExit { record_exception: false, set_status: false };
        let parent = SpanContext::NONE;
        let span = Self::new(LiveSpan::nothing(), parent, (name, kind), on_exit, tracer);
        Self { place, ..span }
    }

    pub(crate) fn place(&self) -> &SpanContext {
        &self.place
    }

    pub(crate) fn live(&self) -> MutexGuard<'_, LiveSpan> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_live(&self) -> bool {
        self.is_kept && self.live().is_recording()
    }

    pub(crate) fn started_name(&self) -> &Py<PyString> {
        &self.name
    }

    /// Sets what was given when it began.
    pub(crate) fn set_all(&self, attributes: &Bound<'_, PyAny>) {
        if self.is_kept {
            let api = api(attributes.py());
            each_pair(api, attributes, &mut |key, value| self.set(key, value));
        }
    }

    #[inline]
    fn set(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) {
        if !self.is_kept {
            return;
        }
        let api = api(key.py());
        let set = |key: &str| {
            with_value(api, value, |value| self.live().set_attribute(key, value));
        };
        match key.cast::<PyString>() {
            Ok(key) => set(&text(key)),
            Err(_) => set(&key_text(key)),
        }
    }

    /// The first of these to find the span ended says so, once a minute.
    fn warn_if_ended(&self, py: Python<'_>, what: &str) {
        if self.is_kept && self.live().end_ns().is_some() {
            // A failing logger is not the program's concern here.
            let _ = api(py).python.ended.bind(py).call1((what,));
        }
    }

    /// Notes an exception that leaves the span.
    pub(crate) fn note_exception(&self, error: &Bound<'_, PyAny>, escaped: bool) {
        if self.on_exit.record_exception {
            self.note(error, None, None, escaped);
        }
        if self.on_exit.set_status {
            self.fail_with(error);
        }
    }

    pub(crate) fn fail_with(&self, error: &Bound<'_, PyAny>) {
        let name = error.get_type().name();
        let name = name.as_ref().map_or("Exception".into(), text);
        let text = format!("{name}: {}", printed(error));
        self.live().set_status(&Status::Error(&text));
    }

    fn note(
        &self,
        error: &Bound<'_, PyAny>,
        attributes: Option<&Bound<'_, PyAny>>,
        time_ns: Option<u64>,
        escaped: bool,
    ) {
        if !self.is_live() {
            return;
        }
        let error_type = type_name(&error.get_type());
        let message = printed(error);
        let stack = stack_of(error);
        let extra = owned_pairs(api(error.py()), attributes);
        lend_pairs(extra, |extra| {
            let mut pairs: Vec<(&str, Value<'_>)> = vec![
                ("exception.type", Value::Str(&error_type)),
                ("exception.message", Value::Str(&message)),
                ("exception.stacktrace", Value::Str(&stack)),
                ("exception.escaped", Value::Str(if escaped { "True" } else { "False" })),
            ];
            pairs.extend_from_slice(extra);
            self.live().add_event("exception", time_ns, &pairs);
        });
    }

    /// Ends it, and shows it to the processors of the program.
    pub(crate) fn finish(slf: &Bound<'_, Self>, time_ns: Option<u64>) {
        let span = slf.get();
        if !span.is_kept {
            return;
        }
        let processors = PROVIDER.processors();
        if !processors.is_empty() && span.is_live() {
            processors.on_ending(slf);
        }
        if span.live().end(time_ns) {
            processors.on_end(slf);
        }
    }
}

/// `module.Name`, without the module of what is built in.
pub(crate) fn type_name(of: &Bound<'_, PyType>) -> String {
    let names = &api(of.py()).names;
    let part = |name: &Py<PyString>| {
        let part = of.getattr(name).ok()?;
        Some(text(part.cast::<PyString>().ok()?).into_owned())
    };
    let name = part(&names.__qualname__).unwrap_or_default();
    match part(&names.__module__) {
        Some(module) if !module.is_empty() && module != "builtins" => format!("{module}.{name}"),
        _ => name,
    }
}

/// The traceback as Python prints it.
pub(crate) fn stack_of(error: &Bound<'_, PyAny>) -> String {
    let format = api(error.py()).format_exception.bind(error.py());
    let lines = format.call1((error,)).and_then(|lines| lines.extract::<Vec<String>>());
    lines.map_or_else(|_| printed(error), |lines| lines.concat())
}

/// Nanoseconds since 1970; what cannot be one is not there.
pub(crate) fn time_ns(time: Option<&Bound<'_, PyAny>>) -> Option<u64> {
    time.filter(|time| !time.is_none()).and_then(|time| time.extract().ok())
}

#[pymethods]
impl Span {
    #[pyo3(signature = (end_time=None))]
    fn end(slf: &Bound<'_, Self>, end_time: Option<&Bound<'_, PyAny>>) {
        slf.get().warn_if_ended(slf.py(), "end");
        Self::finish(slf, time_ns(end_time));
    }

    fn get_span_context(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let shown = || self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(context) = &*shown() {
            return Ok(context.clone_ref(py));
        }
        let context = api(py).to_api(py, &self.place)?.unbind();
        let mut fresh = Some(context);
        let mut shown = shown();
        // A second one is dropped after the lock is: it was declared before.
        let kept = shown.get_or_insert_with(|| fresh.take().unwrap_or_else(|| py.None()));
        Ok(kept.clone_ref(py))
    }

    fn set_attribute(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) {
        self.set(key, value);
    }

    fn set_attributes(&self, attributes: &Bound<'_, PyAny>) {
        self.set_all(attributes);
    }

    #[pyo3(signature = (name, attributes=None, timestamp=None))]
    fn add_event(
        &self,
        name: &Bound<'_, PyAny>,
        attributes: Option<&Bound<'_, PyAny>>,
        timestamp: Option<&Bound<'_, PyAny>>,
    ) {
        if !self.is_kept {
            return;
        }
        let name_text = key_text(name);
        let pairs = owned_pairs(api(name.py()), attributes);
        lend_pairs(pairs, |pairs| self.live().add_event(&name_text, time_ns(timestamp), pairs));
    }

    #[pyo3(signature = (context, attributes=None))]
    fn add_link(&self, context: &Bound<'_, PyAny>, attributes: Option<&Bound<'_, PyAny>>) {
        if !self.is_kept {
            return;
        }
        let api = api(context.py());
        let to = api.of_api(context);
        let pairs = owned_pairs(api, attributes);
        if to.is_valid() || !pairs.is_empty() || !to.trace_state().is_empty() {
            lend_pairs(pairs, |pairs| self.live().add_link(&to, pairs));
        }
    }

    fn update_name(&self, name: &Bound<'_, PyAny>) {
        if self.is_kept {
            let name = key_text(name);
            self.live().update_name(&name);
        }
    }

    fn is_recording(&self) -> bool {
        self.is_live()
    }

    #[pyo3(signature = (status, description=None))]
    fn set_status(&self, status: &Bound<'_, PyAny>, description: Option<&Bound<'_, PyAny>>) {
        if !self.is_kept {
            return;
        }
        let api = api(status.py());
        let number = |of: &Bound<'_, PyAny>| api.status_codes.iter().position(|it| it.is(of));
        let (code, description) = if let Some(code) = number(status) {
            (Some(code), description.cloned())
        } else {
            let part = |name: &Py<PyString>| status.getattr_opt(name).ok().flatten();
            let code = part(&api.names.status_code);
            (code.and_then(|code| number(&code)), part(&api.names.description))
        };
        // What is no status says nothing.
        let Some(code) = code else { return };
        let description = description.filter(|text| !text.is_none());
        let description = description.map_or_else(String::new, |text| key_text(&text));
        self.live().set_status(&match code {
            1 => Status::Ok,
            2 => Status::Error(&description),
            _ => Status::Unset,
        });
    }

    #[pyo3(signature = (exception, attributes=None, timestamp=None, escaped=false))]
    fn record_exception(
        &self,
        exception: &Bound<'_, PyAny>,
        attributes: Option<&Bound<'_, PyAny>>,
        timestamp: Option<&Bound<'_, PyAny>>,
        escaped: bool,
    ) {
        self.note(exception, attributes, time_ns(timestamp), escaped);
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __exit__(
        slf: &Bound<'_, Self>,
        _kind: &Bound<'_, PyAny>,
        error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> bool {
        let span = slf.get();
        if !error.is_none() && span.is_live() {
            span.note_exception(error, true);
        }
        Self::finish(slf, None);
        false
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let context = self.get_span_context(py)?;
        Ok(format!("Span(name={:?}, context={})", readable::name(self, py), context.bind(py)))
    }

    // What the SDK's readable spans show.

    #[getter]
    fn name(&self, py: Python<'_>) -> String {
        readable::name(self, py)
    }

    #[getter]
    fn context(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.get_span_context(py)
    }

    #[getter]
    fn kind(&self, py: Python<'_>) -> Py<PyAny> {
        api(py).span_kinds[self.kind].clone_ref(py)
    }

    #[getter]
    fn parent<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.parent.is_valid().then(|| api(py).to_api(py, &self.parent)).transpose()
    }

    #[getter]
    fn start_time(&self) -> Option<u64> {
        // As a closure: the method itself is of one lifetime only.
        #[expect(clippy::redundant_closure_for_method_calls, reason = "see above")]
        self.live().read(|span| span.start_ns())
    }

    #[getter]
    fn end_time(&self) -> Option<u64> {
        self.live().end_ns()
    }

    #[getter]
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        readable::status(self, py)
    }

    #[getter]
    fn attributes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        readable::attributes(self, py)
    }

    #[getter]
    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        readable::events(self, py)
    }

    #[getter]
    fn links<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        readable::links(self, py)
    }

    #[getter]
    fn dropped_attributes(&self) -> u32 {
        self.live().read(|span| span.dropped().0).unwrap_or(0)
    }

    #[getter]
    fn dropped_events(&self) -> u32 {
        self.live().read(|span| span.dropped().1).unwrap_or(0)
    }

    #[getter]
    fn dropped_links(&self) -> u32 {
        self.live().read(|span| span.dropped().2).unwrap_or(0)
    }

    #[getter]
    fn resource<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        api(py).python.shown(py, "Resource")?.call1((crate::engine::resource(py)?,))
    }

    #[pyo3(signature = (indent=Some(4)))]
    fn to_json<'py>(slf: &Bound<'py, Self>, indent: Option<usize>) -> PyResult<Bound<'py, PyAny>> {
        api(slf.py()).python.shown(slf.py(), "to_json")?.call1((slf, indent))
    }

    #[getter]
    fn instrumentation_scope<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.tracer.get().scope_for_people(py)
    }
}

/// Whether an exception counts as an error: what ends a program or a generator does not.
pub(crate) fn is_error(error: &Bound<'_, PyAny>) -> bool {
    error.is_instance_of::<PyException>()
}
