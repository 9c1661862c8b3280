//! What programs do with Contexts of the OpenTelemetry API besides nesting them.
//!
//! Expected is `child<parent` of each span; where two are given, the second is without activation.

use crate::harness::{
    SCOPE, api, current, d, each_run, from_remote, gives, gives_or, header_of, o, parents, span, t,
    tracer,
};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{
    SpanContext as ApiSpanContext, TraceContextExt, Tracer, get_active_span,
};
use opentelemetry::{Context, KeyValue};
use oxitel::bridge::Activation;
use tracing::{info, info_span};

fn attach_baggage() -> opentelemetry::ContextGuard {
    Context::current_with_baggage([KeyValue::new("key", "value")]).attach()
}

#[test]
fn an_empty_context_attached_cuts_the_trace() {
    gives_or("T<- x<- y<- z<- w<T", "T<- x<T y<T z<T w<T", |_| {
        let _outer = span("T").entered();
        {
            let _cut = Context::new().attach();
            o("x");
            t("y");
            d("z");
        }
        o("w");
    });
}

#[test]
fn an_empty_context_given_starts_a_trace_and_the_current_one_does_not() {
    gives_or("T<- x<- y<T", "T<- x<T y<T", |_| {
        let _outer = span("T").entered();
        drop(tracer().start_with_context("x", &Context::new()));
        drop(tracer().start_with_context("y", &Context::current()));
    });
}

#[test]
fn a_context_from_outside_given_inside_means_the_outer_span() {
    gives_or("A<- T<A x<A", "A<- T<A x<T", |_| {
        let outer = api("A");
        let _attached = outer.clone().attach();
        let _inner = span("T").entered();
        drop(tracer().start_with_context("x", &outer));
    });
}

#[test]
fn the_current_context_given_means_the_current_span() {
    gives("A<- T<A x<T", |_| {
        let _attached = api("A").attach();
        let _inner = span("T").entered();
        drop(tracer().start_with_context("x", &Context::current()));
    });
}

#[test]
fn a_context_that_was_never_attached_may_be_given() {
    gives("A<- T<- x<A", |_| {
        let never_attached = api("A");
        let _outer = span("T").entered();
        drop(tracer().start_with_context("x", &never_attached));
    });
}

#[test]
fn a_remote_span_is_the_parent_for_each_api() {
    gives("x<remote1 y<remote1 z<remote1 v<remote1", |_| {
        let _caller = from_remote(1).attach();
        t("x");
        o("y");
        d("z");
        drop(SCOPE.span("v"));
    });
}

#[test]
fn a_remote_span_attached_inside_is_the_parent_there() {
    gives("T<- x<remote1 y<remote1 z<remote1 w<T D<- v<remote2 u<D", |_| {
        {
            let _outer = span("T").entered();
            {
                let _caller = from_remote(1).attach();
                t("x");
                o("y");
                d("z");
            }
            t("w");
        }
        let _outer = SCOPE.enter("D");
        {
            let _caller = from_remote(2).attach();
            t("v");
        }
        o("u");
    });
}

#[test]
fn baggage_attached_inside_changes_no_parent() {
    gives("A<- T<A x<T y<T z<T U<- v<U", |_| {
        {
            let _attached = api("A").attach();
            let _inner = span("T").entered();
            let _baggage = attach_baggage();
            t("x");
            o("y");
            d("z");
        }
        let _outer = span("U").entered();
        let _baggage = attach_baggage();
        o("v");
    });
}

#[test]
fn baggage_of_the_context_stays_below_every_span() {
    each_run(|run| {
        run.program(|| {
            let _baggage = attach_baggage();
            let _tracing = span("T").entered();
            let _direct = SCOPE.enter("D");
            let _attached = api("O").attach();
            let context = Context::current();
            let value = context.baggage().get("key").map(ToString::to_string);
            assert_eq!(value.as_deref(), Some("value"), "{}", run.title());
        });
    });
}

#[test]
fn an_outer_context_attached_again_inside_is_the_outer_place() {
    gives_or("A<- T<A x<A", "A<- T<A x<T", |_| {
        let outer = api("A");
        let _attached = outer.clone().attach();
        let _inner = span("T").entered();
        let _again = outer.attach();
        o("x");
    });
}

#[test]
fn a_builder_with_a_remote_context_of_its_own_is_below_it() {
    gives("T<- y<x x<remote1", |_| {
        let _outer = span("T").entered();
        let tracer = tracer();
        let builder = tracer.span_builder("x");
        tracer.in_span_with_builder_and_context(builder, &from_remote(1), |_| t("y"));
    });
}

/// The API refuses attaching beyond a depth; ours goes on with what it knows.
#[test]
fn more_contexts_than_the_api_can_stack_change_no_parent() {
    gives("T<- x<T U<T y<U z<U v<T", |_| {
        let _outer = span("T").entered();
        let guards: Vec<_> = (0..70_000).map(|_| Context::current().attach()).collect();
        o("x");
        {
            let _beyond = span("U").entered();
            t("y");
            d("z");
        }
        for guard in guards.into_iter().rev() {
            drop(guard);
        }
        o("v");
    });
}

/// Span ids are chosen by clients.
#[test]
fn the_same_span_id_in_another_trace_is_another_span() {
    gives("T<remote1 x<remote2 y<remote2", |_| {
        let _caller = from_remote(1).attach();
        let _inner = span("T").entered();
        let _other = from_remote(2).attach();
        o("x");
        t("y");
    });
}

#[test]
fn a_span_made_in_a_context_that_is_gone_is_current_when_it_is_entered() {
    gives("A<- T<A x<T", |_| {
        let inner = {
            let _attached = api("A").attach();
            span("T")
        };
        let _entered = inner.enter();
        o("x");
    });
}

#[test]
fn a_span_of_the_api_made_in_a_span_that_was_left_is_current_when_it_is_attached() {
    gives("T<- O<T x<O", |_| {
        let context = {
            let _outer = span("T").entered();
            api("O")
        };
        let _attached = context.attach();
        t("x");
    });
}

/// Of tracers that do nothing.
#[test]
fn an_invalid_span_of_the_api_hides_nothing() {
    gives("T<- x<T y<T D<- z<D", |_| {
        let invalid = || Context::current().with_remote_span_context(ApiSpanContext::NONE).attach();
        {
            let _outer = span("T").entered();
            let _invalid = invalid();
            o("x");
            t("y");
        }
        let _outer = SCOPE.enter("D");
        let _invalid = invalid();
        d("z");
    });
}

/// The Context of a thread where nothing is current means that nothing is current.
#[test]
fn an_empty_context_of_another_thread_attached_inside_cuts_the_trace() {
    gives_or("T<- x<-", "T<- x<T", |run| {
        let elsewhere = run.thread(Context::current).join().expect("no panic");
        let _outer = span("T").entered();
        let _attached = elsewhere.attach();
        o("x");
    });
}

#[test]
fn an_event_inside_the_apis_own_closures_is_recorded() {
    gives("T<- O<T x<O", |_| {
        let _outer = span("T").entered();
        let _attached = api("O").attach();
        get_active_span(|_| info!("inside"));
        get_active_span(|_| t("x"));
    });
}

/// The API's cell is borrowed there, and a Context cannot be attached: the frame does without.
#[test]
fn a_span_entered_inside_the_apis_own_closures_is_current() {
    gives("T<- x<T D<- z<D w<-", |_| {
        Context::map_current(|_| span("T").in_scope(|| t("x")));
        Context::map_current(|_| {
            let _direct = SCOPE.enter("D");
            d("z");
        });
        t("w");
    });
}

#[test]
fn a_remote_context_of_another_thread_wins_inside_a_span() {
    gives("T<- x<remote1 y<T", |run| {
        let captured = run.thread(|| from_remote(1)).join().expect("no panic");
        let _outer = span("T").entered();
        {
            let _attached = captured.attach();
            o("x");
        }
        o("y");
    });
}

#[test]
fn the_apis_current_span_is_the_current_span_where_frames_show_themselves() {
    use oxitel::bridge::Activation;
    each_run(|run| {
        run.program(|| {
            let seen = || {
                let context = Context::current().span().span_context().clone();
                (context.trace_id().to_bytes(), context.span_id().to_bytes())
            };
            let current = || (current().trace_id().to_bytes(), current().span_id().to_bytes());
            let expected = || {
                let visible = run.activation != Activation::Off;
                if visible { current() } else { ([0; 16], [0; 8]) }
            };
            let _tracing = span("T").entered();
            assert_eq!(seen(), expected(), "{}", run.title());
            let _direct = SCOPE.enter("D");
            assert_eq!(seen(), expected(), "{}", run.title());
            let _attached = api("O").attach();
            assert_eq!(seen(), current(), "{}", run.title());
        });
    });
}

/// Destructors of the host's values run when nothing of ours is borrowed: they may use all APIs,
/// and the very span whose frame has gone.
#[test]
fn values_of_a_context_may_use_telemetry_when_they_are_dropped() {
    each_run(|run| {
        run.program(|| {
            let inner = info_span!("span", otel.name = "T", late = tracing::field::Empty);
            let inner = {
                let _value = Context::current_with_value(Chatty(inner.clone())).attach();
                // Its Context keeps the value, and is the last to do so.
                inner.entered()
            };
            drop(inner);
        });
        let spans = run.spans();
        let of_t = &spans.iter().find(|record| record.span.name == "T").expect("recorded").span;
        let active = run.activation != Activation::Off;
        let expected = if active {
            ["T<-", "renamed<-", "x<renamed", "y<renamed"]
        } else {
            ["T<-", "dropped<T", "x<dropped", "y<dropped"]
        };
        assert_eq!(parents(&spans), expected, "{}", run.title());
        assert_eq!(of_t.events.len(), usize::from(!active), "{}: T has gone", run.title());
        assert!(of_t.attributes.iter().any(|pair| pair.key == "late"), "{}", run.title());
    });
}

struct Chatty(tracing::Span);

impl Drop for Chatty {
    fn drop(&mut self) {
        info!("on what is current");
        self.0.record("late", true);
        let _span = span("dropped").entered();
        o("x");
        d("y");
        Context::current().span().update_name("renamed");
    }
}

/// Extension traits of other crates hand over such a one when their own layer is not there.
#[test]
fn a_context_without_a_span_sends_the_current_one_out() {
    each_run(|run| {
        run.program(|| {
            let _outer = span("T").entered();
            let expected = format!("00-{}-{}-", current().trace_id(), current().span_id());
            for context in [Context::new(), Context::current()] {
                let header = header_of(&context).expect("something goes out");
                assert!(header.starts_with(&expected), "{}: {header}", run.title());
            }
            let other = header_of(&from_remote(2)).expect("something goes out");
            assert!(other.starts_with("00-00000000000000000000000000000002-"), "{other}");
            let suppressed = Context::new().with_telemetry_suppressed();
            assert_eq!(header_of(&suppressed), None, "{}", run.title());
        });
        assert_eq!(header_of(&Context::new()), None, "nothing is current");
    });
}
