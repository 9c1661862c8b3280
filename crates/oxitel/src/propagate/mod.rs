//! Carrying a trace across processes: into the headers of a request, and out of them.
//!
//! Which formats are read and written, the process knows from `OTEL_PROPAGATORS`; W3C trace
//! context and baggage are the default. What headers are, [`Extract`] and [`Inject`] say.
//!
//! ```
//! use oxitel::propagate;
//! use std::collections::HashMap;
//!
//! // The client's side: the current span goes into the request.
//! let mut headers = HashMap::new();
//! propagate::inject_into(&mut headers);
//!
//! // The server's side: the caller's span becomes the parent.
//! let caller = propagate::extract_from(&headers);
//! let _attached = caller.attach();
//! ```

mod b3;
mod baggage;
mod carrier;
pub mod environment;
mod hex;
mod incoming;
mod jaeger;
mod percent;
mod propagators;
mod tracecontext;
mod tracestate;

use crate::context::{self, SpanContext};

pub use carrier::{Extract, Getter, Inject, Setter, getter, setter};
pub use incoming::Incoming;
pub use propagators::{Propagator, Propagators, propagators, set};

/// Writes the current span and baggage into a request's headers; outside of any trace, and
/// without baggage, it writes nothing.
pub fn inject_into(carrier: &mut (impl Inject + ?Sized)) {
    let mut carrier = carrier;
    let place = context::capture();
    propagators().inject(place.span_context(), &place.baggage(), &mut carrier);
}

/// As [`inject_into`], by a closure that sets a header.
///
/// ```
/// let mut headers: Vec<(String, String)> = Vec::new();
/// oxitel::propagate::inject(|name, value| headers.push((name.into(), value.into())));
/// ```
pub fn inject(set: impl FnMut(&str, &str)) {
    inject_into(&mut setter(set));
}

/// Writes the given span and the current baggage into a request's headers.
pub fn inject_context(context: &SpanContext, set: impl FnMut(&str, &str)) {
    propagators().inject(context, &context::baggage(), &mut setter(set));
}

/// Reads the caller's span and baggage from a request's headers.
pub fn extract_from(carrier: &(impl Extract + ?Sized)) -> Incoming {
    propagators().extract(&carrier)
}

/// Baggage as the W3C's header has it, whatever formats the process uses.
#[cfg(feature = "python")]
pub(crate) fn baggage_header(baggage: &context::Baggage) -> String {
    let mut header = String::new();
    baggage::inject(baggage, &mut setter(|_, value| value.clone_into(&mut header)));
    header
}

/// The same, read.
#[cfg(feature = "python")]
pub(crate) fn baggage_from(header: &str) -> context::Baggage {
    baggage::extract(&getter(|name| (name == "baggage").then_some(header)))
}

/// Bytes that a header carries percent-encoded.
#[cfg(feature = "otel")]
pub(crate) fn percent_decoded_bytes(bytes: &[u8]) -> Vec<u8> {
    percent::decode_bytes(bytes, false)
}

/// Text that a header carries percent-encoded.
#[cfg(all(feature = "otel", feature = "middleware"))]
pub(crate) fn percent_decoded(text: &str) -> String {
    percent::decode(text, false)
}

/// As [`extract_from`], by a closure that finds a header by its lower-case name.
pub fn extract<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Incoming {
    extract_from(&getter(get))
}
