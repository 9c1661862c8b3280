//! What a request brought along.

use crate::context::{Baggage, SpanContext};

/// The caller's span and baggage, as [`extract`](super::extract) found them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    span: SpanContext,
    baggage: Baggage,
}

impl Incoming {
    pub(super) fn new(span: Option<SpanContext>, baggage: Baggage) -> Self {
        Self { span: span.unwrap_or_default(), baggage }
    }

    /// The caller's span; an invalid one when the request names none.
    pub fn span_context(&self) -> &SpanContext {
        &self.span
    }

    /// What the caller told all services behind it.
    pub fn baggage(&self) -> &Baggage {
        &self.baggage
    }

    /// Span and baggage.
    pub fn into_parts(self) -> (SpanContext, Baggage) {
        (self.span, self.baggage)
    }
}
