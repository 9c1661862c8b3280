//! What `Context::current().span()` shows inside of a span that is not the API's own.

use super::convert::{from_api, to_api};
use super::mailbox::{Letter, Mailbox};
use crate::context::Ids;
use crate::pipeline::clock;
use opentelemetry::KeyValue;
use opentelemetry::trace::{self, SpanContext, Status};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

/// A span of another API, as a span of this one.
#[derive(Debug)]
pub(crate) struct Handle {
    context: SpanContext,
    /// `None`: nothing is recorded, or the span is older than the first use of the API.
    mailbox: Option<Arc<Mailbox>>,
}

impl Handle {
    pub(crate) fn new(
        ids: &Ids,
        trace_state: Option<&Arc<str>>,
        mailbox: Option<&Arc<Mailbox>>,
    ) -> Self {
        Self { context: to_api(ids, trace_state.map(AsRef::as_ref)), mailbox: mailbox.cloned() }
    }

    fn send(&self, letter: impl FnOnce() -> Letter) {
        if let Some(mailbox) = self.mailbox.as_ref().filter(|mailbox| mailbox.is_open()) {
            mailbox.send(letter());
        }
    }
}

impl trace::Span for Handle {
    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        let time_ns = clock::wall_ns_of(timestamp);
        self.send(|| Letter::Event { time_ns, name: name.into(), attributes });
    }

    fn span_context(&self) -> &SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.mailbox.as_ref().is_some_and(|mailbox| mailbox.is_open())
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        self.send(|| Letter::Attribute(attribute));
    }

    fn set_status(&mut self, status: Status) {
        self.send(|| Letter::Status(status));
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, name: T) {
        self.send(|| Letter::Name(name.into()));
    }

    fn add_link(&mut self, context: SpanContext, attributes: Vec<KeyValue>) {
        self.send(|| Letter::Link { to: from_api(&context), attributes });
    }

    fn end(&mut self) {
        self.send(|| Letter::End { wall_ns: clock::now().wall_ns });
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        self.send(|| Letter::End { wall_ns: clock::wall_ns_of(timestamp) });
    }
}
