//! No thread is ever in a trace.

use crate::context::{Baggage, SpanContext};
use std::marker::PhantomData;

/// A place in a trace: none.
#[derive(Clone, Debug)]
pub struct Captured(SpanContext);

/// Outside of any trace.
pub fn capture() -> Captured {
    root()
}

/// Outside of any trace.
pub fn root() -> Captured {
    Captured(SpanContext::NONE)
}

/// Outside of any trace.
pub fn with_parent(_parent: &SpanContext) -> Captured {
    root()
}

/// The future itself.
pub fn propagate_context<F: Future>(future: F) -> InContext<F> {
    future
}

/// None.
pub fn baggage() -> Baggage {
    Baggage::new()
}

impl Captured {
    /// Outside of any trace.
    pub(crate) fn incoming(_span: &SpanContext, _baggage: &Baggage) -> Self {
        root()
    }

    /// The same.
    #[must_use]
    pub fn with_baggage(self, _baggage: &Baggage) -> Self {
        self
    }

    /// None.
    pub fn baggage(&self) -> Baggage {
        Baggage::new()
    }

    /// Invalid.
    pub fn span_context(&self) -> &SpanContext {
        &self.0
    }

    /// Changes nothing.
    pub fn attach(&self) -> Attached {
        Attached { not_send: PhantomData }
    }

    /// Runs the closure.
    pub fn run<R>(&self, closure: impl FnOnce() -> R) -> R {
        closure()
    }

    /// The stream itself.
    pub fn wrap_stream<S>(self, stream: S) -> InContext<S> {
        stream
    }

    /// The future itself.
    pub fn wrap<F: Future>(self, future: F) -> InContext<F> {
        future
    }
}

/// Keeps nothing; it cannot leave its thread, as with the engine.
#[derive(Debug)]
pub struct Attached {
    not_send: PhantomData<*const ()>,
}

impl Drop for Attached {
    fn drop(&mut self) {}
}

/// The future itself.
pub type InContext<F> = F;
