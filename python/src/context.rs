//! The current Context of the API, the span in it, and span contexts as ours.

use crate::api::{Api, Runtime};
use crate::span::Span;
use oxitel::{SpanContext, SpanId, TraceFlags, TraceId};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

impl Runtime {
    /// The current Context.
    pub(crate) fn current<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Variable { get, .. } => get.bind(py).call0(),
            Self::Other { current, .. } => current.bind(py).call0(),
        }
    }

    /// Makes a Context current, and returns what [`detach`](Self::detach) needs.
    pub(crate) fn attach<'py>(&self, context: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = context.py();
        match self {
            Self::Variable { set, .. } => set.bind(py).call1((context,)),
            Self::Other { attach, .. } => attach.bind(py).call1((context,)),
        }
    }

    /// Makes the one before current again.
    pub(crate) fn detach(&self, token: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = token.py();
        match self {
            Self::Variable { reset, .. } => reset.bind(py).call1((token,)),
            Self::Other { detach, .. } => detach.bind(py).call1((token,)),
        }
        .map(drop)
    }
}

impl Api {
    /// The Context that was given, or the current one.
    pub(crate) fn given_or_current<'py>(
        &self,
        py: Python<'py>,
        given: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        given.map_or_else(|| self.runtime.current(py), |given| Ok(given.clone()))
    }

    /// The span in a Context.
    pub(crate) fn span_in<'py>(
        &self,
        context: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        match context.cast::<PyDict>() {
            Ok(context) => context.get_item(self.span_key.bind(context.py())),
            Err(_) => Ok(None),
        }
    }

    /// What travels of the span in a Context; none of what is no span.
    pub(crate) fn place_in(&self, context: &Bound<'_, PyAny>) -> SpanContext {
        let span = self.span_in(context).ok().flatten();
        let place = span.and_then(|span| self.place_of(&span).ok());
        place.unwrap_or(SpanContext::NONE)
    }

    /// What travels of a span, ours or another one.
    pub(crate) fn place_of(&self, span: &Bound<'_, PyAny>) -> PyResult<SpanContext> {
        if let Ok(span) = span.cast_exact::<Span>() {
            return Ok(span.get().place().clone());
        }
        let context = span.call_method0(&self.names.get_span_context)?;
        Ok(self.of_api(&context))
    }

    /// A `SpanContext` of the API as ours; anything else is none.
    pub(crate) fn of_api(&self, context: &Bound<'_, PyAny>) -> SpanContext {
        self.read(context).unwrap_or(SpanContext::NONE)
    }

    fn read(&self, context: &Bound<'_, PyAny>) -> Option<SpanContext> {
        let context = context.cast::<PyTuple>().ok()?;
        let item = |index| context.get_item(index).ok();
        let trace_id: u128 = item(0)?.extract().ok()?;
        let span_id: u64 = item(1)?.extract().ok()?;
        let is_remote: bool = item(2)?.extract().ok()?;
        let flags: u8 = item(3)?.extract().ok()?;
        let state = item(4)?;
        // The usual one is a dict in an object: a look at it runs no bytecode.
        let entries = state.getattr(&self.names._dict);
        let is_empty = entries.is_ok_and(|entries| entries.len().is_ok_and(|length| length == 0));
        let trace_state = if is_empty || !state.is_truthy().ok()? {
            None
        } else {
            Some(state.call_method0(&self.names.to_header).ok()?.extract::<String>().ok()?)
        };
        let trace_id = TraceId::from_bytes(trace_id.to_be_bytes());
        let span_id = SpanId::from_bytes(span_id.to_be_bytes());
        let context = if is_remote { SpanContext::remote } else { SpanContext::local };
        Some(context(trace_id, span_id, TraceFlags(flags), trace_state.as_deref()))
    }

    /// Ours as a `SpanContext` of the API.
    pub(crate) fn to_api<'py>(
        &self,
        py: Python<'py>,
        context: &SpanContext,
    ) -> PyResult<Bound<'py, PyAny>> {
        let trace_id = u128::from_be_bytes(context.trace_id().to_bytes());
        let span_id = u64::from_be_bytes(context.span_id().to_bytes());
        let flags = self.trace_flags_type.bind(py).call1((context.flags().0,))?;
        let remote = context.is_remote();
        let of = self.span_context_type.bind(py);
        if context.trace_state().is_empty() {
            return of.call1((trace_id, span_id, remote, flags));
        }
        let state = self
            .trace_state_type
            .bind(py)
            .call_method1("from_header", ((context.trace_state(),),))?;
        of.call1((trace_id, span_id, remote, flags, state))
    }

    /// A Context with this span in it.
    pub(crate) fn context_with<'py>(
        &self,
        context: &Bound<'py, PyAny>,
        span: &Bound<'py, Span>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = context.py();
        let of = self.context_type.bind(py);
        let with = match context.cast::<PyDict>() {
            Ok(context) => {
                // The type by itself would look for `keys` first, as in any mapping.
                let with = of.call0()?;
                if !context.is_empty() {
                    with.cast::<PyDict>()?.update(context.as_mapping())?;
                }
                with
            }
            Err(_) => of.call1((context,))?,
        };
        // The API's type refuses `context[key] = …`; the dict that it is does not.
        with.cast::<PyDict>()?.set_item(self.span_key.bind(py), span)?;
        Ok(with)
    }
}
