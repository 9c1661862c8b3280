//! Spans that are entered, left and closed in other ways than nesting, one after the other.
//!
//! Expected is `child<parent` of each span; where two are given, the second is without activation.

use crate::harness::{SCOPE, api, d, each_run, gives, gives_or, o, parents, span, t, tracer};
use opentelemetry::trace::{Tracer, mark_span_as_active};
use oxitel::context;
use std::panic::{catch_unwind, resume_unwind};
use tracing::info_span;

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

/// A layer is told of spans that another layer keeps, and can ask for theirs.
#[test]
fn an_explicit_parent_that_is_filtered_out_stands_for_what_is_above_it() {
    each_run(|run| {
        run.program(|| {
            let outer = span("T");
            let hidden = info_span!(target: "off", parent: &outer, "off");
            drop(info_span!(parent: &hidden, "span", otel.name = "x"));
        });
        let kept = run.title().starts_with("layer beside another");
        let expected = if kept { ["T<-", "x<T"] } else { ["T<-", "x<-"] };
        assert_eq!(parents(&run.spans()), expected, "{}", run.title());
    });
}
