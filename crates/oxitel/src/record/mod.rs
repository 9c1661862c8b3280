//! Making spans: the direct API, the values they hold, their limits, and what is sampled.
//!
//! Flow: **record** -> chunk -> queue -> send.

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
pub use limits::Limits;
pub use sampler::Sampler;
#[cfg(feature = "otel")]
pub use scope::Scope;
#[cfg(feature = "otel")]
pub use span::{Current, Entered, Instrumented, Span, SpanBuilder};
#[cfg(all(feature = "otel", feature = "tracing"))]
pub(crate) use span::{Parent, printed, start};
pub use status::{Kind, Status};
pub use value::Value;
