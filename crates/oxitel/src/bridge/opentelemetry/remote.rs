//! What the API's types would lose of a span that came from another process.

use crate::context::{Ids, SpanContext};
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

    pub(crate) fn place(&self) -> (Ids, Option<Arc<str>>) {
        (self.0.ids, self.0.trace_state.clone())
    }
}
