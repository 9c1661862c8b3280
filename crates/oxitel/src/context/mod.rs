//! Who is the parent: identifiers, the span context that travels, and places to take along.
//!
//! The stack of current spans itself lies with what a thread keeps, in `pipeline::frames`.

mod baggage;
mod id;
#[cfg(feature = "otel")]
mod place;
mod span_context;

#[cfg(not(feature = "otel"))]
pub use crate::off::place::{
    Attached, Captured, InContext, baggage, capture, propagate_context, root, with_parent,
};
pub use baggage::Baggage;
pub(crate) use baggage::{is_octet, push_encoded};
#[cfg(feature = "otel")]
pub(crate) use id::Ids;
pub use id::{SpanId, TraceFlags, TraceId};
#[cfg(feature = "otel")]
pub(crate) use place::suppress_thread;
#[cfg(feature = "otel")]
pub use place::{
    Attached, Captured, InContext, baggage, capture, propagate_context, root, with_parent,
};
pub use span_context::SpanContext;
