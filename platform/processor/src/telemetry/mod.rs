//! Telemetry of a stream processor: configuration, start and end, spans, metrics, context, baggage.
//!
//! Flow: [`TelemetryConfig`] -> [`init_telemetry`] -> spans, metrics and what travels with events,
//! by the functions here or by the OpenTelemetry API -> [`TelemetryProviders::shutdown`].
//! Underneath is `oxitel`, whose engine sends from a thread of its own.
//!
//! ```no_run
//! use processor::telemetry::{TelemetryConfig, init_telemetry};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let providers = init_telemetry(TelemetryConfig::new("my-processor"))?;
//! // … the program …
//! providers.shutdown().await?;
//! # Ok(())
//! # }
//! ```

mod baggage;
mod check;
mod config;
mod context;
mod duration;
mod engine;
mod environment;
mod error;
mod init;
mod instruments;
mod notice;
mod recorder;
mod sampling;
mod spans;
#[cfg(test)]
mod tests;

pub use baggage::{BaggageItem, get_baggage, with_baggage};
pub use config::{
    BatchConfiguration, ExportConfig, MetricsConfig, OtlpProtocol, TelemetryConfig, Temporality,
    TraceConfig,
};
pub use context::{
    context_with_span, extract_from_headers, inject_into_headers, propagate_context,
};
pub use error::TelemetryError;
pub use init::{TelemetryProviders, init, init_telemetry};
pub use oxitel::conventions::stream::{metric_attributes, metric_names};
pub use recorder::MetricsRecorder;
pub use sampling::SamplingStrategy;
pub use spans::{SpanBuilder, record_exception};
