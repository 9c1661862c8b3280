//! `opentelemetry_sdk` with its batch processor and OTLP exporter, spans attached as current.

use crate::measure::{Order, measure};
use crate::workload::{
    CACHE_HIT, CHILDREN, Inputs, METHOD, STATUS, USER, cache_hit, method, status,
};
use anyhow::Context as _;
use opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, ContextGuard, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider};

pub(super) fn run(order: &Order) -> anyhow::Result<()> {
    let provider = provider(order)?;
    let tracer = provider.tracer("bench");
    measure(order, |inputs| record(&tracer, inputs), || flush(&provider))?;
    provider.shutdown().context("the SDK's shutdown")
}

/// What `tracing-opentelemetry` and `fastrace-opentelemetry` send with, too.
pub(super) fn exporter(order: &Order) -> anyhow::Result<SpanExporter> {
    SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", order.endpoint))
        .build()
        .context("no OTLP exporter")
}

pub(super) fn resource() -> Resource {
    Resource::builder_empty().with_service_name("bench").build()
}

pub(super) fn provider(order: &Order) -> anyhow::Result<SdkTracerProvider> {
    let ratio = if order.case.sends() { 1.0 } else { 0.0 };
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio)));
    Ok(SdkTracerProvider::builder()
        .with_resource(resource())
        .with_sampler(sampler)
        .with_span_processor(BatchSpanProcessor::builder(exporter(order)?).build())
        .build())
}

pub(super) fn flush(provider: &SdkTracerProvider) -> anyhow::Result<()> {
    provider.force_flush().context("the SDK's force_flush")
}

fn record(tracer: &SdkTracer, inputs: &mut Inputs) {
    let _root = enter(tracer, "root", inputs);
    for _ in 0..CHILDREN {
        let _child = enter(tracer, "child", inputs);
    }
}

#[inline(always)]
fn enter(tracer: &SdkTracer, name: &'static str, inputs: &mut Inputs) -> ContextGuard {
    let attributes = [
        KeyValue::new(METHOD, method()),
        KeyValue::new(USER, inputs.user().to_owned()),
        KeyValue::new(STATUS, status()),
        KeyValue::new(CACHE_HIT, cache_hit()),
    ];
    let span = tracer.span_builder(name).with_attributes(attributes).start(tracer);
    Context::current_with_span(span).attach()
}
