//! A `tracing` layer for programs that have a `Registry`.
//!
//! Field values are taken before the span's extensions are borrowed: a `Debug` implementation
//! may itself use `tracing`.

use super::fields::Fields;
use crate::context;
use crate::record::{Parent, Scope, Span, start};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

static SCOPE: Scope = Scope::new("tracing");

/// Records `tracing` spans, and events as events of the span they happen in.
///
/// In a span's fields, `otel.name` and `otel.kind` set its name and kind, `otel.status_code`
/// (`ok` or `error`) and `otel.status_message` its status. What it follows from becomes a link.
#[derive(Debug, Default)]
pub struct Layer(());

/// A [`Layer`], for `tracing_subscriber::registry().with(oxitel::bridge::layer())`.
pub fn layer() -> Layer {
    Layer(())
}

impl<S> tracing_subscriber::Layer<S> for Layer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let fields = Fields::of(|visitor| attributes.record(visitor));
        let name = attributes.metadata().name();
        let explicit = attributes.parent().and_then(|parent| context.span(parent));
        let mut span = match explicit {
            Some(parent) => {
                let extensions = parent.extensions();
                let parent = extensions.get::<Span>().map(Span::context).unwrap_or_default();
                drop(extensions);
                start(&SCOPE, name, Parent::Given(&parent))
            }
            None if attributes.is_root() => start(&SCOPE, name, Parent::Given(&ROOT)),
            None => start(&SCOPE, name, Parent::Current),
        };
        fields.apply(&mut span);
        if let Some(registered) = context.span(id) {
            registered.extensions_mut().insert(span);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let fields = Fields::of(|visitor| values.record(visitor));
        if let Some(registered) = context.span(id)
            && let Some(span) = registered.extensions_mut().get_mut::<Span>()
        {
            fields.apply(span);
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, context: Context<'_, S>) {
        let followed = context.span(follows);
        let followed = followed.and_then(|span| span.extensions().get::<Span>().map(Span::context));
        if let (Some(registered), Some(followed)) = (context.span(id), followed)
            && let Some(span) = registered.extensions_mut().get_mut::<Span>()
        {
            span.add_link(&followed, &[]);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(registered) = context.event_span(event) else { return };
        let fields = Fields::of(|visitor| event.record(visitor));
        if let Some(span) = registered.extensions_mut().get_mut::<Span>() {
            fields.apply_event(span, event.metadata());
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(registered) = context.span(id)
            && let Some(span) = registered.extensions().get::<Span>()
        {
            span.make_current();
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if let Some(registered) = context.span(id)
            && let Some(span) = registered.extensions().get::<Span>()
        {
            context::pop(span.frame_key());
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).and_then(|span| span.extensions_mut().remove::<Span>());
        // Ends here, after the extensions are free again.
        drop(span);
    }
}

static ROOT: context::SpanContext = context::SpanContext::NONE;
