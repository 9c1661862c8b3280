//! The same names without an engine: a layer that does nothing, and a subscriber that filters and
//! prints. It knows no spans, so that the lines it prints name none.

use super::console::{self, Console};
use super::directives::Directives;
use super::fields::{Fields, collected};
use super::lines::Lines;
use super::{InstallError, SetParentError};
use crate::context::SpanContext;
use crate::record::{Status, Value};
use tracing::metadata::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata};

/// Without the engine: a layer that does nothing.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Layer {}

/// A layer that does nothing.
pub fn layer() -> Layer {
    Layer {}
}

impl Layer {
    /// Nothing is told.
    #[must_use]
    pub fn with_location(self, _location: bool) -> Self {
        self
    }

    /// Nothing is told.
    #[must_use]
    pub fn with_threads(self, _threads: bool) -> Self {
        self
    }
}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Layer {}

/// Without the engine: prints events if asked to, and records nothing.
#[derive(Debug)]
pub struct Subscriber {
    directives: Directives,
    console: Option<Console>,
    lines: Option<Lines>,
}

/// A subscriber that looks at what `RUST_LOG` names, and without it at `info` and above.
pub fn subscriber() -> Subscriber {
    Subscriber { directives: Directives::from_environment(), console: None, lines: None }
}

impl Subscriber {
    /// Looks at what these directives name, whatever `RUST_LOG` says.
    #[must_use]
    pub fn with_filter(mut self, directives: &str) -> Self {
        self.directives = Directives::parse(directives, "filter");
        self
    }

    /// Writes events to standard error, one line each.
    #[must_use]
    pub fn console(mut self) -> Self {
        self.console = Some(Console::on_standard_error());
        self
    }

    /// Writes events as lines, without ids: there are no spans.
    #[must_use]
    pub fn lines(mut self, lines: Lines) -> Self {
        self.lines = Some(lines);
        self
    }

    /// Nothing is told.
    #[must_use]
    pub fn with_location(self, _location: bool) -> Self {
        self
    }

    /// Nothing is told.
    #[must_use]
    pub fn with_threads(self, _threads: bool) -> Self {
        self
    }

    /// Makes it the subscriber of the whole process.
    pub fn try_init(self) -> Result<(), InstallError> {
        tracing::subscriber::set_global_default(self).map_err(|_| InstallError {})
    }

    /// The same; if there is one already, that one stays, and a line on standard error says so.
    pub fn init(self) {
        if let Err(error) = self.try_init() {
            console::say(&error.to_string());
        }
    }
}

impl Subscriber {
    fn prints(&self) -> bool {
        self.console.is_some() || self.lines.is_some()
    }
}

impl tracing::Subscriber for Subscriber {
    fn on_register_dispatch(&self, _: &Dispatch) {
        if let Some(complaint) = self.directives.complaint() {
            console::say(complaint);
        }
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    /// Spans are not looked at, and events only if they are printed.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.prints() && metadata.is_event() && self.directives.enables(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if self.prints() { self.directives.most() } else { LevelFilter::OFF })
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(u64::MAX)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let tell = |fields: &Fields| {
            if let Some(lines) = &self.lines {
                lines.tell(metadata, fields);
            }
            if let Some(console) = self.console {
                console.tell(metadata, "", fields);
            }
        };
        collected(|visit| event.record(visit), tell);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

pub(super) fn set_parent(_: &tracing::Span, _: &SpanContext) -> Result<(), SetParentError> {
    Err(SetParentError::Disabled)
}

pub(super) fn context(_: &tracing::Span) -> SpanContext {
    SpanContext::NONE
}

pub(super) fn set_attribute(_: &tracing::Span, _: &str, _: Value<'_>) {}

pub(super) fn add_link(_: &tracing::Span, _: &SpanContext) {}

pub(super) fn set_status(_: &tracing::Span, _: Status<'_>) {}
