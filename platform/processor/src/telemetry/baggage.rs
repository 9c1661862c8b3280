//! Baggage: names and values that travel with a trace, for whoever is interested.

use super::notice;
use opentelemetry::Context;
use opentelemetry::baggage::{Baggage, BaggageExt};

/// One entry. It goes to every service behind this one, so it is no place for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaggageItem {
    /// One word of ASCII letters, digits and some signs.
    pub name: String,
    /// Any text.
    pub value: String,
    /// Properties of the entry, such as `ttl=60;internal`; usually empty.
    pub metadata: String,
}

impl BaggageItem {
    /// An entry without properties.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), metadata: String::new() }
    }

    /// Says something about the entry.
    #[must_use]
    pub fn with_metadata(mut self, metadata: impl Into<String>) -> Self {
        self.metadata = metadata.into();
        self
    }
}

/// The context with these entries added; an entry of the same name is replaced.
///
/// The standard has limits: 64 entries, 8192 bytes. What goes beyond, or has no valid name, is
/// left out and told once on standard error.
#[must_use = "a context counts while it is attached or injected"]
pub fn with_baggage(context: &Context, items: impl IntoIterator<Item = BaggageItem>) -> Context {
    let mut baggage = Baggage::new();
    for (name, (value, metadata)) in context.baggage() {
        baggage.insert_with_metadata(name.clone(), value.clone(), metadata.clone());
    }
    for BaggageItem { name, value, metadata } in items {
        baggage.insert_with_metadata(name.clone(), value.clone(), metadata.as_str());
        if baggage.get(&name).is_none_or(|kept| kept.as_str() != value) {
            notice::BAGGAGE_REFUSED.say();
        }
    }
    context.with_baggage(baggage)
}

/// The value of this entry.
pub fn get_baggage(context: &Context, name: &str) -> Option<String> {
    context.baggage().get(name).map(|value| value.as_str().to_owned())
}
