//! A span with a kind, another parent, links, or a start in the past.

use super::span::{Parent, Span, link_target, start_with};
use super::{Entered, Kind, Scope, Value};
use crate::context::SpanContext;
use crate::pipeline::clock::Stamp;
use crate::pipeline::scratch::Scratch;
use std::{fmt, iter};

/// What is known of a span when it starts, beside its name and parent: what samplers and hooks of
/// the program see. Its values are not redacted yet, so it has no `Debug`.
#[derive(Clone, Copy, Default)]
pub struct Details<'a> {
    /// Its role in the trace.
    pub kind: Kind,
    /// What there is to say from the beginning.
    pub attributes: &'a [(&'a str, Value<'a>)],
    /// The spans it points at.
    pub links: &'a [SpanContext],
    /// What there is to say of each of them, as far as it goes.
    pub about_links: &'a [&'a [(&'a str, Value<'a>)]],
    /// The caller adds the links itself: they have attributes.
    pub links_follow: bool,
    /// When it began, in nanoseconds since 1970, instead of now.
    pub start_ns: Option<u64>,
}

/// Attributes of a link.
type About<'a> = &'a [(&'a str, Value<'a>)];

impl Details<'_> {
    /// Puts them on the span that was started with them.
    pub(crate) fn apply(&self, scratch: &mut Scratch) {
        scratch.kind = self.kind;
        if let Some(wall_ns) = self.start_ns {
            scratch.start = Stamp::at(wall_ns);
        }
        for (key, value) in self.attributes {
            scratch.set_attribute(key, value);
        }
        let links = if self.links_follow { &[] } else { self.links };
        let about = self.about_links.iter().copied().chain(iter::repeat(About::default()));
        for (link, about) in links.iter().zip(about) {
            scratch.add_link(&link_target(link), about);
        }
    }
}

/// A span in preparation; see [`Scope::build`].
#[must_use = "nothing happens before `start`"]
pub struct SpanBuilder<'a> {
    scope: &'static Scope,
    name: &'a str,
    kind: Kind,
    parent: Option<SpanContext>,
    links: Vec<SpanContext>,
    about_links: Vec<About<'a>>,
    attributes: Vec<(&'a str, Value<'a>)>,
    start_ns: Option<u64>,
}

impl<'a> SpanBuilder<'a> {
    pub(crate) fn new(scope: &'static Scope, name: &'a str) -> Self {
        Self {
            scope,
            name,
            kind: Kind::Internal,
            parent: None,
            links: Vec::new(),
            about_links: Vec::new(),
            attributes: Vec::new(),
            start_ns: None,
        }
    }

    /// Its role in the trace.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Below this span instead of the current one; an invalid one starts a new trace.
    pub fn parent(mut self, parent: &SpanContext) -> Self {
        self.parent = Some(parent.clone());
        self
    }

    /// Starts a new trace.
    pub fn root(self) -> Self {
        self.parent(&SpanContext::NONE)
    }

    /// Points at another span from the beginning.
    pub fn link(self, to: &SpanContext) -> Self {
        self.link_with(to, &[])
    }

    /// Points at another span from the beginning, and says something of it. Samplers see where
    /// links point to, and not what is said.
    pub fn link_with(mut self, to: &SpanContext, attributes: &'a [(&'a str, Value<'a>)]) -> Self {
        self.links.push(to.clone());
        self.about_links.push(attributes);
        self
    }

    /// An attribute from the beginning.
    pub fn attribute(mut self, key: &'a str, value: impl Into<Value<'a>>) -> Self {
        self.attributes.push((key, value.into()));
        self
    }

    /// It began at this time, in nanoseconds since 1970, instead of now.
    pub fn started_at(mut self, wall_ns: u64) -> Self {
        self.start_ns = Some(wall_ns);
        self
    }

    /// Starts it.
    #[must_use = "a span ends when it is dropped"]
    pub fn start(self) -> Span {
        let parent = self.parent.as_ref().map_or(Parent::Current, Parent::Given);
        let details = Details {
            kind: self.kind,
            attributes: &self.attributes,
            links: &self.links,
            about_links: &self.about_links,
            links_follow: false,
            start_ns: self.start_ns,
        };
        start_with(self.scope, self.name, parent, &details)
    }

    /// Starts it and makes it current until it is dropped.
    #[must_use = "a span ends when it is dropped"]
    pub fn enter(self) -> Entered {
        Entered::over(self.start())
    }
}

/// Without the values: nothing was redacted yet.
impl fmt::Debug for SpanBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.attributes.iter().map(|(key, _)| key).collect();
        f.debug_struct("SpanBuilder")
            .field("kind", &self.kind)
            .field("parent", &self.parent)
            .field("attributes", &keys)
            .finish_non_exhaustive()
    }
}
