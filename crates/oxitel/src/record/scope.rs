//! Who records: a `static` per library or module, and the way to start spans.

use super::span::{Parent, Span, start};
use super::{Entered, SpanBuilder};
use crate::pipeline::scope::{Description, ScopeData, ScopeSlot};

/// An instrumentation scope.
///
/// ```
/// static SHOP: oxitel::Scope = oxitel::Scope::new("shop").version("1.2.0");
///
/// let mut order = SHOP.enter("order");
/// order.set_attribute("order.items", 3);
/// ```
#[derive(Debug)]
pub struct Scope {
    description: Description,
    slot: ScopeSlot,
}

impl Scope {
    /// A scope of this name, usually the crate's.
    pub const fn new(name: &'static str) -> Self {
        let description = Description { name, version: "", schema_url: "", attributes: &[] };
        Self { description, slot: ScopeSlot::empty() }
    }

    /// The version of what records.
    #[must_use]
    pub const fn version(mut self, version: &'static str) -> Self {
        self.description.version = version;
        self
    }

    /// The conventions that the records follow.
    #[must_use]
    pub const fn schema_url(mut self, schema_url: &'static str) -> Self {
        self.description.schema_url = schema_url;
        self
    }

    /// Attributes of the scope itself.
    #[must_use]
    pub const fn attributes(mut self, pairs: &'static [(&'static str, &'static str)]) -> Self {
        self.description.attributes = pairs;
        self
    }

    /// Starts a span below the current one. It does not become current: see [`Span::enter`] and
    /// [`Span::instrument`]. It ends when it is dropped.
    #[inline(always)]
    #[must_use = "a span ends when it is dropped"]
    pub fn span(&'static self, name: &str) -> Span {
        start(self, name, Parent::Current)
    }

    /// Starts a span below the current one and makes it current, until it is dropped.
    #[inline(always)]
    #[must_use = "a span ends when it is dropped"]
    pub fn enter(&'static self, name: &str) -> Entered {
        Entered::start(self, name)
    }

    /// Prepares a span with a kind, another parent, or links.
    #[inline]
    pub fn build<'a>(&'static self, name: &'a str) -> SpanBuilder<'a> {
        SpanBuilder::new(self, name)
    }

    #[inline(always)]
    pub(crate) fn data(&'static self) -> &'static ScopeData {
        self.slot.get(&self.description)
    }
}
