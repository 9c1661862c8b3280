//! Making spans: the direct API, the values they hold, their limits, what is sampled, what is
//! redacted, and where the program has a say.
//!
//! Flow: **record** -> chunk -> queue -> send.

#[cfg(feature = "otel")]
mod asked;
#[cfg(feature = "otel")]
mod builder;
#[cfg(feature = "otel")]
pub(crate) mod contained;
#[cfg(feature = "otel")]
mod entered;
mod foreign;
mod hooks;
mod instrument;
mod limits;
mod log;
#[cfg(feature = "otel")]
pub(crate) mod printed;
mod probability;
pub(crate) mod redact;
mod sampler;
mod sampling;
#[cfg(feature = "otel")]
mod scope;
#[cfg(feature = "otel")]
mod span;
#[cfg(feature = "otel")]
mod span_parts;
#[cfg(feature = "otel")]
mod span_ref;
mod status;
mod value;

#[cfg(not(feature = "otel"))]
pub use crate::off::span::{Current, Entered, Instrumented, Scope, Span, SpanBuilder};
#[cfg(not(feature = "otel"))]
use crate::off::span_ref;
#[cfg(not(feature = "otel"))]
pub use crate::off::span_ref::{EventRef, Items, LinkRef, Pairs, SpanMut, SpanRef, ValueRef};
#[cfg(feature = "otel")]
pub(crate) use asked::start_as;
#[cfg(feature = "otel")]
pub use builder::Details;
pub use foreign::{ForeignRecord, forward_log};
pub use hooks::{Hooks, Verdict};
pub use instrument::instrument;
pub use limits::Limits;
pub use log::{LogRecord, Severity};
#[cfg(all(feature = "otel", feature = "tracing"))]
pub(crate) use printed::print_to;
#[cfg(feature = "otel")]
pub(crate) use printed::printed;
pub use redact::Redaction;
pub use sampler::Sampler;
pub use sampling::{Decision, Sampling, Scalar, ShouldSample};
#[cfg(feature = "otel")]
pub(crate) use span::{
    Inner, Parent, begin_in, end_of, is_kept, link_target, start_in, start_in_with, start_with,
};
#[cfg(all(feature = "otel", feature = "tracing"))]
pub(crate) use span::{start, starts_are_asked};
#[cfg(feature = "otel")]
pub(crate) use span_ref::pair;
pub use status::{Kind, Status};
pub use value::Value;
#[cfg(feature = "otel")]
pub use {
    builder::SpanBuilder,
    entered::{Current, Entered, Instrumented},
    scope::Scope,
    span::Span,
    span_parts::{EventRef, LinkRef},
    span_ref::{Items, Pairs, SpanMut, SpanRef, ValueRef},
};

/// What stands in the place of a secret.
#[cfg(feature = "otel")]
pub(crate) const REDACTED: &str = "[redacted]";
