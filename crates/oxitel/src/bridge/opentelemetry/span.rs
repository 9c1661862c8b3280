//! Spans of the OpenTelemetry API.

use super::convert::{Borrowed, from_api, status, to_api, with_pairs};
use crate::context::SpanContext;
use crate::pipeline::clock::wall_ns_of;
use crate::record;
use opentelemetry::KeyValue;
use opentelemetry::trace::{self, Status};
use std::borrow::Cow;
use std::time::SystemTime;

/// A span that a [`Tracer`](super::Tracer) made. It ends when it is ended or dropped; what is
/// set on it later is ignored.
#[derive(Debug)]
pub struct Span {
    /// `None` once it has ended.
    span: Option<record::Span>,
    context: trace::SpanContext,
}

impl Span {
    pub(super) fn of(span: record::Span) -> Self {
        let context = span.context();
        Self { context: to_api(&context.ids, context.trace_state.as_deref()), span: Some(span) }
    }

    /// Records nothing and hands on the parent's ids.
    pub(super) fn passed_on(parent: &SpanContext) -> Self {
        Self { context: to_api(&parent.ids, parent.trace_state.as_deref()), span: None }
    }

    pub(super) fn add_link_to(&mut self, to: &SpanContext, attributes: &[KeyValue]) {
        if let Some(span) = &mut self.span {
            with_pairs(attributes, |pairs| {
                span.add_link(to, pairs);
            });
        }
    }
}

impl trace::Span for Span {
    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        if let Some(span) = self.span.as_mut().filter(|span| span.is_recording()) {
            let name = name.into();
            with_pairs(&attributes, |pairs| span.add_event_at(wall_ns_of(timestamp), &name, pairs));
        }
    }

    fn span_context(&self) -> &trace::SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.span.as_ref().is_some_and(record::Span::is_recording)
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        if let Some(span) = &mut self.span {
            span.set_attribute(attribute.key.as_str(), Borrowed::of(&attribute.value).value());
        }
    }

    fn set_status(&mut self, given: Status) {
        if let Some(span) = &mut self.span {
            span.set_status(status(&given));
        }
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, name: T) {
        if let Some(span) = &mut self.span {
            span.update_name(&name.into());
        }
    }

    fn add_link(&mut self, context: trace::SpanContext, attributes: Vec<KeyValue>) {
        self.add_link_to(&from_api(&context), &attributes);
    }

    fn end(&mut self) {
        // Drops it: by our own clock, which a jump of the wall clock does not bend.
        self.span = None;
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        if let Some(span) = self.span.take() {
            span.end_at(wall_ns_of(timestamp));
        }
    }
}
