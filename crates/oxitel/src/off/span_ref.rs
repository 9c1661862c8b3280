//! Spans as hooks would see them: there are none, so no hook ever runs.

use crate::context::{SpanContext, SpanId};
use crate::record::{Kind, Status, Value};
use std::marker::PhantomData;
use std::time::Duration;

/// What no program can have.
#[derive(Clone, Copy, Debug)]
enum Never {}

/// A span that hooks may read; there is none.
#[derive(Debug)]
pub struct SpanRef<'a>(Never, PhantomData<&'a ()>);

impl SpanRef<'_> {
    /// Its name.
    pub fn name(&self) -> &str {
        match self.0 {}
    }

    /// Its role in the trace.
    pub fn kind(&self) -> Kind {
        match self.0 {}
    }

    /// What travels of it.
    pub fn context(&self) -> SpanContext {
        match self.0 {}
    }

    /// The span above it.
    pub fn parent_span_id(&self) -> SpanId {
        match self.0 {}
    }

    /// Who records it.
    pub fn scope_name(&self) -> &str {
        match self.0 {}
    }

    /// Its attributes.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, ValueRef<'_>)> {
        std::iter::empty()
    }

    /// The value of one attribute.
    pub fn attribute(&self, _key: &str) -> Option<ValueRef<'_>> {
        match self.0 {}
    }

    /// What happened during it.
    pub fn events(&self) -> impl Iterator<Item = EventRef<'_>> {
        std::iter::empty()
    }

    /// The spans it points at.
    pub fn links(&self) -> impl Iterator<Item = LinkRef<'_>> {
        std::iter::empty()
    }

    /// How many attributes, events and links a limit left out.
    pub fn dropped(&self) -> (u32, u32, u32) {
        match self.0 {}
    }

    /// How many events it has.
    pub fn events_count(&self) -> u32 {
        match self.0 {}
    }

    /// How many links it has.
    pub fn links_count(&self) -> u32 {
        match self.0 {}
    }

    /// How it went.
    pub fn status(&self) -> Status<'_> {
        match self.0 {}
    }

    /// When it began.
    pub fn start_ns(&self) -> u64 {
        match self.0 {}
    }

    /// How long it took.
    pub fn duration(&self) -> Duration {
        match self.0 {}
    }
}

/// A span that has just started, for hooks that add to it; there is none.
#[derive(Debug)]
pub struct SpanMut<'a>(Never, PhantomData<&'a ()>);

impl SpanMut<'_> {
    /// What is there already.
    pub fn as_ref(&self) -> SpanRef<'_> {
        match self.0 {}
    }

    /// Sets an attribute.
    pub fn set_attribute<'v>(&mut self, _key: &str, _value: impl Into<Value<'v>>) -> &mut Self {
        match self.0 {}
    }

    /// Notes something that happened now.
    pub fn add_event(&mut self, _name: &str, _attributes: &[(&str, Value<'_>)]) -> &mut Self {
        match self.0 {}
    }

    /// Gives it another name.
    pub fn update_name(&mut self, _name: &str) -> &mut Self {
        match self.0 {}
    }

    /// Says how it went.
    pub fn set_status(&mut self, _status: Status<'_>) -> &mut Self {
        match self.0 {}
    }
}

/// An attribute's value.
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
}

/// Something that happened during a span; there is none.
#[derive(Clone, Debug)]
pub struct EventRef<'a>(Never, PhantomData<&'a ()>);

impl<'a> EventRef<'a> {
    /// What happened.
    pub fn name(&self) -> &'a str {
        match self.0 {}
    }

    /// When, in nanoseconds since 1970.
    pub fn time_ns(&self) -> u64 {
        match self.0 {}
    }

    /// What else was said.
    pub fn attributes(&self) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> {
        std::iter::empty()
    }

    /// How many attributes a limit left out.
    pub fn dropped_attributes(&self) -> u32 {
        match self.0 {}
    }
}

/// A span that another one points at; there is none.
#[derive(Clone, Debug)]
pub struct LinkRef<'a>(Never, PhantomData<&'a ()>);

impl<'a> LinkRef<'a> {
    /// The other span.
    pub fn context(&self) -> SpanContext {
        match self.0 {}
    }

    /// What else was said.
    pub fn attributes(&self) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> {
        std::iter::empty()
    }

    /// How many attributes a limit left out.
    pub fn dropped_attributes(&self) -> u32 {
        match self.0 {}
    }
}

/// The values of a list; there is none.
#[derive(Clone, Debug)]
pub struct Items<'a>(Never, PhantomData<&'a ()>);

impl<'a> Iterator for Items<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        match self.0 {}
    }
}

/// The pairs of a map; there is none.
#[derive(Clone, Debug)]
pub struct Pairs<'a>(Never, PhantomData<&'a ()>);

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a str, ValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match self.0 {}
    }
}
