//! Other APIs in: spans of `tracing` and of the OpenTelemetry API become ours, in one tree.

mod activation;
#[cfg(feature = "otel")]
pub mod opentelemetry;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(all(feature = "otel", feature = "tracing-opentelemetry"))]
pub use self::tracing::Compat;
#[cfg(feature = "tracing")]
pub use self::tracing::{
    InstallError, Layer, SetParentError, SpanExt, Subscriber, layer, subscriber,
};
pub use activation::Activation;
