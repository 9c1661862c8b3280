//! The stream processor. What is here today is its telemetry.
//!
//! [`telemetry`] starts and ends it, makes spans, records metrics and carries context. The names
//! below are those of the OpenTelemetry API that go with it, so that a user needs no other crate:
//!
//! ```
//! use processor::telemetry::SpanBuilder;
//! use processor::{OtelKeyValue, Span as _, SpanKind};
//!
//! let mut span = SpanBuilder::new("process_event").with_kind(SpanKind::Consumer).start();
//! span.set_attribute(OtelKeyValue::new("event.type", "metric"));
//! ```

pub mod telemetry;

pub use opentelemetry::global as otel_global;
pub use opentelemetry::trace::{Span, SpanKind, TraceContextExt, Tracer};
pub use opentelemetry::{Context as OtelContext, KeyValue as OtelKeyValue};

/// The page's examples, compiled and run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/guide/stream-processing.md")]
    mod stream_processing {}
    #[doc = include_str!("telemetry/README.md")]
    mod readme {}
}
