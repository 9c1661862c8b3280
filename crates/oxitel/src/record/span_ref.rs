//! A span as hooks see it: read from its encoding when somebody asks, and not before.

use super::span_parts::{self, EventRef, LinkRef};
use super::{Kind, Status, Value};
use crate::context::{SpanContext, SpanId};
use crate::pipeline::clock;
use crate::pipeline::encode::tag;
use crate::pipeline::scratch::Scratch;
use crate::wire::{Content, Fields};
use std::fmt;
use std::time::Duration;

/// A span that hooks may read. What it shows is what will be sent: secrets are replaced already.
pub struct SpanRef<'a> {
    scratch: &'a Scratch,
    end_ns: Option<u64>,
}

impl<'a> SpanRef<'a> {
    pub(super) fn ended(scratch: &'a Scratch, end_ns: u64) -> Self {
        Self { scratch, end_ns: Some(end_ns) }
    }

    /// One that may have ended.
    pub(crate) fn of(scratch: &'a Scratch, end_ns: Option<u64>) -> Self {
        Self { scratch, end_ns }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.scratch.name
    }

    /// Its role in the trace.
    pub fn kind(&self) -> Kind {
        self.scratch.kind
    }

    /// What travels of it.
    pub fn context(&self) -> SpanContext {
        SpanContext { ids: self.scratch.ids, trace_state: self.scratch.trace_state.clone() }
    }

    /// The span above it; invalid for a root.
    pub fn parent_span_id(&self) -> SpanId {
        SpanId::from_bytes(self.scratch.parent.to_be_bytes())
    }

    /// Who records it.
    pub fn scope_name(&self) -> &str {
        span_parts::text(Fields::new(&self.scratch.scope.bytes), 1)
    }

    /// Its attributes, in the order in which they were last set.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, ValueRef<'_>)> {
        self.scratch.attributes.live_pairs().filter_map(pair_under_tag)
    }

    /// The value of one attribute.
    pub fn attribute(&self, key: &str) -> Option<ValueRef<'_>> {
        self.attributes().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// What happened during it.
    pub fn events(&self) -> impl Iterator<Item = EventRef<'_>> {
        span_parts::events(&self.scratch.events.bytes)
    }

    /// The spans it points at.
    pub fn links(&self) -> impl Iterator<Item = LinkRef<'_>> {
        span_parts::links(&self.scratch.links.bytes)
    }

    /// How many attributes, events and links a limit left out.
    pub fn dropped(&self) -> (u32, u32, u32) {
        let Scratch { attributes, events, links, .. } = self.scratch;
        (attributes.dropped, events.dropped, links.dropped)
    }

    /// How many events it has.
    pub fn events_count(&self) -> u32 {
        self.scratch.events.count()
    }

    /// How many links it has.
    pub fn links_count(&self) -> u32 {
        self.scratch.links.count()
    }

    /// How it went.
    pub fn status(&self) -> Status<'_> {
        self.scratch.status.get()
    }

    /// When it began, in nanoseconds since 1970.
    pub fn start_ns(&self) -> u64 {
        self.scratch.start.wall_ns
    }

    /// How long it took, or has taken so far.
    pub fn duration(&self) -> Duration {
        let end_ns = self.end_ns.unwrap_or_else(|| self.scratch.start.end_ns());
        Duration::from_nanos(end_ns.saturating_sub(self.start_ns()))
    }
}

impl fmt::Debug for SpanRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanRef")
            .field("name", &self.name())
            .field("kind", &self.kind())
            .field("context", &self.context())
            .finish_non_exhaustive()
    }
}

/// A span that has just started, for hooks that add to it.
pub struct SpanMut<'a>(&'a mut Scratch);

impl<'a> SpanMut<'a> {
    pub(super) fn over(scratch: &'a mut Scratch) -> Self {
        Self(scratch)
    }

    /// What is there already.
    pub fn as_ref(&self) -> SpanRef<'_> {
        SpanRef { scratch: self.0, end_ns: None }
    }

    /// Sets an attribute, replacing an earlier value of the same key.
    pub fn set_attribute<'v>(&mut self, key: &str, value: impl Into<Value<'v>>) -> &mut Self {
        self.0.set_attribute(key, &value.into());
        self
    }

    /// Notes something that happened now.
    pub fn add_event(&mut self, name: &str, attributes: &[(&str, Value<'_>)]) -> &mut Self {
        self.0.add_event(clock::now().wall_ns, name, attributes);
        self
    }

    /// Gives it another name.
    pub fn update_name(&mut self, name: &str) -> &mut Self {
        self.0.set_name(name);
        self
    }

    /// Says how it went; see [`Status`] for what overrides what.
    pub fn set_status(&mut self, status: Status<'_>) -> &mut Self {
        self.0.set_status(&status);
        self
    }
}

impl fmt::Debug for SpanMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// An attribute's value, read from its encoding.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ValueRef<'a> {
    /// Nothing.
    Empty,
    /// Text.
    Str(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    I64(i64),
    /// A floating-point number.
    F64(f64),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// A list.
    Array(Items<'a>),
    /// Key/value pairs.
    Map(Pairs<'a>),
}

impl<'a> ValueRef<'a> {
    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&'a str> {
        match *self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// From an `AnyValue` message.
    fn read(message: &'a [u8]) -> Self {
        let content = Fields::new(message).flatten().find_map(|field| match field {
            (1, Content::Bytes(text)) => std::str::from_utf8(text).ok().map(Self::Str),
            (2, Content::Varint(flag)) => Some(Self::Bool(flag != 0)),
            (3, Content::Varint(number)) => Some(Self::I64(number as i64)),
            (4, Content::Fixed64(bits)) => Some(Self::F64(f64::from_bits(bits))),
            (5, Content::Bytes(list)) => Some(Self::Array(Items(Fields::new(list)))),
            (6, Content::Bytes(list)) => Some(Self::Map(Pairs(Fields::new(list)))),
            (7, Content::Bytes(bytes)) => Some(Self::Bytes(bytes)),
            _ => None,
        });
        content.unwrap_or(Self::Empty)
    }
}

/// The values of a list.
#[derive(Clone, Debug)]
pub struct Items<'a>(Fields<'a>);

impl<'a> Iterator for Items<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        self.0.by_ref().flatten().find_map(|field| match field {
            (1, Content::Bytes(message)) => Some(ValueRef::read(message)),
            _ => None,
        })
    }
}

/// The pairs of a map.
#[derive(Clone, Debug)]
pub struct Pairs<'a>(Fields<'a>);

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a str, ValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.by_ref().flatten().find_map(|field| match field {
            (1, Content::Bytes(message)) => pair(message),
            _ => None,
        })
    }
}

/// A `KeyValue` field of a span.
fn pair_under_tag(field: &[u8]) -> Option<(&str, ValueRef<'_>)> {
    match Fields::new(field).next() {
        Some(Ok((number, Content::Bytes(message))))
            if number == u32::from(tag::SPAN_ATTRIBUTE >> 3) =>
        {
            pair(message)
        }
        _ => None,
    }
}

/// A `KeyValue` message.
pub(crate) fn pair(message: &[u8]) -> Option<(&str, ValueRef<'_>)> {
    let mut key = None;
    let mut value = ValueRef::Empty;
    for field in Fields::new(message).flatten() {
        match field {
            (1, Content::Bytes(bytes)) => key = std::str::from_utf8(bytes).ok(),
            (2, Content::Bytes(any)) => value = ValueRef::read(any),
            _ => {}
        }
    }
    Some((key?, value))
}
