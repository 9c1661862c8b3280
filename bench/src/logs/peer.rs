//! `opentelemetry-appender-tracing` with the SDK's batch processor and OTLP exporter, and the JSON
//! of `tracing-subscriber`.

use super::Sample;
use super::work::{SPAN, TRACE, event, measure};
use crate::candidates::without_feedback;
use anyhow::Context as _;
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceState};
use opentelemetry::{Context, SpanId, TraceFlags, TraceId};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, Protocol, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use std::fs::File;
use std::sync::Arc;
use tracing_subscriber::layer::SubscriberExt;

pub(super) fn appender(endpoint: &str) -> anyhow::Result<Sample> {
    let exporter = LogExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{endpoint}/v1/logs"))
        .build()
        .context("no OTLP exporter")?;
    let provider = SdkLoggerProvider::builder()
        .with_resource(Resource::builder_empty().with_service_name("bench").build())
        .with_batch_exporter(exporter)
        .build();
    let registry = tracing_subscriber::registry().with(without_feedback());
    let subscriber = registry.with(OpenTelemetryTracingBridge::new(&provider));
    tracing::subscriber::set_global_default(subscriber).context("the global subscriber")?;
    let (trace, span) = (TraceId::from_bytes(TRACE), SpanId::from_bytes(SPAN));
    let above = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::default());
    let _here = Context::new().with_remote_span_context(above).attach();
    let sample = measure(event, || provider.force_flush().context("the SDK's force_flush"))?;
    provider.shutdown().context("the SDK's shutdown")?;
    Ok(sample)
}

/// Without the names and fields of spans, which cost it more.
pub(super) fn fmt_json() -> anyhow::Result<Sample> {
    let nowhere = Arc::new(File::create("/dev/null").context("/dev/null")?);
    let json = tracing_subscriber::fmt::layer()
        .json()
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(nowhere);
    let subscriber = tracing_subscriber::registry().with(without_feedback()).with(json);
    tracing::subscriber::set_global_default(subscriber).context("the global subscriber")?;
    measure(event, || Ok(()))
}
