//! Reads protobuf without a schema: a total walker over bytes, shared by everything that decodes.

#[cfg(feature = "otel")]
pub(crate) mod grpc_code;
pub(crate) mod json;
mod walk;

pub use walk::{Content, Fields, WireError};
pub(crate) use walk::{fixed64s, varints};
