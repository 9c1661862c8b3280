//! The span that a measurement is made in: that of the Context that was given, else the current
//! one.

use crate::api::Api;
use crate::span::Span;
use oxitel::SpanContext;
use oxitel::binding::measurements_need_spans;
use pyo3::prelude::*;

/// Calls `take` with what travels of the span; with none when nobody would look at it.
#[inline]
pub(super) fn with_span<R>(
    api: &Api,
    py: Python<'_>,
    context: Option<&Bound<'_, PyAny>>,
    take: impl FnOnce(&SpanContext) -> R,
) -> R {
    if !measurements_need_spans() {
        return take(&SpanContext::NONE);
    }
    let given = context.filter(|context| !context.is_none());
    // A context that cannot be read has no span.
    let context = api.given_or_current(py, given).ok();
    let span = context.and_then(|context| api.span_in(&context).ok().flatten());
    match span {
        None => take(&SpanContext::NONE),
        Some(span) => match span.cast_exact::<Span>() {
            Ok(span) => take(span.get().place()),
            Err(_) => take(&api.place_of(&span).unwrap_or(SpanContext::NONE)),
        },
    }
}
