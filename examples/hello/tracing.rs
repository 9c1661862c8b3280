//! Hello with `tracing`: spans of functions, a field that is known late, an event, an error.
//!
//! `cargo run --bin hello-tracing` prints the trace's id. To look at the trace, start an OTLP
//! receiver (`cargo run --bin first-light -- receiver --http 127.0.0.1:4318`) and set
//! `OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318`. Without it the program does the same.

use oxitel::Config;
use oxitel::bridge::SpanExt as _;
use std::error::Error;
use std::num::ParseIntError;
use tracing::field::Empty;
use tracing::{Span, info, info_span, instrument};

/// A span of the function's name, with its arguments as attributes.
#[instrument(fields(total = Empty), err)]
fn price(items: &str) -> Result<u64, ParseIntError> {
    let total = items.split('+').map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    // Known only now.
    Span::current().record("total", total);
    info!(total, "added up");
    Ok(total)
}

fn main() -> Result<(), Box<dyn Error>> {
    // Starts telemetry; when the guard is dropped, what is left is sent.
    let _telemetry = oxitel::init(Config::new("hello-tracing"))?;
    // `RUST_LOG` says what is recorded; `.console()` would print the events, too.
    oxitel::bridge::subscriber().with_filter("info").init();

    let order = info_span!("order", otel.kind = "server", user.id = 7);
    println!("trace {}", order.context().trace_id());
    order.in_scope(|| {
        let total = price("19+23")?;
        println!("to pay: {total}");
        // This one fails: its span has the error.
        if price("19+free").is_err() {
            println!("nothing is free");
        }
        Ok(())
    })
}
