//! Who is the parent: identifiers, the span context that travels, and each thread's current span.

mod frames;
mod id;
mod span_context;

pub use frames::{Attached, Captured, InContext, capture, root, with_parent};
pub(crate) use frames::{current, pop, push, suppress_thread};
pub(crate) use id::Ids;
pub use id::{SpanId, TraceFlags, TraceId};
pub use span_context::SpanContext;
