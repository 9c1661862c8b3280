//! Hello with the OpenTelemetry API: nothing here names oxitel but the first line of `main`.
//!
//! `cargo run --bin hello-opentelemetry` prints the trace's id; see `tracing.rs` beside it for how
//! to look at the trace.

use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue, global};
use std::error::Error;

fn price(items: &[u64]) -> u64 {
    let tracer = global::tracer("shop");
    // Below whatever span is current.
    let mut span = tracer.start("price");
    let total = items.iter().sum();
    span.set_attribute(KeyValue::new("price.total", i64::try_from(total).unwrap_or(i64::MAX)));
    span.add_event("added up", vec![KeyValue::new("items", items.len() as i64)]);
    total
}

fn main() -> Result<(), Box<dyn Error>> {
    // Makes itself the global provider of tracers.
    let _telemetry = oxitel::init(oxitel::Config::new("hello-opentelemetry"))?;

    let tracer = global::tracer("shop");
    let order = tracer
        .span_builder("order")
        .with_kind(SpanKind::Server)
        .with_attributes([KeyValue::new("user.id", 7)])
        .start(&tracer);
    let context = Context::current_with_span(order);
    println!("trace {}", context.span().span_context().trace_id());
    {
        // Current on this thread while the guard lives.
        let _current = context.clone().attach();
        println!("to pay: {}", price(&[19, 23]));
    }
    context.span().set_status(Status::Ok);
    context.span().end();
    Ok(())
}
