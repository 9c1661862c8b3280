//! The short way to give a future a span, for code that has no scope of its own.

use super::{Instrumented, Scope};

/// A future that runs inside of a span of this name, on whatever thread it is polled.
///
/// The span starts with this call, below the current one, and ends with the future. Its scope is
/// `oxitel`; [`Span::instrument`](crate::Span::instrument) does the same for a span with a scope,
/// a kind and attributes. Without the engine it is the future itself.
///
/// ```
/// # async fn reserve() -> u32 { 3 }
/// # let spawn = |future| drop(future);
/// spawn(oxitel::instrument(reserve(), "reserve"));
/// ```
pub fn instrument<F: Future>(future: F, name: &str) -> Instrumented<F> {
    static SCOPE: Scope = Scope::new("oxitel").version(env!("CARGO_PKG_VERSION"));
    SCOPE.span(name).instrument(future)
}
