//! For middleware of others that asks tracing-opentelemetry for its own layer: that layer, on our
//! tracer, for the spans that it needs.
//!
//! The extension trait of that crate finds its layer by a type that it keeps to itself. We cannot
//! make one, but a question for a type that we do not know can be passed on to the layer inside.

use super::layer::Layer;
use crate::bridge::opentelemetry::{Tracer, TracerProvider};
use crate::context::SpanContext;
use crate::pipeline::local;
use opentelemetry::trace::TracerProvider as _;
use std::any::TypeId;
use std::fmt;
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Metadata, Subscriber};
use tracing_opentelemetry::{OpenTelemetryLayer, get_otel_context};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// A [`Layer`] that leaves some spans to the layer of tracing-opentelemetry; made by
/// [`Layer::compat`].
pub struct Compat<S, P> {
    ours: Layer,
    theirs: OpenTelemetryLayer<S, Tracer>,
    pick: P,
}

impl Layer {
    /// Leaves the spans that `pick` names to the layer of tracing-opentelemetry, which runs on our
    /// tracer: for middleware that calls `OpenTelemetrySpanExt`, such as axum-tracing-opentelemetry
    /// and tonic-tracing-opentelemetry, whose spans have the target `otel::tracing`. They end in
    /// the same trace and the same engine; all others stay as fast as they are.
    ///
    /// On a span that `pick` does not name, `OpenTelemetrySpanExt::set_parent` has no effect and
    /// says nothing; [`SpanExt::set_parent`](super::SpanExt::set_parent) is for those. A picked
    /// span with one of ours as its explicit parent stays with us.
    pub fn compat<S, P>(self, pick: P) -> Compat<S, P>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        P: Fn(&Metadata<'_>) -> bool + 'static,
    {
        let tracer = TracerProvider::new().tracer("tracing");
        Compat { ours: self, theirs: tracing_opentelemetry::layer().with_tracer(tracer), pick }
    }
}

impl<S, P> fmt::Debug for Compat<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compat").field("ours", &self.ours).finish_non_exhaustive()
    }
}

impl<S, P> Compat<S, P>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    P: Fn(&Metadata<'_>) -> bool + 'static,
{
    fn is_theirs(&self, id: &Id, context: &Context<'_, S>) -> bool {
        !self.ours.has(id) && context.metadata(id).is_some_and(&self.pick)
    }

    /// Where a span of theirs stands that one of ours names as its parent.
    fn theirs_above(&self, parent: &Id, context: &Context<'_, S>) -> Option<SpanContext> {
        if !self.is_theirs(parent, context) {
            return None;
        }
        let dispatch = self.ours.dispatch()?;
        get_otel_context(parent, &dispatch).map(|context| local::given(&context))
    }
}

impl<S, P> tracing_subscriber::Layer<S> for Compat<S, P>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    P: Fn(&Metadata<'_>) -> bool + 'static,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        tracing_subscriber::Layer::<S>::on_register_dispatch(&self.ours, dispatch);
        self.theirs.on_register_dispatch(dispatch);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let parent = attributes.parent();
        let is_below_ours = parent.is_some_and(|parent| self.ours.has(parent));
        if !is_below_ours && (self.pick)(attributes.metadata()) {
            self.theirs.on_new_span(attributes, id, context);
            return;
        }
        match parent.and_then(|parent| self.theirs_above(parent, &context)) {
            Some(parent) => self.ours.begin_below(attributes, id, &parent),
            None => self.ours.on_new_span(attributes, id, context),
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if self.is_theirs(id, &context) {
            self.theirs.on_record(id, values, context);
        } else {
            self.ours.on_record(id, values, context);
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, context: Context<'_, S>) {
        if self.is_theirs(id, &context) {
            self.theirs.on_follows_from(id, follows, context);
        } else {
            self.ours.on_follows_from(id, follows, context);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let span = context.event_span(event);
        if span.is_some_and(|span| self.is_theirs(&span.id(), &context)) {
            self.theirs.on_event(event, context);
        } else {
            self.ours.on_event(event, context);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if self.is_theirs(id, &context) {
            self.theirs.on_enter(id, context);
        } else {
            self.ours.on_enter(id, context);
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if self.is_theirs(id, &context) {
            self.theirs.on_exit(id, context);
        } else {
            self.ours.on_exit(id, context);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if self.is_theirs(&id, &context) {
            self.theirs.on_close(id, context);
        } else {
            self.ours.on_close(id, context);
        }
    }

    #[expect(unsafe_code, reason = "the signature is tracing-subscriber's; nothing is read here")]
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() {
            return Some(std::ptr::from_ref(self).cast());
        }
        if id == TypeId::of::<Layer>() {
            return Some(std::ptr::from_ref(&self.ours).cast());
        }
        // SAFETY: the caller promises to use the pointer as what `id` names, and only while we
        // live; the layer inside answers for its own types, and lives as long.
        unsafe { self.theirs.downcast_raw(id) }
    }
}
