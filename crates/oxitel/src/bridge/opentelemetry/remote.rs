//! What the API's types would lose of a span that came from another process.

use crate::context::{Ids, SpanContext};
use opentelemetry::trace::TraceState;
use std::str::FromStr;
use std::sync::Arc;

/// A value of the Context, beside its span: the same span as it came.
#[derive(Debug)]
pub(crate) struct RemoteParent(pub(super) SpanContext);

impl RemoteParent {
    /// Whether it is about this span; the Context's span may have changed since.
    pub(crate) fn is(&self, other: &Ids) -> bool {
        let Ids { trace_high, trace_low, span, .. } = self.0.ids;
        (trace_high, trace_low, span) == (other.trace_high, other.trace_low, other.span)
    }

    /// The trace state that a span of the API below it could not keep: one that the API refuses.
    pub(crate) fn refused_state(&self, below: &Ids) -> Option<Arc<str>> {
        let Ids { trace_high, trace_low, .. } = self.0.ids;
        let in_its_trace = (trace_high, trace_low) == (below.trace_high, below.trace_low);
        let state = self.0.trace_state.as_ref().filter(|_| in_its_trace)?;
        TraceState::from_str(state).is_err().then(|| state.clone())
    }

    pub(crate) fn place(&self) -> (Ids, Option<Arc<str>>) {
        (self.0.ids, self.0.trace_state.clone())
    }
}
