//! Spans that are not there.

use crate::context::SpanContext;
use crate::record::{Kind, Status, Value};
use std::error::Error;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// An instrumentation scope.
#[derive(Debug)]
pub struct Scope(());

impl Scope {
    /// A scope.
    pub const fn new(_name: &'static str) -> Self {
        Self(())
    }

    /// The version of what records.
    #[must_use]
    pub const fn version(self, _version: &'static str) -> Self {
        self
    }

    /// The conventions that the records follow.
    #[must_use]
    pub const fn schema_url(self, _schema_url: &'static str) -> Self {
        self
    }

    /// Attributes of the scope itself.
    #[must_use]
    pub const fn attributes(self, _pairs: &'static [(&'static str, &'static str)]) -> Self {
        self
    }

    /// No span.
    #[inline(always)]
    #[must_use = "a span ends when it is dropped"]
    pub fn span(&'static self, _name: &str) -> Span {
        Span(())
    }

    /// No span.
    #[inline(always)]
    #[must_use = "a span ends when it is dropped"]
    pub fn enter(&'static self, _name: &str) -> Entered {
        Entered { span: Span(()), not_send: PhantomData }
    }

    /// Prepares no span.
    #[inline(always)]
    pub fn build<'a>(&'static self, _name: &'a str) -> SpanBuilder<'a> {
        SpanBuilder(PhantomData)
    }
}

/// A piece of work that nobody records.
#[derive(Debug)]
pub struct Span(());

impl Span {
    /// Never.
    #[inline(always)]
    pub fn is_recording(&self) -> bool {
        false
    }

    /// Invalid.
    pub fn context(&self) -> SpanContext {
        SpanContext::NONE
    }

    /// Does nothing.
    #[inline(always)]
    pub fn set_attribute<'a>(&mut self, _key: &str, _value: impl Into<Value<'a>>) -> &mut Self {
        self
    }

    /// Does nothing.
    #[inline(always)]
    pub fn add_event(&mut self, _name: &str, _attributes: &[(&str, Value<'_>)]) -> &mut Self {
        self
    }

    /// Does nothing.
    #[inline(always)]
    pub fn add_link(&mut self, _to: &SpanContext, _attributes: &[(&str, Value<'_>)]) -> &mut Self {
        self
    }

    /// Does nothing.
    #[inline(always)]
    pub fn set_status(&mut self, _status: Status<'_>) -> &mut Self {
        self
    }

    /// Does nothing.
    #[inline(always)]
    pub fn record_error(&mut self, _error: &dyn Error) -> &mut Self {
        self
    }

    /// Does nothing.
    #[inline(always)]
    pub fn update_name(&mut self, _name: &str) -> &mut Self {
        self
    }

    /// Does nothing.
    #[inline(always)]
    pub fn end(self) {}

    /// Changes nothing.
    #[inline(always)]
    #[must_use = "it is current only while the guard lives"]
    pub fn enter(&self) -> Current<'_> {
        Current { span: self, not_send: PhantomData }
    }

    /// The future itself.
    #[inline(always)]
    pub fn instrument<F: Future>(self, future: F) -> Instrumented<F> {
        future
    }
}

/// Keeps nothing current; it cannot leave its thread, as with the engine.
#[derive(Debug)]
pub struct Current<'a> {
    span: &'a Span,
    not_send: PhantomData<*const ()>,
}

impl Deref for Current<'_> {
    type Target = Span;

    fn deref(&self) -> &Span {
        self.span
    }
}

impl Drop for Current<'_> {
    fn drop(&mut self) {}
}

/// A span that is not there; it cannot leave its thread, as with the engine.
#[derive(Debug)]
pub struct Entered {
    span: Span,
    not_send: PhantomData<*const ()>,
}

impl Deref for Entered {
    type Target = Span;

    fn deref(&self) -> &Span {
        &self.span
    }
}

impl DerefMut for Entered {
    fn deref_mut(&mut self) -> &mut Span {
        &mut self.span
    }
}

impl Drop for Entered {
    fn drop(&mut self) {}
}

/// The future itself.
pub type Instrumented<F> = F;

/// No span in preparation.
#[derive(Debug)]
#[must_use = "nothing happens before `start`"]
pub struct SpanBuilder<'a>(PhantomData<&'a str>);

impl<'a> SpanBuilder<'a> {
    /// Does nothing.
    #[inline(always)]
    pub fn kind(self, _kind: Kind) -> Self {
        self
    }

    /// Does nothing.
    #[inline(always)]
    pub fn parent(self, _parent: &SpanContext) -> Self {
        self
    }

    /// Does nothing.
    #[inline(always)]
    pub fn root(self) -> Self {
        self
    }

    /// Does nothing.
    #[inline(always)]
    pub fn link(self, _to: &SpanContext) -> Self {
        self
    }

    /// Does nothing.
    #[inline(always)]
    pub fn link_with(self, _to: &SpanContext, _attributes: &'a [(&'a str, Value<'a>)]) -> Self {
        self
    }

    /// Does nothing.
    #[inline(always)]
    pub fn attribute(self, _key: &'a str, _value: impl Into<Value<'a>>) -> Self {
        self
    }

    /// Does nothing.
    #[inline(always)]
    pub fn started_at(self, _wall_ns: u64) -> Self {
        self
    }

    /// No span.
    #[inline(always)]
    #[must_use = "a span ends when it is dropped"]
    pub fn start(self) -> Span {
        Span(())
    }

    /// No span.
    #[inline(always)]
    #[must_use = "a span ends when it is dropped"]
    pub fn enter(self) -> Entered {
        Entered { span: self.start(), not_send: PhantomData }
    }
}
