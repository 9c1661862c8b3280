//! OTLP in JSON: requests as `opentelemetry-proto` reads them, and answers in the same form.
//!
//! Flow: `http` -> **json** -> `answer` -> **json** -> `http`.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::decode::Signal;
use super::rpc_status::Status;

/// The request as protobuf.
pub(super) fn to_protobuf(signal: Signal, body: &[u8]) -> Result<Bytes, Refusal> {
    let bytes = match signal {
        Signal::Traces => read::<ExportTraceServiceRequest>(body),
        Signal::Logs => read::<ExportLogsServiceRequest>(body),
        Signal::Metrics => read::<ExportMetricsServiceRequest>(body),
    };
    bytes.map_err(|error| Refusal::new(400, format!("the body is no {signal} in JSON: {error}")))
}

fn read<M: Message + serde::de::DeserializeOwned>(body: &[u8]) -> serde_json::Result<Bytes> {
    serde_json::from_slice::<M>(body).map(|message| Bytes::from(message.encode_to_vec()))
}

/// The signal's response; full success has no `partialSuccess`.
pub(super) fn response(signal: Signal, partial: Option<(i64, String)>) -> Vec<u8> {
    let mut response = Map::new();
    if let Some((rejected, message)) = partial {
        let name = match signal {
            Signal::Traces => "rejectedSpans",
            Signal::Logs => "rejectedLogRecords",
            Signal::Metrics => "rejectedDataPoints",
        };
        // 64 bits are a text in JSON.
        let partial = json!({ name: rejected.to_string(), "errorMessage": message });
        response.insert("partialSuccess".to_owned(), partial);
    }
    Value::from(response).to_string().into_bytes()
}

/// A `google.rpc.Status` without its details.
pub(super) fn status(status: &Status) -> Vec<u8> {
    json!({ "code": status.code, "message": status.message }).to_string().into_bytes()
}
