//! The same names without an engine: empty bodies that the compiler removes.
//!
//! Stands in for `pipeline`, `record::{scope, span}` and `context::place` when the feature
//! `otel` is off.

pub(crate) mod lifecycle;
pub(crate) mod place;
pub(crate) mod span;
pub(crate) mod span_ref;
