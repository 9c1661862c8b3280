//! Making spans: the direct API, the values they hold, their limits, and what is sampled.
//!
//! Flow: **record** -> chunk -> queue -> send.

#[cfg(feature = "otel")]
mod builder;
#[cfg(feature = "otel")]
mod entered;
mod instrument;
mod limits;
mod sampler;
#[cfg(feature = "otel")]
mod scope;
#[cfg(feature = "otel")]
mod span;
mod status;
mod value;

#[cfg(not(feature = "otel"))]
pub use crate::off::span::{Current, Entered, Instrumented, Scope, Span, SpanBuilder};
pub use instrument::instrument;
pub use limits::Limits;
pub use sampler::Sampler;
#[cfg(feature = "otel")]
pub(crate) use span::{Inner, start_in};
#[cfg(all(feature = "otel", feature = "tracing"))]
pub(crate) use span::{Parent, start};
pub use status::{Kind, Status};
pub use value::Value;
#[cfg(feature = "otel")]
pub use {
    builder::SpanBuilder,
    entered::{Current, Entered, Instrumented},
    scope::Scope,
    span::Span,
};
