//! What the layers can be told.

#[cfg(feature = "otel")]
use http::request::Parts;
#[cfg(feature = "otel")]
use std::fmt;
#[cfg(feature = "otel")]
use std::sync::Arc;

/// What a server makes of the trace that a request says it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TrustIncoming {
    /// The caller's span is the parent, its decision on sampling and its baggage hold.
    #[default]
    Always,
    /// A trace of its own, with a link to the caller's span. The caller's baggage is not taken
    /// over. For the border to strangers: they cannot switch sampling on.
    Link,
    /// A trace of its own; what the caller says is not read.
    Never,
}

/// When the span of an HTTP server ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SpanEnd {
    /// When the body of the answer was taken, or dropped.
    #[default]
    Body,
    /// When the head of the answer is ready: for streams that stay open.
    Head,
}

/// Says whether a request gets a span.
#[cfg(feature = "otel")]
pub(super) type Filter = Arc<dyn Fn(&Parts) -> bool + Send + Sync>;
/// Finds the pattern that a request's path belongs to.
#[cfg(feature = "otel")]
pub(super) type Template = Arc<dyn Fn(&Parts) -> Option<&str> + Send + Sync>;
/// Finds who made a request.
#[cfg(feature = "otel")]
pub(super) type Address = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

/// What all servers can be told.
#[cfg(feature = "otel")]
#[derive(Clone, Default)]
pub(super) struct Receiving {
    pub(super) trust: TrustIncoming,
    pub(super) filter: Option<Filter>,
    pub(super) client_address: Option<Address>,
}

#[cfg(feature = "otel")]
impl Receiving {
    pub(super) fn takes(&self, request: &Parts) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter(request))
    }

    pub(super) fn client_address(&self, request: &Parts) -> Option<(&'static str, String)> {
        let address = self.client_address.as_ref().and_then(|find| find(request))?;
        Some(("client.address", address))
    }
}

/// Closures print nothing.
#[cfg(feature = "otel")]
impl fmt::Debug for Receiving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving").field("trust", &self.trust).finish_non_exhaustive()
    }
}
