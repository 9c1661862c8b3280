//! Carrying a trace across processes: W3C trace context in and out of any set of headers.

mod tracecontext;

use crate::context::{self, SpanContext};

/// Writes the current span into a request's headers; outside of any trace it writes nothing.
///
/// ```
/// let mut headers: Vec<(String, String)> = Vec::new();
/// oxitel::propagate::inject(|name, value| headers.push((name.into(), value.into())));
/// ```
pub fn inject(set: impl FnMut(&str, &str)) {
    inject_context(context::capture().span_context(), set);
}

/// Writes the given span into a request's headers.
pub fn inject_context(context: &SpanContext, mut set: impl FnMut(&str, &str)) {
    if context.is_valid() {
        set(tracecontext::TRACEPARENT, &tracecontext::traceparent(context));
        if !context.trace_state().is_empty() {
            set(tracecontext::TRACESTATE, context.trace_state());
        }
    }
}

/// Reads the caller's span from a request's headers; `None` when there is no valid one.
pub fn extract<'a>(mut get: impl FnMut(&str) -> Option<&'a str>) -> Option<SpanContext> {
    let parent = get(tracecontext::TRACEPARENT)?;
    tracecontext::read(parent, get(tracecontext::TRACESTATE))
}
