//! Reads protobuf without a schema: a total walker over bytes, shared by everything that decodes.

mod walk;

pub use walk::{Content, Fields, WireError};
