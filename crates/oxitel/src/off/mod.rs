//! The same names without an engine: empty bodies that the compiler removes.
//!
//! Stands in for `pipeline`, `record::{scope, span}` and `context::frames` when the feature
//! `otel` is off.

pub(crate) mod frames;
pub(crate) mod lifecycle;
pub(crate) mod span;
