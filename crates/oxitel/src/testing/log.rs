//! Log records as they arrived, and as lines of text.
//!
//! Flow: `decode` -> **log** -> `receiver`.

use std::fmt;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::decode::{SpanRecord, find, hex};
use super::value::{any_value, attributes};

/// A log record as it arrived, with the resource and the scope it stood under.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// Who recorded it; shared by the records of one request.
    pub resource: Arc<Resource>,
    /// The library that recorded it.
    pub scope: Arc<InstrumentationScope>,
    /// The record itself.
    pub record: LogRecord,
}

impl LogEntry {
    /// The trace's id in hex; empty outside of a trace.
    pub fn trace_id(&self) -> String {
        hex(&self.record.trace_id)
    }

    /// The span's id in hex; empty outside of a span.
    pub fn span_id(&self) -> String {
        hex(&self.record.span_id)
    }

    /// The value of the attribute `key`; the first, should the sender have repeated it.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        find(&self.record.attributes, key)
    }

    /// The body as text; of one that is no text, its notation.
    pub fn body(&self) -> String {
        match self.record.body.as_ref().and_then(|body| body.value.as_ref()) {
            Some(Value::StringValue(text)) => text.clone(),
            _ => any_value(self.record.body.as_ref()),
        }
    }
}

/// `INFO scope: body key=value`.
impl fmt::Display for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LogRecord { severity_text, event_name, .. } = &self.record;
        write!(f, "{severity_text} {}: ", self.scope.name)?;
        if !event_name.is_empty() {
            write!(f, "<{event_name}> ")?;
        }
        write!(f, "{}{}", self.body(), attributes(&self.record.attributes))?;
        match self.record.dropped_attributes_count {
            0 => Ok(()),
            dropped => write!(f, " dropped={dropped}"),
        }
    }
}

/// One line for each record, in the order of their times; where its span is among `spans`, the
/// span's name stands behind it. Places in the source are left out.
pub fn log_lines(logs: &[LogEntry], spans: &[SpanRecord]) -> String {
    let mut logs = logs.to_vec();
    logs.sort_by_key(|entry| entry.record.time_unix_nano);
    let line = |mut entry: LogEntry| {
        entry.record.attributes.retain(|pair| !pair.key.starts_with("code."));
        let span = spans.iter().find(|span| span.span.span_id == entry.record.span_id);
        let place = match span {
            Some(span) if span.span.trace_id == entry.record.trace_id => {
                format!(" (in {})", span.span.name)
            }
            _ if entry.record.span_id.is_empty() => String::new(),
            _ => " (in a span that is not here)".to_owned(),
        };
        format!("{entry}{place}\n")
    };
    logs.into_iter().map(line).collect()
}

pub(super) fn entries(request: ExportLogsServiceRequest) -> Vec<LogEntry> {
    request.resource_logs.into_iter().flat_map(entries_of_resource).collect()
}

fn entries_of_resource(group: ResourceLogs) -> impl Iterator<Item = LogEntry> {
    let resource = Arc::new(group.resource.unwrap_or_default());
    group.scope_logs.into_iter().flat_map(move |group| {
        let resource = Arc::clone(&resource);
        let scope = Arc::new(group.scope.unwrap_or_default());
        group.log_records.into_iter().map(move |record| LogEntry {
            resource: Arc::clone(&resource),
            scope: Arc::clone(&scope),
            record,
        })
    })
}
