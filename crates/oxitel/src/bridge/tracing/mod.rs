//! `tracing` in: its spans and events become ours.
//!
//! Two front ends for two kinds of programs: [`subscriber`] for those that need nothing else, and
//! [`layer`] for those that have a `Registry`. Both record the same.

#[cfg(all(feature = "otel", feature = "tracing-opentelemetry"))]
mod compat;
mod console;
mod directives;
#[cfg(feature = "otel")]
mod each;
#[cfg(feature = "otel")]
mod entry;
#[cfg(feature = "otel")]
mod event;
#[cfg(feature = "otel")]
mod extension;
mod fields;
#[cfg(feature = "otel")]
mod layer;
mod lines;
#[cfg(feature = "otel")]
mod live;
#[cfg(not(feature = "otel"))]
mod off;
#[cfg(feature = "otel")]
mod subscriber;

#[cfg(all(feature = "otel", feature = "tracing-opentelemetry"))]
pub use compat::Compat;
#[cfg(feature = "otel")]
pub(crate) use event::note_in_current;
pub use lines::{Lines, json_lines, lines_lost, text_lines};
#[cfg(not(feature = "otel"))]
use off as extension;
#[cfg(not(feature = "otel"))]
pub use off::{Layer, Subscriber, layer, subscriber};
#[cfg(feature = "otel")]
pub use {
    layer::{Layer, layer},
    subscriber::{Subscriber, subscriber},
};

use crate::context::SpanContext;
use crate::record::{Status, Value};

/// What `tracing` has no word for. It works on spans of [`subscriber`] and of [`layer`]; on
/// others, and while telemetry is off, it does nothing.
///
/// ```
/// use oxitel::bridge::SpanExt as _;
///
/// let span = tracing::info_span!("work");
/// span.set_attribute("queue.name", "parcels");
/// println!("{}", span.context().trace_id());
/// ```
pub trait SpanExt: sealed::Sealed {
    /// Puts the span below another one, of this process or a remote one. To be called right after
    /// the span was made: not after it was entered, had a child, or gave out its
    /// [`context`](Self::context).
    ///
    /// The decision whether to record falls anew, with the parent's. What was not recorded before
    /// begins without its fields; [`context::with_parent`](crate::context::with_parent), attached
    /// before the span is made, has no such limit.
    fn set_parent(&self, parent: &SpanContext) -> Result<(), SetParentError>;

    /// What travels of the span; invalid if it is not ours.
    fn context(&self) -> SpanContext;

    /// Sets an attribute, also one that the span has no field for.
    fn set_attribute<'a>(&self, key: &str, value: impl Into<Value<'a>>);

    /// Points at a span of this or another trace.
    fn add_link(&self, to: &SpanContext);

    /// Says how it went; see [`Status`] for what overrides what.
    fn set_status(&self, status: Status<'_>);
}

impl SpanExt for tracing::Span {
    fn set_parent(&self, parent: &SpanContext) -> Result<(), SetParentError> {
        extension::set_parent(self, parent)
    }

    fn context(&self) -> SpanContext {
        extension::context(self)
    }

    fn set_attribute<'a>(&self, key: &str, value: impl Into<Value<'a>>) {
        extension::set_attribute(self, key, value.into());
    }

    fn add_link(&self, to: &SpanContext) {
        extension::add_link(self, to);
    }

    fn set_status(&self, status: Status<'_>) {
        extension::set_status(self, status);
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for tracing::Span {}
}

/// Why a span has the parent that it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetParentError {
    /// Nobody looks at the span: it is disabled, or telemetry is off.
    #[error("the span is disabled, or telemetry is off")]
    Disabled,
    /// It belongs to a subscriber in which there is no layer of ours, or none that can be found.
    #[error("no subscriber or layer of oxitel keeps the span")]
    NotOurs,
    /// It was entered, had a child or gave out its context: others refer to its ids.
    #[error("the span was entered, had a child or gave out its context before")]
    Settled,
}

/// The process has a subscriber already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("the process has a global tracing subscriber already; it stays")]
pub struct InstallError {}
