//! Taking a trace along: into a task, and over a border in a request's headers.

use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::{Span, TraceContextExt};
use opentelemetry::{Context, global};
use std::collections::HashMap;
use std::hash::BuildHasher;

/// A future that runs in the context in which this call is made, with its span and its baggage,
/// on whatever thread it is polled: to be given to `tokio::spawn`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokio::task::JoinError> {
/// use processor::telemetry::propagate_context;
///
/// let task = tokio::spawn(propagate_context(async { 42 }));
/// assert_eq!(task.await?, 42);
/// # Ok(())
/// # }
/// ```
pub use oxitel::context::propagate_context;

/// The current context with this span in it. Attach it to make the span current:
/// `let _guard = context_with_span(span).attach();`. The guard must not be held over an `.await`;
/// there [`propagate_context`] does it.
#[must_use = "the span ends with the last context that has it"]
pub fn context_with_span<S>(span: S) -> Context
where
    S: Span + Send + Sync + 'static,
{
    Context::current_with_span(span)
}

/// Writes a context into a request's headers: `traceparent`, `tracestate` and `baggage`, or what
/// `OTEL_PROPAGATORS` says. Headers of the same names are replaced, however they are written.
pub fn inject_into_headers<S: BuildHasher>(
    context: &Context,
    headers: &mut HashMap<String, String, S>,
) {
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(context, &mut Outgoing(headers));
    });
}

/// The current context with the span and the baggage of a request's headers, whose names may be
/// written in any case. Without valid ones it is the current context.
#[must_use = "a context counts while it is attached"]
pub fn extract_from_headers<S: BuildHasher>(headers: &HashMap<String, String, S>) -> Context {
    global::get_text_map_propagator(|propagator| propagator.extract(&Incoming(headers)))
}

struct Outgoing<'a, S>(&'a mut HashMap<String, String, S>);

impl<S: BuildHasher> Injector for Outgoing<'_, S> {
    fn set(&mut self, key: &str, value: String) {
        self.0.retain(|name, _| !name.eq_ignore_ascii_case(key));
        self.0.insert(key.to_ascii_lowercase(), value);
    }
}

struct Incoming<'a, S>(&'a HashMap<String, String, S>);

impl<S: BuildHasher> Extractor for Incoming<'_, S> {
    fn get(&self, key: &str) -> Option<&str> {
        // As it stands first: of two spellings the answer must not depend on the map's order.
        let exact = self.0.get(key).map(|value| (key, value));
        let any = || self.0.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key)).min();
        let found = exact.or_else(|| any().map(|(name, value)| (name.as_str(), value)));
        found.map(|(_, value)| value.as_str())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}
