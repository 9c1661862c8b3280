//! A source and a processor in one program: events travel with their trace and their baggage from
//! the one to the other, and one of them fails. The processor counts and measures what it does.
//!
//! It follows the `OTEL_*` variables; without any it sends to `http://localhost:4317` by gRPC, as
//! the service `telemetry-demo`. Without a collector it runs to its end as well, and says what
//! was lost.

use processor::telemetry::{
    BaggageItem, MetricsRecorder, SpanBuilder, TelemetryConfig, context_with_span,
    extract_from_headers, get_baggage, init_telemetry, inject_into_headers, metric_attributes,
    metric_names, propagate_context, record_exception, with_baggage,
};
use processor::{OtelContext, OtelKeyValue, Span as _, SpanKind};
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::num::ParseFloatError;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Who records metrics.
const METER: &str = "processor";

/// What a message queue would carry.
struct Event {
    id: u32,
    payload: &'static str,
    /// When it came into being, in milliseconds since 1970.
    time: i64,
    headers: HashMap<String, String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut config = TelemetryConfig::from_env().with_service_version(env!("CARGO_PKG_VERSION"));
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        config = config.with_service_name("telemetry-demo");
    }
    println!("sending to {} ({:?})", config.tracing.otlp_endpoint, config.tracing.otlp_protocol);
    let providers = init_telemetry(config)?;

    let recorder = MetricsRecorder::new().with_attribute("service", "telemetry-demo");
    let mut tasks = Vec::new();
    for event in emit(&["12.5", "warm", "13.5"]) {
        // The context is the event's, not this loop's.
        let _guard = extract_from_headers(&event.headers).attach();
        tasks.push(tokio::spawn(propagate_context(process(event, recorder.clone()))));
    }
    for task in tasks {
        task.await?;
    }

    if let Err(error) = providers.shutdown().await {
        eprintln!("{error}");
    }
    println!("spans: {}", oxitel::stats());
    println!("points of metrics: {}", oxitel::stats_of(oxitel::SignalKind::Metrics));
    Ok(())
}

/// The source: each event leaves with the headers of its span.
fn emit(payloads: &[&'static str]) -> Vec<Event> {
    let batch = SpanBuilder::new("emit_batch").with_kind(SpanKind::Internal).start();
    let batch = with_baggage(&context_with_span(batch), [BaggageItem::new("tenant-id", "acme")]);
    let _current = batch.attach();
    let event = |(id, &payload): (u32, &&'static str)| {
        let span = SpanBuilder::new("emit_event")
            .with_kind(SpanKind::Producer)
            .with_attribute("event.id", i64::from(id))
            .start();
        let mut headers = HashMap::new();
        inject_into_headers(&context_with_span(span), &mut headers);
        Event { id, payload, time: now(), headers }
    };
    (1..).zip(payloads).map(event).collect()
}

/// The processor: one span for the event, one for the work inside.
async fn process(event: Event, recorder: MetricsRecorder) {
    let begun = Instant::now();
    let tenant = get_baggage(&OtelContext::current(), "tenant-id").unwrap_or_default();
    let mut span = SpanBuilder::new("process_event")
        .with_kind(SpanKind::Consumer)
        .with_attribute("event.id", i64::from(event.id))
        .with_attribute("event.type", "metric")
        .with_attribute("event.source", "demo")
        .with_attribute("tenant.id", tenant)
        .start();
    span.add_event("Validation started", vec![]);
    let counted = match parse(event.payload) {
        Ok(value) => {
            let result = vec![OtelKeyValue::new("result", "success")];
            span.add_event("Validation complete", result);
            let context = context_with_span(span);
            tokio::task::yield_now().await;
            let aggregate = SpanBuilder::new("aggregate").with_attribute("value", value);
            drop(aggregate.start_with_context(&context));
            println!("event {}: {value}", event.id);
            metric_names::EVENTS_PROCESSED
        }
        Err(error) => {
            record_exception(&mut span, &error);
            println!("event {}: {error}", event.id);
            metric_names::EVENTS_DROPPED
        }
    };
    measure(&recorder, &event, counted, begun);
}

/// Counts the event, and says how long it took and how old it is.
fn measure(recorder: &MetricsRecorder, event: &Event, counted: &str, begun: Instant) {
    let mut attributes = vec![OtelKeyValue::new(metric_attributes::EVENT_TYPE, "metric")];
    if counted == metric_names::EVENTS_DROPPED {
        attributes.push(OtelKeyValue::new(metric_attributes::DROP_REASON, "invalid"));
    }
    recorder.record_counter(METER, counted, 1, attributes);
    let took = begun.elapsed().as_secs_f64() * 1e3;
    let operation = vec![OtelKeyValue::new(metric_attributes::OPERATION_TYPE, "aggregation")];
    recorder.record_histogram(METER, metric_names::PROCESSING_DURATION, took, operation);
    let partition = vec![OtelKeyValue::new(metric_attributes::PARTITION_ID, "0")];
    recorder.record_gauge(METER, metric_names::WATERMARK_LAG, now() - event.time, partition);
}

/// In milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn parse(payload: &str) -> Result<f64, NoNumber> {
    payload.parse().map_err(|cause| NoNumber { payload: payload.to_owned(), cause })
}

/// An event whose payload cannot be used.
#[derive(Debug)]
struct NoNumber {
    payload: String,
    cause: ParseFloatError,
}

impl fmt::Display for NoNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no number", self.payload)
    }
}

impl Error for NoNumber {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}
