//! What a request brought along.

use crate::context::{Attached, Baggage, Captured, InContext, SpanContext};

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

    /// Its place in a trace: below the caller's span, else outside of any trace, with the
    /// baggage.
    pub fn place(&self) -> Captured {
        Captured::incoming(&self.span, &self.baggage)
    }

    /// Makes its place current on this thread until the guard is dropped; not across an `.await`.
    #[must_use = "it is current only while the guard lives"]
    pub fn attach(&self) -> Attached {
        self.place().attach()
    }

    /// A future that runs in its place, on whatever thread it is polled.
    pub fn wrap<F: Future>(&self, future: F) -> InContext<F> {
        self.place().wrap(future)
    }

    /// Span and baggage.
    pub fn into_parts(self) -> (SpanContext, Baggage) {
        (self.span, self.baggage)
    }
}
