//! Baggage lives in the API's Context, so that all APIs see the same; elsewhere it is ours.

use crate::context::Baggage;
use opentelemetry::Context;
use opentelemetry::baggage::{self, BaggageExt, KeyValueMetadata};

/// Makes the static behind the API's baggage: one that another thread was making at a fork would
/// never be ready in the child.
pub(crate) fn prepare() {
    let _ = Context::new().baggage();
}

/// The Context's baggage, by name: the API knows no order.
pub(crate) fn of_context(context: &Context) -> Baggage {
    let mut ours = Baggage::new();
    let mut entries: Vec<_> = context.baggage().iter().collect();
    entries.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    for (name, (value, metadata)) in entries {
        // The API has the same limits, give or take a comma: what has no room here has none in
        // the header.
        ours.insert_with_metadata(name.as_str(), value.as_str(), metadata.as_str());
    }
    ours
}

/// The Context with this baggage in the place of its own.
pub(crate) fn in_context(context: &Context, ours: &Baggage) -> Context {
    let entries = ours.iter().map(|(name, value, metadata)| {
        KeyValueMetadata::new(name.to_owned(), value.to_owned(), metadata.to_owned())
    });
    context.with_baggage(entries.collect::<baggage::Baggage>())
}
