//! The same names without an engine: empty bodies that the compiler removes.
//!
//! Stands in for `pipeline`, `record::{scope, span}`, parts of `conventions`, `context::place` and `middleware` when the
//! feature `otel` is off.

pub(crate) mod conventions;
pub mod export;
pub(crate) mod lifecycle;
pub mod metrics;
#[cfg(feature = "middleware")]
pub(crate) mod middleware;
pub(crate) mod place;
pub(crate) mod span;
pub(crate) mod span_ref;
