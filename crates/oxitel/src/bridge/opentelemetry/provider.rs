//! Tracers: where spans of the OpenTelemetry API begin.

use super::convert::{from_api, interned, kind, with_pairs};
use super::span::Span;
use crate::context::SpanContext;
use crate::pipeline::clock::wall_ns_of;
use crate::pipeline::current::{self, InsideApi};
use crate::pipeline::scope::ScopeData;
use crate::pipeline::{local, state};
use crate::record::{Details, Kind, start_in, start_in_with};
use opentelemetry::trace::{self, SpanBuilder};
use opentelemetry::{Context, InstrumentationScope};

/// Makes tracers whose spans are ours. [`init`](crate::init) makes it the global one.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracerProvider(());

impl TracerProvider {
    /// The provider of this process.
    pub const fn new() -> Self {
        Self(())
    }
}

impl trace::TracerProvider for TracerProvider {
    type Tracer = Tracer;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> Tracer {
        current::api_in_use();
        Tracer { scope: interned(&scope) }
    }
}

/// Makes spans of one instrumentation scope.
#[derive(Clone, Copy, Debug)]
pub struct Tracer {
    scope: &'static ScopeData,
}

impl trace::Tracer for Tracer {
    type Span = Span;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Span {
        let _inside = InsideApi::enter();
        let parent = local::given(parent);
        if !state::is_on() {
            // The caller's context passes through.
            return Span::passed_on(&parent);
        }
        if parent.ids.is_suppressed() {
            return Span::passed_on(&SpanContext::NONE);
        }
        let mut builder = builder;
        let mut span = if state::starts_are_asked() {
            self.begin_asked(&mut builder, &parent)
        } else {
            self.begin(&builder, &parent)
        };
        span.fill(builder);
        span
    }
}

impl Tracer {
    fn begin(self, builder: &SpanBuilder, parent: &SpanContext) -> Span {
        let mut span = start_in(self.scope, &builder.name, parent);
        if let Some(given) = &builder.span_kind {
            span.set_kind(kind(given));
        }
        if let Some(time) = builder.start_time {
            span.set_start(wall_ns_of(time));
        }
        Span::of(span)
    }

    /// The program's sampler and hooks see what is known from the beginning.
    #[cold]
    fn begin_asked(self, builder: &mut SpanBuilder, parent: &SpanContext) -> Span {
        let links = builder.links.iter().flatten().map(|link| from_api(&link.span_context));
        let links: Vec<_> = links.collect();
        let attributes = builder.attributes.take().unwrap_or_default();
        let span = with_pairs(&attributes, |attributes| {
            let details = Details {
                kind: builder.span_kind.as_ref().map_or(Kind::Internal, kind),
                attributes,
                links: &links,
                links_follow: true,
                start_ns: builder.start_time.map(wall_ns_of),
                ..Details::default()
            };
            start_in_with(self.scope, &builder.name, parent, &details)
        });
        Span::of(span)
    }
}

impl Span {
    fn fill(&mut self, builder: SpanBuilder) {
        use trace::Span as _;
        if !self.is_recording() {
            return;
        }
        self.set_attributes(builder.attributes.into_iter().flatten());
        for event in builder.events.into_iter().flatten() {
            self.add_event_with_timestamp(event.name, event.timestamp, event.attributes);
        }
        for link in builder.links.into_iter().flatten() {
            let to = from_api(&link.span_context);
            self.add_link_to(&to, &link.attributes);
        }
    }
}
