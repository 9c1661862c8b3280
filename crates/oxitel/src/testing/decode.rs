//! Bytes that arrived, decoded by `opentelemetry-proto`: the judge that owes our encoder nothing.
//!
//! Flow: `server` -> **decode** -> `inbox`, then `tree` and `judge`.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message as _;

use super::log::{LogEntry, entries};

/// A span as it arrived, with the resource and the scope it stood under.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanRecord {
    /// Who recorded it; shared by the spans of one request.
    pub resource: Arc<Resource>,
    /// The library that recorded it.
    pub scope: Arc<InstrumentationScope>,
    /// The span itself.
    pub span: Span,
}

impl SpanRecord {
    /// The resource's `service.name`, or nothing when it has none.
    pub fn service(&self) -> &str {
        match find(&self.resource.attributes, "service.name") {
            Some(Value::StringValue(name)) => name,
            _ => "",
        }
    }

    /// The trace's id in hex.
    pub fn trace_id(&self) -> String {
        hex(&self.span.trace_id)
    }

    /// The span's id in hex.
    pub fn span_id(&self) -> String {
        hex(&self.span.span_id)
    }

    /// The value of the span's attribute `key`; the first, should the sender have repeated it.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        find(&self.span.attributes, key)
    }
}

/// The three kinds of export request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Logs,
    Metrics,
}

/// What a request holds, decoded.
#[derive(Default)]
pub(super) struct Decoded {
    pub(super) spans: Vec<SpanRecord>,
    pub(super) logs: Vec<LogEntry>,
    pub(super) metrics: Vec<ResourceMetrics>,
}

impl Decoded {
    /// Leaves out the last records, so many.
    pub(super) fn refuse(&mut self, count: usize) {
        self.spans.truncate(self.spans.len().saturating_sub(count));
        self.logs.truncate(self.logs.len().saturating_sub(count));
    }
}

impl Signal {
    /// The signal that an HTTP path stands for.
    pub(super) fn of_path(path: &str) -> Option<Signal> {
        match path {
            "/v1/traces" => Some(Signal::Traces),
            "/v1/logs" => Some(Signal::Logs),
            "/v1/metrics" => Some(Signal::Metrics),
            _ => None,
        }
    }

    /// The signal that a gRPC method stands for.
    pub(super) fn of_method(path: &str) -> Option<Signal> {
        match path {
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Some(Signal::Traces),
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Some(Signal::Logs),
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => {
                Some(Signal::Metrics)
            }
            _ => None,
        }
    }

    /// Decodes an export request.
    pub(super) fn decode(self, message: &[u8]) -> Result<Decoded, prost::DecodeError> {
        let mut decoded = Decoded::default();
        match self {
            Signal::Traces => decoded.spans = spans(ExportTraceServiceRequest::decode(message)?),
            Signal::Logs => decoded.logs = entries(ExportLogsServiceRequest::decode(message)?),
            Signal::Metrics => {
                decoded.metrics = ExportMetricsServiceRequest::decode(message)?.resource_metrics;
            }
        }
        Ok(decoded)
    }

    /// Encodes the export response; full success leaves `partial_success` unset.
    pub(super) fn response(self, partial: Option<(i64, String)>) -> Vec<u8> {
        match self {
            Signal::Traces => ExportTraceServiceResponse {
                partial_success: partial.map(|(rejected_spans, error_message)| {
                    ExportTracePartialSuccess { rejected_spans, error_message }
                }),
            }
            .encode_to_vec(),
            Signal::Logs => ExportLogsServiceResponse {
                partial_success: partial.map(|(rejected_log_records, error_message)| {
                    ExportLogsPartialSuccess { rejected_log_records, error_message }
                }),
            }
            .encode_to_vec(),
            Signal::Metrics => ExportMetricsServiceResponse {
                partial_success: partial.map(|(rejected_data_points, error_message)| {
                    ExportMetricsPartialSuccess { rejected_data_points, error_message }
                }),
            }
            .encode_to_vec(),
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Signal::Traces => "ExportTraceServiceRequest",
            Signal::Logs => "ExportLogsServiceRequest",
            Signal::Metrics => "ExportMetricsServiceRequest",
        })
    }
}

/// Bytes as lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn spans(request: ExportTraceServiceRequest) -> Vec<SpanRecord> {
    request.resource_spans.into_iter().flat_map(spans_of_resource).collect()
}

fn spans_of_resource(group: ResourceSpans) -> impl Iterator<Item = SpanRecord> {
    let resource = Arc::new(group.resource.unwrap_or_default());
    group.scope_spans.into_iter().flat_map(move |group| {
        let resource = Arc::clone(&resource);
        let scope = Arc::new(group.scope.unwrap_or_default());
        group.spans.into_iter().map(move |span| SpanRecord {
            resource: Arc::clone(&resource),
            scope: Arc::clone(&scope),
            span,
        })
    })
}

pub(super) fn find<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()
}
