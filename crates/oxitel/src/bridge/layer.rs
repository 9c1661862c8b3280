//! A `tracing` layer for programs that have a `Registry`.
//!
//! No field is formatted while the span's extensions are borrowed: a `Debug` implementation may
//! itself use `tracing`.

use super::fields::{Fields, Visitor, set};
use crate::context::SpanContext;
use crate::record::{Parent, Scope, Span, Value, start};
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
        let name = attributes.metadata().name();
        let mut span = match attributes.parent() {
            Some(parent) => start(&SCOPE, name, Parent::Given(&recorded(parent, &context))),
            None if attributes.is_root() => start(&SCOPE, name, Parent::Given(&SpanContext::NONE)),
            None => start(&SCOPE, name, Parent::Current),
        };
        if span.is_recording() {
            attributes.record(&mut Visitor(|name, value: Value<'_>| set(&mut span, name, value)));
        }
        if let Some(registered) = context.span(id) {
            // Replaces: with two of these layers in one subscriber, the last one counts.
            registered.extensions_mut().replace(span);
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
        let followed = recorded(follows, &context);
        if followed.is_valid()
            && let Some(registered) = context.span(id)
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
            span.leave_current();
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).and_then(|span| span.extensions_mut().remove::<Span>());
        // Ends here, after the extensions are free again.
        drop(span);
    }
}

/// What we recorded of another span; none when it was filtered away.
fn recorded<S>(id: &Id, context: &Context<'_, S>) -> SpanContext
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let registered = context.span(id);
    let found = registered.and_then(|span| span.extensions().get::<Span>().map(Span::context));
    found.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::context;
    use std::thread;
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn the_senders_thread_stays_suppressed_whatever_is_entered_on_it() {
        let sender = thread::spawn(|| {
            context::suppress_thread();
            let subscriber = tracing_subscriber::registry().with(super::layer());
            tracing::subscriber::with_default(subscriber, || {
                tracing::info_span!("inside a library").in_scope(|| {});
                tracing::info_span!("and again").in_scope(|| {});
            });
            context::capture().span_context().ids.is_suppressed()
        });
        assert!(sender.join().expect("no panic"));
    }
}
