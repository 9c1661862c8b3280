//! Other APIs in: spans of `tracing` and of the OpenTelemetry API become ours.

mod activation;
#[cfg(all(feature = "otel", feature = "tracing"))]
mod fields;
#[cfg(all(feature = "otel", feature = "tracing"))]
mod layer;
#[cfg(feature = "otel")]
pub mod opentelemetry;

pub use activation::Activation;
#[cfg(all(feature = "otel", feature = "tracing"))]
pub use layer::{Layer, layer};

/// Without the engine: a layer that does nothing.
#[cfg(all(not(feature = "otel"), feature = "tracing"))]
pub type Layer = tracing_subscriber::layer::Identity;

/// Without the engine: a layer that does nothing.
#[cfg(all(not(feature = "otel"), feature = "tracing"))]
pub fn layer() -> Layer {
    Layer::new()
}
