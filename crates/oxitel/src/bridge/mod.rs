//! Other APIs in: `tracing` spans and events become ours.

#[cfg(feature = "otel")]
mod fields;
#[cfg(feature = "otel")]
mod layer;

#[cfg(feature = "otel")]
pub use layer::{Layer, layer};

/// Without the engine: a layer that does nothing.
#[cfg(not(feature = "otel"))]
pub type Layer = tracing_subscriber::layer::Identity;

/// Without the engine: a layer that does nothing.
#[cfg(not(feature = "otel"))]
pub fn layer() -> Layer {
    Layer::new()
}
