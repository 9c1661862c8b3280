//! Other APIs in: spans of `tracing` and of the OpenTelemetry API become ours, in one tree.

mod activation;
#[cfg(feature = "otel")]
pub mod opentelemetry;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(all(feature = "otel", feature = "tracing-opentelemetry"))]
pub use self::tracing::Compat;
#[cfg(all(feature = "otel", feature = "tracing"))]
pub(crate) use self::tracing::note_in_current;
#[cfg(feature = "tracing")]
pub use self::tracing::{
    InstallError, Layer, Lines, SetParentError, SpanExt, Subscriber, json_lines, layer, lines_lost,
    subscriber, text_lines,
};
pub use activation::Activation;
