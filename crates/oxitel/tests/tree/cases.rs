//! What programs do besides nesting properly, one thing after the other.
//!
//! Expected is `child<parent` of each span; where two are given, the second is without activation.

use crate::harness::{
    FRONT_ENDS, Run, SCOPE, api, current, d, each_run, from_remote, gives, gives_or, o, remote,
    span, t, tracer,
};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{
    SpanContext as ApiSpanContext, TraceContextExt, Tracer, get_active_span, mark_span_as_active,
};
use opentelemetry::{Context, KeyValue};
use oxitel::{SpanContext, context};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use tracing::{info, info_span};

fn attach_baggage() -> opentelemetry::ContextGuard {
    Context::current_with_baggage([KeyValue::new("key", "value")]).attach()
}

#[test]
fn a_span_marked_active_is_current_until_its_guard_is_dropped() {
    gives("T<- O<T x<O y<O z<T v<T", |_| {
        let _outer = span("T").entered();
        {
            let _active = mark_span_as_active(tracer().start("O"));
            t("x");
            o("y");
        }
        t("z");
        d("v");
    });
}

#[test]
fn a_guard_of_the_api_dropped_before_an_inner_span_leaves_does_not_hide_it() {
    gives_or("A<- T<A x<T y<T z<T e<-", "A<- T<A x<- y<- z<- e<-", |_| {
        let attached = api("A").attach();
        let inner = span("T").entered();
        drop(attached);
        t("x");
        o("y");
        d("z");
        drop(inner);
        t("e");
    });
}

#[test]
fn guards_of_the_api_dropped_from_the_outside_in_do_not_hide_an_inner_span() {
    gives_or("A<- B<A T<B x<T y<T", "A<- B<A T<B x<T y<-", |_| {
        let first = api("A").attach();
        let second = api("B").attach();
        let inner = span("T").entered();
        drop(first);
        o("x");
        drop(second);
        t("y");
        drop(inner);
    });
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
fn a_span_entered_again_and_again_is_current_each_time() {
    gives("T<- x<T x<T x<T y<-", |_| {
        let again = span("T");
        for _ in 0..3 {
            again.in_scope(|| o("x"));
        }
        o("y");
    });
}

#[test]
fn a_span_entered_while_it_is_current_further_out_is_current_again() {
    gives("T<- O<T x<T y<O z<T", |_| {
        let twice = span("T");
        let outer = twice.enter();
        let attached = api("O").attach();
        {
            let _inner = twice.enter();
            t("x");
        }
        t("y");
        drop(attached);
        t("z");
        drop(outer);
    });
}

#[test]
fn a_direct_span_entered_while_it_is_current_further_out_is_current_again() {
    gives("D<- O<D x<D y<O z<D", |_| {
        let twice = SCOPE.span("D");
        let outer = twice.enter();
        let attached = api("O").attach();
        {
            let _inner = twice.enter();
            t("x");
        }
        t("y");
        drop(attached);
        t("z");
        drop(outer);
    });
}

#[test]
fn a_span_may_be_entered_and_closed_on_another_thread() {
    gives("T<- x<T y<T z<-", |run| {
        let moved = span("T");
        moved.in_scope(|| o("x"));
        let thread = run.thread(move || {
            moved.in_scope(|| t("y"));
            drop(moved);
            t("z");
        });
        thread.join().expect("no panic");
    });
}

/// The subscriber is the span's own: the thread needs none.
#[test]
fn a_span_may_be_entered_and_closed_on_a_thread_without_a_subscriber() {
    gives("T<- x<T y<-", |_| {
        let moved = span("T");
        let thread = std::thread::spawn(move || {
            moved.in_scope(|| o("x"));
            drop(moved);
            o("y");
        });
        thread.join().expect("no panic");
    });
}

#[test]
fn two_spans_that_leave_in_the_order_they_came() {
    gives("a<- b<a x<b y<b z<-", |_| {
        let a = span("a").entered();
        let b = span("b").entered();
        drop(a);
        t("x");
        o("y");
        drop(b);
        t("z");
    });
}

#[test]
fn two_spans_that_leave_in_the_order_they_came_with_one_of_the_api_between() {
    gives_or("a<- O<a b<O x<b z<b", "a<- O<a b<O x<b z<-", |_| {
        let a = span("a").entered();
        let attached = api("O").attach();
        let b = span("b").entered();
        drop(a);
        t("x");
        drop(attached);
        o("z");
        drop(b);
    });
}

#[test]
fn spans_that_are_filtered_out_between_others_change_nothing() {
    gives("T<- O<T U<O x<U", |_| {
        let _outer = span("T").entered();
        let _off = info_span!(target: "off", "off").entered();
        let _attached = api("O").attach();
        let _off = info_span!(target: "off", "off").entered();
        let _inner = span("U").entered();
        let _off = info_span!(target: "off", "off").entered();
        o("x");
    });
}

#[test]
fn a_direct_guard_may_outlive_the_tracing_guard_around_it() {
    gives("T<- D<T x<D y<D z<-", |_| {
        let outer = span("T").entered();
        let direct = SCOPE.enter("D");
        drop(outer);
        t("x");
        o("y");
        drop(direct);
        d("z");
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
fn a_place_says_exactly_whose_child_comes_next() {
    gives("A<- T<A x<- y<- z<- B<- w<B v<remote2 u<T", |_| {
        let _attached = api("A").attach();
        let _inner = span("T").entered();
        {
            let _root = context::root().attach();
            o("x");
            t("y");
            d("z");
            let _attached = api("B").attach();
            o("w");
        }
        {
            let header = "00-00000000000000000000000000000002-0000000000000abc-01";
            let caller =
                oxitel::propagate::extract(|name| (name == "traceparent").then_some(header));
            let _caller = context::with_parent(caller.span_context()).attach();
            o("v");
        }
        o("u");
    });
}

#[test]
fn a_captured_place_is_the_same_everywhere_with_and_without_activation() {
    gives("T<- O<T x<O y<O z<O D<- v<D w<O", |run| {
        let outer = span("T");
        let place = outer.in_scope(|| {
            let _attached = api("O").attach();
            context::capture()
        });
        let there = place.clone();
        let thread = run.thread(move || {
            let _there = there.attach();
            t("x");
            o("y");
            d("z");
        });
        thread.join().expect("no panic");
        let _direct = SCOPE.enter("D");
        t("v");
        place.run(|| o("w"));
    });
}

#[test]
fn in_a_suppressed_scope_no_api_records_or_propagates() {
    gives("T<- w<T", |_| {
        let _outer = span("T").entered();
        {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            t("x");
            o("y");
            d("z");
            drop(SCOPE.span("v"));
            assert!(!current().is_valid());
            oxitel::propagate::inject(|name, _| panic!("{name} is injected"));
            let _inner = span("q").entered();
            let _direct = SCOPE.enter("q");
            let _attached = api("q").attach();
            t("x");
            o("x");
            d("x");
            let _taken_along = context::capture().attach();
            d("x");
            oxitel::propagate::inject(|name, _| panic!("{name} is injected"));
        }
        o("w");
    });
}

#[test]
fn work_taken_along_from_a_suppressed_scope_is_suppressed() {
    gives("w<-", |run| {
        let place = {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            context::capture()
        };
        let thread = run.thread(move || {
            place.run(|| {
                t("x");
                o("y");
                d("z");
                let _below = context::with_parent(&SpanContext::NONE).attach();
                t("x");
                d("z");
            });
            t("w");
        });
        thread.join().expect("no panic");
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

#[test]
fn explicit_parents_of_tracing_are_obeyed() {
    gives("A<- T<A p<- x<p y<-", |_| {
        let parent = span("p");
        let _attached = api("A").attach();
        let _current = span("T").entered();
        drop(info_span!(parent: &parent, "span", otel.name = "x"));
        drop(info_span!(parent: None, "span", otel.name = "y"));
    });
}

#[test]
fn explicit_parents_of_the_direct_api_are_obeyed() {
    gives("A<- T<A p<- x<p y<-", |_| {
        let parent = SCOPE.span("p");
        let _attached = api("A").attach();
        let _current = span("T").entered();
        drop(SCOPE.build("x").parent(&parent.context()).start());
        drop(SCOPE.build("y").root().enter());
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
fn unwinding_through_all_three_leaves_nothing_behind() {
    gives("T<- O<T D<O x<-", |_| {
        let unwound = catch_unwind(|| {
            let _outer = span("T").entered();
            let _attached = api("O").attach();
            let _direct = SCOPE.enter("D");
            resume_unwind(Box::new("on purpose"));
        });
        assert!(unwound.is_err());
        t("x");
    });
}

/// Misuse: `Entered` belongs to the thread, so two tasks mix their spans up. Nothing breaks.
#[test]
fn guards_of_tracing_held_over_an_await_mix_up_tasks_and_leave_nothing() {
    gives("a<- b<a x<b y<b z<-", |_| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let (b_is_entered, when_b_is_entered) = tokio::sync::oneshot::channel();
            let (a_has_left, when_a_has_left) = tokio::sync::oneshot::channel();
            let a = span("a").entered();
            let first = tokio::task::spawn_local(async move {
                when_b_is_entered.await.expect("it is sent");
                o("x");
                drop(a);
                a_has_left.send(()).expect("the other waits");
            });
            let second = tokio::task::spawn_local(async move {
                let _b = span("b").entered();
                b_is_entered.send(()).expect("the other waits");
                when_a_has_left.await.expect("it is sent");
                o("y");
            });
            first.await.expect("no panic");
            second.await.expect("no panic");
        });
        o("z");
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
fn below_a_span_that_is_sampled_out_nothing_is_recorded_and_the_decision_travels() {
    use opentelemetry::trace::TraceFlags;
    for front_end in FRONT_ENDS {
        for activation in crate::harness::ACTIVATIONS {
            let run = Run::start(front_end, activation);
            run.program(|| {
                let unsampled = ApiSpanContext::new(
                    remote(1).trace_id(),
                    remote(1).span_id(),
                    TraceFlags::default(),
                    true,
                    opentelemetry::trace::TraceState::NONE,
                );
                let outside = Context::current().with_remote_span_context(unsampled);
                for kind in 0..3 {
                    let _caller = outside.clone().attach();
                    below_unsampled(kind);
                }
            });
            let got = crate::harness::parents(&run.spans());
            assert_eq!(got, ["k<remote2"; 3], "{}", run.title());
            assert!(!current().is_valid());
        }
    }
}

/// A span of each API in turn, with everything below it.
fn below_unsampled(kind: usize) {
    let tracing = (kind == 0).then(|| span("out").entered());
    let attached = (kind == 1).then(|| api("out").attach());
    let direct = (kind == 2).then(|| SCOPE.enter("out"));
    let header = || {
        let mut headers = Vec::new();
        oxitel::propagate::inject(|_, value| headers.push(value.to_owned()));
        headers.pop().expect("the decision travels")
    };
    let outer = header();
    assert!(outer.starts_with("00-00000000000000000000000000000001-") && outer.ends_with("-00"));
    t("x");
    o("y");
    d("z");
    info!("nowhere");
    let inner = span("q").entered();
    o("y");
    let inner_attached = api("r").attach();
    d("z");
    t("x");
    assert!(header().starts_with(&outer[..36]) && header().ends_with("-00"));
    {
        // Sampled by its caller: it is recorded.
        let _caller = from_remote(2).attach();
        t("k");
    }
    drop((inner_attached, inner, direct, attached, tracing));
}

#[test]
fn events_are_on_the_innermost_tracing_span() {
    each_run(|run| {
        run.program(|| {
            info!("outside");
            let _outer = span("T").entered();
            info!("in T");
            let _attached = api("O").attach();
            let _inner = span("U").entered();
            info!("in U");
            info!(parent: None, "without");
        });
        let spans = run.spans();
        let of = |name: &str| -> Vec<String> {
            let record = spans.iter().find(|record| record.span.name == name);
            let events = &record.expect("recorded").span.events;
            events.iter().map(|event| event.name.clone()).collect()
        };
        assert_eq!(of("T"), ["in T"], "{}", run.title());
        assert_eq!(of("U"), ["in U"], "{}", run.title());
        assert_eq!(of("O"), Vec::<String>::new(), "{}", run.title());
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

/// Destructors of the host's values run when nothing of ours is borrowed: they may use all APIs.
#[test]
fn values_of_a_context_may_use_telemetry_when_they_are_dropped() {
    struct Chatty;
    impl Drop for Chatty {
        fn drop(&mut self) {
            let _span = span("dropped").entered();
            o("x");
            d("y");
            info!("dropped");
        }
    }
    let off = "T<- dropped<T x<dropped y<dropped";
    gives_or("T<- dropped<- x<dropped y<dropped", off, |_| {
        let inner = {
            let _value = Context::current_with_value(Chatty).attach();
            // Its Context keeps the value, and is the last to do so.
            span("T").entered()
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| drop(inner)));
        assert!(outcome.is_ok());
    });
}
