//! The three APIs in tasks that move between threads, wait for each other and are dropped.

use crate::harness::{
    PATIENCE, SCOPE, api, current, d, each_run, gives, gives_or, o, span, t, tracer,
};
use crate::orders::{BASE, Claims, Level, Step, judge, orders};
use futures_util::future::{BoxFuture, join_all, pending};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{TraceContextExt, Tracer};
use oxitel::context;
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument as _;

/// A yield, a timer, or a wait for another task.
async fn pause(number: usize) {
    match number % 3 {
        0 => tokio::task::yield_now().await,
        1 => tokio::time::sleep(Duration::from_micros(300)).await,
        _ => tokio::spawn(tokio::task::yield_now()).await.expect("no panic"),
    }
}

/// Few, for there are many tasks: three spans.
fn probes(level: &Level) {
    t(&level.probe("tracing"));
    drop(tracer().start(level.probe("start")));
    d(&level.probe("enter"));
    level.quiet_probes();
}

/// Runs the rest of the order as futures; each level makes 16 spans.
fn nest(level: Level) -> BoxFuture<'static, ()> {
    let Some(step) = level.step() else { return async {}.boxed() };
    let name = level.name();
    let inside = async move {
        probes(&level);
        for number in 0..3 {
            pause(number + level.depth).await;
            probes(&level);
        }
        nest(level.deeper()).await;
        pause(level.depth).await;
        probes(&level);
    };
    match step {
        Step::Tracing => async move { inside.instrument(span(&name)).await }.boxed(),
        Step::Api | Step::ApiAttached | Step::ApiMarked => async move {
            let context = Context::current_with_span(tracer().start(name));
            inside.with_context(context).await;
        }
        .boxed(),
        Step::Direct => async move { SCOPE.span(&name).instrument(inside).await }.boxed(),
        Step::DirectCurrent => async move {
            let span = SCOPE.span(&name);
            let inside = {
                let _current = span.enter();
                context::propagate_context(inside)
            };
            inside.await;
        }
        .boxed(),
    }
}

const SPANS_OF_A_LEVEL: usize = 16;
const WITH_CAPTURE: [Step; 4] = [Step::Tracing, Step::Api, Step::Direct, Step::DirectCurrent];

#[test]
fn tasks_in_each_order_on_four_threads_keep_their_places() {
    const TASKS: usize = 24;
    each_run(|run| {
        let claims = Arc::default();
        let orders = orders(&BASE, 3);
        run.block_on(4, async {
            for order in &orders {
                let task = |number| tokio::spawn(nest(Level::outermost(order, number, &claims)));
                let tasks: Vec<_> = (0..TASKS).map(task).collect();
                for task in tasks {
                    task.await.expect("no panic");
                }
            }
        });
        judge(&run, &claims, orders.len() * TASKS * 3 * SPANS_OF_A_LEVEL);
    });
}

#[test]
fn tasks_of_all_orders_at_once_keep_their_places() {
    each_run(|run| {
        let claims = Arc::default();
        let orders = orders(&WITH_CAPTURE, 3);
        run.block_on(4, async {
            let task = |order: &Vec<Step>| tokio::spawn(nest(Level::outermost(order, 0, &claims)));
            for task in orders.iter().map(task).collect::<Vec<_>>() {
                task.await.expect("no panic");
            }
        });
        judge(&run, &claims, orders.len() * 3 * SPANS_OF_A_LEVEL);
    });
}

#[test]
fn futures_that_take_turns_in_one_task_keep_their_places() {
    each_run(|run| {
        let claims: Arc<Claims> = Arc::default();
        let orders = orders(&WITH_CAPTURE, 3);
        let futures: Vec<_> =
            orders.iter().map(|order| nest(Level::outermost(order, 0, &claims))).collect();
        run.block_on(4, async { tokio::spawn(join_all(futures)).await.expect("no panic") });
        judge(&run, &claims, orders.len() * 3 * SPANS_OF_A_LEVEL);
    });
}

/// Compiles, or nobody could spawn them.
#[test]
fn futures_that_carry_a_place_are_send_where_their_inside_is() {
    fn is_send(_: &impl Send) {}
    is_send(&context::propagate_context(async { tokio::task::yield_now().await }));
    is_send(&context::capture().wrap(async { tokio::task::yield_now().await }));
    fn makes_send<F: Send>(_: impl FnOnce() -> F) {}
    // Not made: it would be a span in another test's session.
    makes_send(|| SCOPE.span("never seen").instrument(async { tokio::task::yield_now().await }));
}

#[test]
fn spawned_work_takes_along_the_place_where_it_was_made() {
    gives("T<- O<T D<O x<D y<D z<D", |run| {
        run.block_on(2, async {
            let outer = span("T");
            let task = {
                let _entered = outer.enter();
                let _attached = api("O").attach();
                let _direct = SCOPE.enter("D");
                let inside = async {
                    t("x");
                    tokio::task::yield_now().await;
                    o("y");
                    tokio::task::yield_now().await;
                    d("z");
                };
                tokio::spawn(context::propagate_context(inside))
            };
            task.await.expect("no panic");
        });
    });
}

/// The API's own way of it needs frames that show themselves in its Context.
#[test]
fn spawned_work_with_the_current_context_of_the_api_is_below_a_tracing_span() {
    gives_or("T<- x<T y<T", "T<- x<- y<-", |run| {
        run.block_on(2, async {
            let outer = span("T");
            let task = {
                let _entered = outer.enter();
                let inside = async {
                    t("x");
                    o("y");
                };
                tokio::spawn(inside.with_context(Context::current()))
            };
            task.await.expect("no panic");
        });
    });
}

#[test]
fn spawned_work_with_the_current_context_of_the_api_is_below_a_direct_span() {
    gives_or("D<- x<D y<D", "D<- x<- y<-", |run| {
        run.block_on(2, async {
            let task = {
                let _outer = SCOPE.enter("D");
                let inside = async {
                    t("x");
                    o("y");
                };
                tokio::spawn(inside.with_current_context())
            };
            task.await.expect("no panic");
        });
    });
}

#[test]
fn spawned_work_with_the_current_context_of_the_api_is_below_a_span_of_the_api() {
    gives("O<- x<O y<O", |run| {
        run.block_on(2, async {
            let task = {
                let _attached = api("O").attach();
                let inside = async {
                    t("x");
                    o("y");
                };
                tokio::spawn(inside.with_current_context())
            };
            task.await.expect("no panic");
        });
    });
}

#[test]
fn a_context_captured_below_tracing_below_the_api_leads_to_the_inner_one() {
    gives_or("O<- T<O x<T y<T", "O<- T<O x<O y<O", |run| {
        run.block_on(2, async {
            let task = {
                let _attached = api("O").attach();
                let inner = span("T");
                let _entered = inner.enter();
                let inside = async {
                    t("x");
                    o("y");
                };
                tokio::spawn(inside.with_current_context())
            };
            task.await.expect("no panic");
        });
    });
}

#[test]
fn spawned_work_in_the_current_tracing_span_is_below_it() {
    gives("T<- x<T y<T", |run| {
        run.block_on(2, async {
            let outer = span("T");
            let task = {
                let _entered = outer.enter();
                let inside = async {
                    t("x");
                    o("y");
                };
                tokio::spawn(inside.in_current_span())
            };
            task.await.expect("no panic");
        });
    });
}

/// That is what `tracing` calls current; `context::capture` takes the API's span along.
#[test]
fn in_current_span_means_the_tracing_span_even_inside_a_span_of_the_api() {
    gives("T<- O<T x<T y<T", |run| {
        run.block_on(2, async {
            let outer = span("T");
            let task = {
                let _entered = outer.enter();
                let _attached = api("O").attach();
                let inside = async {
                    t("x");
                    o("y");
                };
                tokio::spawn(inside.in_current_span())
            };
            task.await.expect("no panic");
        });
    });
}

#[test]
fn both_ways_of_taking_a_span_along_may_be_combined() {
    gives("T<- x<T y<T", |run| {
        run.block_on(2, async {
            let outer = span("T");
            let (first, second) = {
                let _entered = outer.enter();
                let first = async { t("x") }.with_current_context().in_current_span();
                let second = async { o("y") }.in_current_span().with_current_context();
                (tokio::spawn(first), tokio::spawn(second))
            };
            first.await.expect("no panic");
            second.await.expect("no panic");
        });
    });
}

#[test]
fn the_outer_wrapper_of_a_future_is_the_outer_place() {
    gives("A<- T<A x<A y<T", |run| {
        run.block_on(2, async {
            let context = api("A");
            let inner = {
                let _attached = context.clone().attach();
                span("T")
            };
            let x = async { o("x") };
            x.with_context(context.clone()).instrument(inner.clone()).await;
            let y = async { o("y") };
            y.instrument(inner).with_context(context).await;
        });
    });
}

#[test]
fn blocking_work_and_threads_take_their_place_along() {
    gives("T<- O<T x<O y<O z<-", |run| {
        run.block_on(2, async {
            let outer = span("T");
            let (place, blocking) = {
                let _entered = outer.enter();
                let _attached = api("O").attach();
                let place = context::capture();
                let there = place.clone();
                (place, tokio::task::spawn_blocking(move || there.run(|| t("x"))))
            };
            blocking.await.expect("no panic");
            let thread = run.thread(move || {
                place.run(|| o("y"));
                d("z");
            });
            thread.join().expect("no panic");
        });
    });
}

#[test]
fn a_losing_branch_of_a_select_leaves_its_span_and_ends_it() {
    gives("T<- D<T O<T x<T y<T z<D", |run| {
        let selecting = async {
            let direct = SCOPE.span("D").instrument(async {
                tokio::task::yield_now().await;
                d("z");
                pending::<()>().await;
            });
            let of_the_api = pending::<()>().with_context(api("O"));
            tokio::select! {
                biased;
                () = direct => unreachable!("it waits for ever"),
                () = of_the_api => unreachable!("it waits for ever"),
                () = async {
                    t("x");
                    for _ in 0..4 {
                        tokio::task::yield_now().await;
                    }
                } => {}
            }
            o("y");
        };
        run.block_on(2, async { tokio::spawn(selecting.instrument(span("T"))).await.expect("ok") });
    });
}

#[test]
fn a_span_ends_with_its_future_and_a_dropped_future_leaves_nothing() {
    each_run(|run| {
        run.program(|| {
            let mut future = SCOPE.span("dropped").instrument(pending::<()>()).boxed();
            assert!((&mut future).now_or_never().is_none());
            assert!(!current().is_valid());
            drop(future);
            assert!(!current().is_valid());
        });
        let names: Vec<_> = run.spans().into_iter().map(|record| record.span.name).collect();
        assert_eq!(names, ["dropped"], "{}", run.title());
    });
}

#[test]
fn items_of_a_stream_are_made_where_the_stream_is_polled() {
    gives("T<- i0<T i1<T D0<T D1<T j0<D0 j1<D1", |run| {
        let items = stream::iter(["i0", "i1"]).then(|name| async move {
            tokio::task::yield_now().await;
            t(name);
        });
        let buffered = stream::iter([("D0", "j0"), ("D1", "j1")]).map(|(outer, inner)| {
            SCOPE.span(outer).instrument(async move {
                tokio::task::yield_now().await;
                o(inner);
            })
        });
        let both = async {
            items.collect::<Vec<_>>().await;
            buffered.buffer_unordered(2).collect::<Vec<_>>().await;
        };
        // Made inside: the span of the whole is current when the items begin.
        run.block_on(2, both.instrument(span("T")));
    });
}

#[test]
fn a_stream_takes_its_place_along() {
    gives("T<- O<T i0<O i1<O x<-", |run| {
        let outer = span("T");
        let items = stream::iter(["i0", "i1"]).then(|name| async move {
            tokio::task::yield_now().await;
            t(name);
        });
        let items = outer.in_scope(|| {
            let _attached = api("O").attach();
            context::capture().wrap_stream(items)
        });
        run.block_on(2, async {
            items.for_each(|()| async { assert!(!current().is_valid()) }).await;
            t("x");
        });
    });
}

#[test]
fn ids_of_many_threads_never_repeat() {
    const THREADS: usize = 16;
    const SPANS: usize = 2_000;
    let run = crate::harness::Run::start(crate::harness::LAYER, oxitel::bridge::Activation::Auto);
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            run.thread(|| {
                (0..SPANS)
                    .map(|_| {
                        let span = SCOPE.span("one of many");
                        (span.context().trace_id(), span.context().span_id())
                    })
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let (mut traces, mut spans) = (Vec::new(), Vec::new());
    for thread in threads {
        for (trace, span) in thread.join().expect("no panic") {
            traces.push(trace);
            spans.push(span);
        }
    }
    for count in [unique(traces), unique(spans)] {
        assert_eq!(count, THREADS * SPANS);
    }
    oxitel::flush(PATIENCE).expect("delivered");
}

fn unique<T: Ord>(mut all: Vec<T>) -> usize {
    all.sort();
    all.dedup();
    all.len()
}
