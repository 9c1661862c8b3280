//! Other APIs in: `tracing` spans and events become ours.

mod fields;
mod layer;

pub use layer::{Layer, layer};
