//! The process's propagators, for libraries that use the API's global one.

use super::baggage;
use super::convert::to_api;
use super::remote::RemoteParent;
use crate::context::SpanContext;
use crate::pipeline::{current, local};
use crate::propagate::{Extract, Inject, propagators};
use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;

/// Reads and writes the formats of [`Config::propagators`](crate::Config). [`init`](crate::init)
/// makes it the global one, also when nothing is recorded: a trace passes through then.
#[derive(Debug)]
pub struct ApiPropagator {
    fields: Vec<String>,
}

impl ApiPropagator {
    /// For the formats that are set now.
    pub fn new() -> Self {
        Self { fields: propagators().fields().map(str::to_owned).collect() }
    }
}

impl Default for ApiPropagator {
    fn default() -> Self {
        Self::new()
    }
}

impl TextMapPropagator for ApiPropagator {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        current::api_in_use();
        if context.is_telemetry_suppressed() {
            return;
        }
        let span = local::outgoing(context);
        let baggage = baggage::of_context(context);
        propagators().inject(&span, &baggage, &mut Into(injector));
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        current::api_in_use();
        let incoming = propagators().extract(&From(extractor));
        let (span, baggage) = incoming.into_parts();
        let mut extracted = context.clone();
        if span.is_valid() {
            extracted = with_remote(&extracted, &span);
        }
        if baggage.is_empty() { extracted } else { baggage::in_context(&extracted, &baggage) }
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}

/// The Context with this span of another process.
pub(crate) fn with_remote(context: &Context, span: &SpanContext) -> Context {
    let theirs = to_api(&span.ids, span.trace_state.as_deref());
    let remote = context.with_remote_span_context(theirs);
    // What the API's types may lose of it.
    remote.with_value(RemoteParent(span.clone()))
}

struct Into<'a>(&'a mut dyn Injector);

impl Inject for Into<'_> {
    fn set(&mut self, name: &str, value: &str) {
        self.0.set(name, value.to_owned());
    }
}

struct From<'a>(&'a dyn Extractor);

impl Extract for From<'_> {
    fn get_all(&self, name: &str, each: &mut dyn FnMut(&str)) {
        for value in self.0.get_all(name).into_iter().flatten() {
            each(value);
        }
    }

    fn visit(&self, each: &mut dyn FnMut(&str, &str)) {
        for name in self.0.keys() {
            for value in self.0.get_all(name).into_iter().flatten() {
                each(name, value);
            }
        }
    }
}
