//! What travels of a span: its ids, the sampling decision, and other vendors' trace state.

use super::id::{Ids, SpanId, TraceFlags, TraceId};
use std::sync::Arc;

/// The part of a span that crosses threads, processes and languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanContext {
    pub(crate) ids: Ids,
    pub(crate) trace_state: Option<Arc<str>>,
}

impl Default for SpanContext {
    fn default() -> Self {
        Self::NONE
    }
}

impl SpanContext {
    /// No span.
    pub const NONE: Self = Self { ids: Ids::NONE, trace_state: None };

    /// A context that came from elsewhere; `trace_state` is kept as it is.
    pub fn remote(
        trace_id: TraceId,
        span_id: SpanId,
        flags: TraceFlags,
        trace_state: Option<&str>,
    ) -> Self {
        Self::made_of(Ids::new(trace_id, span_id, flags, true), trace_state)
    }

    /// A span of this process that another front end made.
    pub fn local(
        trace_id: TraceId,
        span_id: SpanId,
        flags: TraceFlags,
        trace_state: Option<&str>,
    ) -> Self {
        Self::made_of(Ids::new(trace_id, span_id, flags, false), trace_state)
    }

    fn made_of(ids: Ids, trace_state: Option<&str>) -> Self {
        let trace_state = trace_state.filter(|state| !state.is_empty()).map(Arc::from);
        Self { ids, trace_state }
    }

    /// The trace.
    pub fn trace_id(&self) -> TraceId {
        self.ids.trace_id()
    }

    /// The span in it.
    pub fn span_id(&self) -> SpanId {
        self.ids.span_id()
    }

    /// The W3C flags.
    pub fn flags(&self) -> TraceFlags {
        TraceFlags((self.ids.flags & 0xff) as u8)
    }

    /// Other vendors' state, as it came.
    pub fn trace_state(&self) -> &str {
        self.trace_state.as_deref().unwrap_or("")
    }

    /// Whether it names a span.
    pub fn is_valid(&self) -> bool {
        self.ids.is_valid()
    }

    /// Whether the span lives in another process.
    pub fn is_remote(&self) -> bool {
        self.is_valid() && self.ids.flags & Ids::REMOTE != 0
    }

    /// Whether the trace is kept.
    pub fn is_sampled(&self) -> bool {
        self.is_valid() && self.ids.is_sampled()
    }

    /// Whether somebody looks for a fault in this trace: the debug flag of B3 and Jaeger.
    pub fn is_debug(&self) -> bool {
        self.is_valid() && self.ids.flags & Ids::DEBUG != 0
    }

    /// With what another format says of the same span, and this one could not.
    pub(crate) fn completed_by(mut self, other: Self) -> Self {
        if (self.trace_id(), self.span_id()) == (other.trace_id(), other.span_id()) {
            self.ids.flags |= other.ids.flags & u32::from(TraceFlags::RANDOM);
            self.trace_state = self.trace_state.or(other.trace_state);
            if other.ids.flags & Ids::DEBUG != 0 {
                return self.with_debug();
            }
        }
        self
    }

    /// With the debug flag, which says sampled as well.
    pub(crate) fn with_debug(mut self) -> Self {
        self.ids.flags |= Ids::DEBUG | u32::from(TraceFlags::SAMPLED);
        self
    }
}
