//! Tests of the test tools, and the spans and bytes that they share.

mod grpc;
mod http;
mod judge;
mod tree;

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use super::SpanRecord;

/// A span of trace 1 that starts at `id` nanoseconds; parent 0 is none.
fn span(name: &str, id: u8, parent: u8) -> Span {
    Span {
        trace_id: vec![1; 16],
        span_id: vec![id; 8],
        parent_span_id: if parent == 0 { Vec::new() } else { vec![parent; 8] },
        name: name.to_owned(),
        kind: SpanKind::Internal as i32,
        start_time_unix_nano: u64::from(id),
        ..Span::default()
    }
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn resource(service: &str) -> Resource {
    let name = attribute("service.name", Value::StringValue(service.to_owned()));
    Resource { attributes: vec![name], ..Resource::default() }
}

fn record(service: &str, span: Span) -> SpanRecord {
    SpanRecord { resource: Arc::new(resource(service)), scope: Arc::default(), span }
}

/// An export request of the service `front` with these spans.
fn export(spans: Vec<Span>) -> Vec<u8> {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let group = ResourceSpans {
        resource: Some(resource("front")),
        scope_spans,
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![group] }.encode_to_vec()
}
