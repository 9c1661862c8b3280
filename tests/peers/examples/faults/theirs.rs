//! `opentelemetry_sdk` with its batch processor and `opentelemetry-otlp` over blocking reqwest, as
//! their documentation advises.

use crate::{SPANS, Told, milliseconds_since, pause, threads};
use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::time::Instant;

pub(crate) fn run(endpoint: &str) -> Told {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .build();
    let exporter = match exporter {
        Ok(exporter) => exporter,
        Err(error) => {
            return Told { says: format!("refused to start: {error}"), ..Told::default() };
        }
    };
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    let tracer = provider.tracer("faults");
    for number in 0..SPANS {
        let mut span = tracer.start("record");
        span.set_attribute(KeyValue::new("number", number as i64));
        span.end();
        pause();
    }
    let begun = Instant::now();
    let flushed = provider.force_flush();
    let most_threads = threads();
    let ended = provider.shutdown();
    let end_ms = milliseconds_since(begun);
    let says = match said(ended).as_str() {
        "Ok" => "–".to_owned(),
        error => format!("shutdown: {error}"),
    };
    Told { says, flush: said(flushed), end_ms, threads: most_threads }
}

/// In one line, and not longer than a cell of the table bears.
fn said(result: OTelSdkResult) -> String {
    match result {
        Ok(()) => "Ok".to_owned(),
        Err(error) => error.to_string().split(['\n', ',']).next().unwrap_or_default().into(),
    }
}
