//! Who is the parent: identifiers, the span context that travels, and each thread's current span.

#[cfg(feature = "otel")]
mod frames;
mod id;
mod span_context;

#[cfg(not(feature = "otel"))]
pub use crate::off::frames::{Attached, Captured, InContext, capture, root, with_parent};
#[cfg(feature = "otel")]
pub use frames::{Attached, Captured, InContext, capture, root, with_parent};
#[cfg(feature = "otel")]
pub(crate) use frames::{current, pop, push, suppress_thread};
#[cfg(feature = "otel")]
pub(crate) use id::Ids;
pub use id::{SpanId, TraceFlags, TraceId};
pub use span_context::SpanContext;
