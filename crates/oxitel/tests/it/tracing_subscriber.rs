//! The same programs on both front ends for `tracing`, our subscriber and our layer: the trees
//! are the same.

use crate::session::{PATIENCE, Session, run_example};
use oxitel::bridge::{SetParentError, SpanExt, layer, subscriber};
use oxitel::testing::{Receiver, SpanRecord};
use oxitel::{Redaction, Sampler, Scope, SpanContext, Status, context, propagate};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::mpsc::channel;
use std::thread;
use tracing::field::Empty;
use tracing::instrument::WithSubscriber;
use tracing::span::Id;
use tracing::{Dispatch, Instrument, Level, Span, error, info, info_span, span};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;

static SCOPE: Scope = Scope::new("direct");

/// Both front ends, with their names.
fn front_ends() -> [(&'static str, Dispatch); 2] {
    let registry = tracing_subscriber::registry().with(layer());
    [("subscriber", Dispatch::new(subscriber().with_filter("trace"))), ("layer", registry.into())]
}

fn run(dispatch: &Dispatch, program: impl FnOnce()) {
    tracing::dispatcher::with_default(dispatch, program);
}

/// What `program` recorded, on either.
fn both(program: impl Fn()) -> String {
    let trees = front_ends().map(|(_, dispatch)| {
        let session = Session::start();
        run(&dispatch, &program);
        let tree = session.tree();
        assert_eq!(session.ledger().live, 0, "no span is left behind");
        tree
    });
    let [of_subscriber, of_layer] = trees;
    assert_eq!(of_subscriber, of_layer, "the subscriber's tree, and the layer's");
    of_layer
}

#[test]
fn spans_nest_with_explicit_parents_and_with_the_direct_api() {
    let tree = both(|| {
        let _direct = SCOPE.enter("direct");
        let outer = info_span!("outer", otel.kind = "server", number = 7).entered();
        let inner = info_span!("inner").entered();
        drop(SCOPE.span("direct below inner"));
        drop(info_span!(parent: &outer, "below outer"));
        drop(info_span!(parent: None, "alone"));
        info!(parent: &outer, items = 3, "of the outer one");
        info!("of the inner one");
        drop(inner);
        let _elsewhere = context::root().attach();
        info!("of no span: the current place is outside of any trace");
        drop(info_span!("a trace of its own"));
    });
    insta::assert_snapshot!(tree, @r"
    it: direct (internal)
      it: outer (server) number=7
        · of the outer one level=INFO target=it::tracing_subscriber items=3
        it: inner (internal)
          · of the inner one level=INFO target=it::tracing_subscriber
          it: direct below inner (internal)
        it: below outer (internal)
    it: alone (internal)
    it: a trace of its own (internal)
    ");
}

#[test]
fn guards_may_be_dropped_out_of_turn_and_a_span_entered_twice() {
    let tree = both(|| {
        let (first, second) = (info_span!("first"), info_span!("second"));
        let one = first.enter();
        let two = second.enter();
        let again = first.enter();
        drop(one);
        drop(info_span!("first is entered once more, further out"));
        drop(again);
        drop(info_span!("below second"));
        drop(two);
        drop(info_span!("alone"));
    });
    insta::assert_snapshot!(tree, @r"
    it: first (internal)
    it: second (internal)
      it: first is entered once more, further out (internal)
      it: below second (internal)
    it: alone (internal)
    ");
}

#[test]
fn the_current_span_is_the_innermost_one_of_tracing() {
    let tree = both(|| {
        assert!(Span::current().is_none(), "{:?}", Span::current());
        let outer = info_span!("outer", late = Empty).entered();
        let _direct = SCOPE.enter("direct");
        assert_eq!(Span::current().id(), outer.id());
        Span::current().record("late", 1);
        drop(info_span!("below direct"));
    });
    insta::assert_snapshot!(tree, @r"
    it: outer (internal) late=1
      it: direct (internal)
        it: below direct (internal)
    ");
}

#[test]
fn late_fields_change_name_kind_and_status_too() {
    let tree = both(|| {
        let span = info_span!(
            "span",
            otel.name = Empty,
            otel.kind = Empty,
            otel.status_code = Empty,
            otel.status_description = Empty,
            number = Empty,
        );
        span.record("number", 1).record("number", 2);
        span.record("otel.name", "renamed").record("otel.kind", "CLIENT");
        span.record("otel.status_code", "error");
        span.record("otel.status_description", format_args!("it broke {} times", 2));
        let fine = info_span!("fine", otel.status_code = "ok", otel.status_message = "ignored");
        fine.record("otel.status_code", "error");
    });
    insta::assert_snapshot!(tree, @r"
    it: renamed (client) [error: it broke 2 times] number=2
    it: fine (internal) [ok]
    ");
}

#[test]
fn what_a_span_follows_from_is_a_link_also_when_it_is_late() {
    let tree = both(|| {
        let cause = info_span!("cause");
        let effect = info_span!("effect");
        effect.follows_from(&cause);
        let _entered = effect.enter();
        let later = info_span!(parent: None, "later cause");
        effect.follows_from(&later);
        let gone = info_span!(parent: None, "gone").id();
        effect.follows_from(gone);
    });
    insta::assert_snapshot!(tree, @r"
    it: cause (internal)
    it: effect (internal)
      → cause
      → later cause
    it: later cause (internal)
    it: gone (internal)
    ");
}

#[test]
fn errors_become_exceptions_as_tracing_opentelemetry_has_them() {
    #[derive(Debug, thiserror::Error)]
    #[error("the cart is empty")]
    struct Empty(#[source] std::io::Error);

    #[tracing::instrument(err)]
    fn fails() -> Result<(), &'static str> {
        Err("out of stock")
    }

    let tree = both(|| {
        let error = Empty(std::io::Error::other("no disk"));
        let error = &error as &dyn std::error::Error;
        drop(info_span!("as a field", error));
        info_span!("as an event's field").in_scope(|| info!(error, "failed"));
        info_span!("an event at level error").in_scope(|| error!("said so"));
        fails().expect_err("that is its purpose");
    });
    insta::assert_snapshot!(tree, @r#"
    it: as a field (internal) exception.message="the cart is empty" exception.stacktrace=["no disk"] error="the cart is empty" error.chain=["no disk"]
    it: as an event's field (internal) exception.message="the cart is empty" exception.stacktrace=["no disk"]
      · failed level=INFO target=it::tracing_subscriber exception.message="the cart is empty" exception.stacktrace=["no disk"] error="the cart is empty" error.chain=["no disk"]
    it: an event at level error (internal) [error]
      · said so level=ERROR target=it::tracing_subscriber
    it: fails (internal) [error: out of stock]
      · exception level=ERROR target=it::tracing_subscriber exception.message="out of stock"
    "#);
}

#[test]
fn location_and_thread_are_told_when_asked_for() {
    let layer = layer().with_location(true).with_threads(true);
    let subscriber = subscriber().with_filter("info").with_location(true).with_threads(true);
    let fronts: [Dispatch; 2] =
        [subscriber.into(), tracing_subscriber::registry().with(layer).into()];
    for dispatch in fronts {
        let session = Session::start();
        let worker = thread::Builder::new().name("worker".to_owned()).spawn(move || {
            run(&dispatch, || info_span!("span").in_scope(|| info!("event")));
        });
        worker.expect("a thread").join().expect("no panic");
        let tree = session.tree();
        // The thread's number differs from run to run.
        let (before, after) = tree.split_once("thread.id=").expect("it is told");
        let digits = after.chars().take_while(char::is_ascii_digit).count();
        assert!(digits > 0, "{tree}");
        let line = line!() - 8;
        let tree = format!("{before}thread.id=N{}", &after[digits..]);
        let tree = tree.replace(&format!("line.number={line}"), "line.number=L");
        insta::allow_duplicates!(insta::assert_snapshot!(tree, @r"
        it: span (internal) code.file.path=crates/oxitel/tests/it/tracing_subscriber.rs code.line.number=L thread.id=N thread.name=worker
          · event level=INFO target=it::tracing_subscriber code.file.path=crates/oxitel/tests/it/tracing_subscriber.rs code.line.number=L
        "));
    }
}

#[test]
fn futures_carry_their_span_over_threads_and_awaits() {
    for (name, dispatch) in front_ends() {
        let session = Session::start();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build();
        let runtime = runtime.expect("a runtime");
        let program = async {
            let tasks = (0..40_u64).map(|number| {
                let request = info_span!("request", number, steps = Empty);
                let work = async move {
                    for _ in 0..5 {
                        tokio::task::yield_now().await;
                    }
                    let step = async move {
                        tokio::task::yield_now().await;
                        info!(number, "stepped");
                    };
                    let step = step.instrument(info_span!("step", number));
                    tokio::spawn(step.with_current_subscriber()).await.expect("no panic");
                    Span::current().record("steps", 1);
                    drop(info_span!("after"));
                };
                tokio::spawn(work.instrument(request).with_current_subscriber())
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await.expect("no panic");
            }
        };
        runtime.block_on(program.with_subscriber(dispatch));
        drop(runtime);
        let _ = session.tree();
        let spans = session.receiver.spans();
        assert_eq!(spans.len(), 120, "{name}");
        for request in spans.iter().filter(|record| record.span.name == "request") {
            assert!(request.attribute("steps").is_some());
            let mut below = children(&spans, request);
            below.sort_by_key(|record| record.span.start_time_unix_nano);
            let names: Vec<_> = below.iter().map(|record| record.span.name.as_str()).collect();
            assert_eq!(names, ["step", "after"], "{name}: one of each, in this order");
            assert_eq!(below[0].attribute("number"), request.attribute("number"));
            assert_eq!(below[0].span.events.len(), 1);
        }
    }
}

fn children<'a>(spans: &'a [SpanRecord], parent: &SpanRecord) -> Vec<&'a SpanRecord> {
    spans.iter().filter(|other| other.span.parent_span_id == parent.span.span_id).collect()
}

#[test]
fn threads_share_a_span_and_the_last_handle_ends_it_where_nobody_listens() {
    const THREADS: u64 = 4;
    for (name, dispatch) in front_ends() {
        let session = Session::start();
        let mut live = 0;
        run(&dispatch, || {
            let shared = info_span!("shared", count = Empty);
            let (together, released) = (Barrier::new(4), Barrier::new(5));
            thread::scope(|scope| {
                for number in 0..THREADS {
                    let (shared, dispatch) = (shared.clone(), &dispatch);
                    let (together, released) = (&together, &released);
                    scope.spawn(move || {
                        // Some of these threads have a subscriber, some have none (K8).
                        let work = || {
                            together.wait();
                            for round in 0..200 {
                                shared.record("count", round);
                                let _entered = shared.enter();
                                drop(shared.clone());
                            }
                            released.wait();
                        };
                        if number % 2 == 0 {
                            run(dispatch, work);
                        } else {
                            work();
                        }
                        drop(shared);
                    });
                }
                drop(shared);
                live = session.ledger().live;
                released.wait();
            });
        });
        assert_eq!(live, 1, "{name}: the threads keep it");
        assert_eq!(session.ledger().live, 0, "{name}");
        insta::allow_duplicates!(
            insta::assert_snapshot!(session.tree(), @"it: shared (internal) count=199")
        );
    }
}

#[test]
fn a_panic_on_its_way_leaves_and_ends_the_spans_that_it_meets() {
    let tree = both(|| {
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _outer = info_span!("outer").entered();
            info_span!("inner").in_scope(|| std::panic::resume_unwind(Box::new("on purpose")));
        }));
        assert!(unwound.is_err());
        drop(info_span!("after: alone"));
    });
    insta::assert_snapshot!(tree, @r"
    it: outer (internal)
      it: inner (internal)
    it: after: alone (internal)
    ");
}

#[test]
fn a_value_that_panics_while_it_is_printed_costs_its_text_and_leaves_nothing_locked() {
    struct Panics;
    impl std::fmt::Debug for Panics {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            std::panic::resume_unwind(Box::new("on purpose"))
        }
    }
    let tree = both(|| {
        let span = info_span!("span", value = Empty, after = Empty);
        let _entered = span.enter();
        span.record("value", tracing::field::debug(Panics));
        info!(value = ?Panics, "event");
        span.record("after", true);
        info!("after");
    });
    insta::assert_snapshot!(tree, @r#"
    it: span (internal) value="" after=true
      · event level=INFO target=it::tracing_subscriber value=""
      · after level=INFO target=it::tracing_subscriber
    "#);
}

#[test]
fn ids_that_were_made_up_or_are_gone_do_no_harm() {
    let session = Session::start();
    let [(_, dispatch), _] = front_ends();
    run(&dispatch, || {
        let real = info_span!("real");
        let id = real.id().expect("it is enabled").into_u64();
        let gone = info_span!("gone").id().expect("it is enabled").into_u64();
        let near = (0..64).map(|bit| id ^ 1 << bit);
        let ids = near.chain([gone, 1, u64::MAX, 1 << 63, 0xff_ffff]).filter(|other| *other != 0);
        for made_up in ids.map(Id::from_u64) {
            dispatch.enter(&made_up);
            assert_eq!(dispatch.clone_span(&made_up), made_up);
            dispatch.record_follows_from(&made_up, &Id::from_u64(id));
            dispatch.record_follows_from(&Id::from_u64(id), &made_up);
            drop(info_span!(parent: made_up.clone(), "below nobody"));
            info!(parent: made_up.clone(), "of nobody");
            assert!(!dispatch.try_close(made_up.clone()));
            dispatch.exit(&made_up);
        }
        real.in_scope(|| drop(info_span!("below real")));
    });
    let tree = session.tree();
    assert!(tree.contains("it: real (internal)\n  it: below real (internal)\n"), "{tree}");
    assert_eq!(tree.matches("\nit: below nobody (internal)").count(), 69, "{tree}");
    assert_eq!(session.ledger().live, 0);
}

#[test]
fn a_real_id_used_out_of_turn_closes_its_span_once() {
    let session = Session::start();
    let [(_, dispatch), _] = front_ends();
    run(&dispatch, || {
        let span = info_span!("closed too often");
        let id = span.id().expect("it is enabled");
        assert!(dispatch.try_close(id.clone()), "the handle's reference");
        assert!(!dispatch.try_close(id.clone()));
        let next = info_span!("next in its place");
        assert_ne!(next.id(), Some(id), "the same place, another generation");
        drop(span);
        next.in_scope(|| drop(info_span!("below next")));
    });
    insta::assert_snapshot!(session.tree(), @r"
    it: closed too often (internal)
    it: next in its place (internal)
      it: below next (internal)
    ");
}

#[test]
fn a_forgotten_guard_costs_the_place_in_the_tree_and_nothing_else() {
    for (name, dispatch) in front_ends() {
        let session = Session::start();
        let worker = thread::spawn(move || {
            run(&dispatch, || {
                let span = info_span!("forgotten");
                std::mem::forget(span.enter());
                drop(span);
                drop(info_span!("after"));
                std::mem::forget(info_span!("never ended").entered());
                info!("said");
            });
        });
        worker.join().expect("no panic");
        oxitel::flush(PATIENCE).expect("delivered");
        let names: Vec<_> = session.receiver.spans().into_iter().map(|r| r.span.name).collect();
        assert!(names.contains(&"after".to_owned()), "{name}: {names:?}");
        session.verify();
    }
}

#[test]
fn spans_in_thread_local_destructors_are_recorded_or_ignored_but_never_harmful() {
    struct AtTheEnd(Dispatch);
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            run(&self.0, || {
                info_span!("in a destructor", n = Empty).in_scope(|| {
                    Span::current().record("n", 1);
                    info!("said there");
                });
            });
        }
    }
    thread_local! {
        static BEFORE: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
        static AFTER: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
    }
    let session = Session::start();
    let [(_, dispatch), _] = front_ends();
    let worker = thread::spawn(move || {
        // Destructors run in some order: one of the two finds our thread-locals gone.
        BEFORE.with_borrow_mut(|end| *end = Some(AtTheEnd(dispatch.clone())));
        run(&dispatch, || info_span!("ordinary").in_scope(|| {}));
        AFTER.with_borrow_mut(|end| *end = Some(AtTheEnd(dispatch.clone())));
    });
    worker.join().expect("no panic");
    let tree = session.tree();
    assert!(tree.contains("it: ordinary (internal)"), "{tree}");
    assert_eq!(session.ledger().live, 0);
}

#[test]
fn diagnostics_of_the_opentelemetry_api_are_not_looked_at() {
    let tree = both(|| {
        let span = info_span!("span").entered();
        info_span!(target: "opentelemetry-otlp", "theirs").in_scope(|| {
            assert_eq!(context::capture().span_context(), &span.context());
            info!(target: "opentelemetry", "said by the API");
            info!("ours");
        });
    });
    insta::assert_snapshot!(tree, @r"
    it: span (internal)
      · ours level=INFO target=it::tracing_subscriber
    ");
}

#[test]
fn a_named_parent_that_a_filter_hides_stands_for_the_nearest_visible_one() {
    let session = Session::start();
    let visible = layer().with_filter(filter_fn(|metadata| !metadata.name().starts_with("hidden")));
    let registry = tracing_subscriber::registry().with(visible).with(Anything);
    tracing::subscriber::with_default(registry, || {
        let outer = info_span!("outer");
        let hidden = outer.in_scope(|| info_span!("hidden"));
        let deeper = info_span!(parent: &hidden, "hidden deeper");
        drop(info_span!(parent: &deeper, "below the hidden ones"));
        hidden.in_scope(|| drop(info_span!("alone: nothing visible is current")));
        let _outer = outer.enter();
        hidden.in_scope(|| drop(info_span!("below outer")));
        drop(
            info_span!(parent: None, "hidden root")
                .in_scope(|| info_span!(parent: Span::current(), "below a hidden root")),
        );
    });
    insta::assert_snapshot!(session.tree(), @r"
    it: outer (internal)
      it: below the hidden ones (internal)
      it: below outer (internal)
    it: alone: nothing visible is current (internal)
    it: below a hidden root (internal)
    ");
}

/// Looks at every span, so that a hidden one is hidden from one layer only.
struct Anything;
impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Anything {}

#[test]
fn of_two_layers_in_one_subscriber_the_outer_one_counts_and_two_subscribers_keep_apart() {
    let session = Session::start();
    let registry = tracing_subscriber::registry().with(layer()).with(layer());
    tracing::subscriber::with_default(registry, || {
        let outer = info_span!("outer").entered();
        info!("once");
        let other = tracing_subscriber::registry().with(layer());
        tracing::subscriber::with_default(other, || {
            // The registries give the same ids.
            let inner = info_span!("inner").entered();
            assert_eq!(inner.id(), outer.id());
            drop(info_span!("innermost"));
        });
        drop(info_span!("below outer"));
    });
    insta::assert_snapshot!(session.tree(), @r"
    it: outer (internal)
      · once level=INFO target=it::tracing_subscriber
      it: inner (internal)
        it: innermost (internal)
      it: below outer (internal)
    ");
}

#[test]
fn spans_that_a_dropped_layer_still_keeps_end_with_it() {
    let session = Session::start();
    let registry = tracing_subscriber::registry().with(layer());
    tracing::subscriber::with_default(registry, || {
        let span = info_span!("closed behind the registry's back");
        let id = span.id().expect("it is enabled");
        // The registry's dispatch goes with this handle, and no close is ever called.
        tracing::dispatcher::get_default(|dispatch| assert_eq!(dispatch.clone_span(&id), id));
    });
    assert_eq!(session.ledger().live, 0);
    insta::assert_snapshot!(session.tree(), @"it: closed behind the registry's back (internal)");
}

#[test]
fn an_extension_trait_reaches_what_tracing_has_no_word_for() {
    let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let remote = propagate::extract(|name| (name == "traceparent").then_some(header));
    let remote = remote.span_context();
    let tree = both(|| {
        let cause = info_span!("cause");
        let span = info_span!("served", path = "/cart");
        info_span!("sibling").in_scope(|| span.set_attribute("early", true));
        span.add_link(&cause.context());
        span.set_parent(remote).expect("nobody saw it yet");
        assert_eq!(span.context().trace_id(), remote.trace_id());
        assert_eq!(span.set_parent(remote), Err(SetParentError::Settled), "its ids were seen");
        span.set_attribute(&String::from("late"), 2_u64);
        span.set_status(Status::Error("broken"));
        span.in_scope(|| drop(SCOPE.span("below it")));
    });
    insta::assert_snapshot!(tree, @r"
    it: cause (internal)
    it: served (internal) [error: broken] path=/cart early=true late=2 (parent missing)
      → cause
      it: below it (internal)
    it: sibling (internal)
    ");
}

#[test]
fn a_parent_can_be_set_until_a_span_was_entered_or_had_a_child() {
    let parent = SpanContext::remote(
        oxitel::TraceId::from_bytes([1; 16]),
        oxitel::SpanId::from_bytes([2; 8]),
        oxitel::TraceFlags(1),
        Some("vendor=x"),
    );
    for (name, dispatch) in front_ends() {
        let session = Session::start();
        let unsampled =
            SpanContext::remote(parent.trace_id(), parent.span_id(), oxitel::TraceFlags(0), None);
        run(&dispatch, || {
            let entered = info_span!("entered");
            entered.in_scope(|| {});
            assert_eq!(entered.set_parent(&parent), Err(SetParentError::Settled), "{name}");
            let with_child = info_span!("with a child");
            drop(info_span!(parent: &with_child, "child"));
            assert_eq!(with_child.set_parent(&parent), Err(SetParentError::Settled), "{name}");
            let moved = info_span!("moved");
            moved.set_parent(&parent).expect("nobody saw it yet");
            moved.set_parent(&SpanContext::NONE).expect("nor now");
            let dropped = info_span!("not sampled after all");
            dropped.set_parent(&unsampled).expect("nobody saw it yet");
            assert!(!dropped.context().is_sampled());
            let refused = Span::none();
            assert_eq!(refused.set_parent(&parent), Err(SetParentError::Disabled));
            assert_eq!(refused.context(), SpanContext::NONE);
        });
        insta::allow_duplicates!(insta::assert_snapshot!(session.tree(), @r"
        it: entered (internal)
        it: with a child (internal)
          it: child (internal)
        it: moved (internal)
        "));
    }
    let elsewhere = tracing_subscriber::registry();
    tracing::subscriber::with_default(elsewhere, || {
        let theirs = info_span!("theirs");
        theirs.set_attribute("key", 1);
        assert_eq!(theirs.set_parent(&parent), Err(SetParentError::NotOurs));
        assert_eq!(theirs.context(), SpanContext::NONE);
    });
}

#[test]
fn a_sampled_parent_makes_a_span_recorded_that_would_not_have_been() {
    for (name, dispatch) in front_ends() {
        let config = Sampler::always_off().parent_based();
        let session = Session::with(|with| with.sampler(config));
        let parent = SpanContext::remote(
            oxitel::TraceId::from_bytes([1; 16]),
            oxitel::SpanId::from_bytes([2; 8]),
            oxitel::TraceFlags(1),
            None,
        );
        run(&dispatch, || {
            drop(info_span!("not recorded"));
            let span = info_span!("recorded", late = Empty);
            span.set_parent(&parent).expect("nobody saw it yet");
            span.record("late", name);
            span.in_scope(|| drop(info_span!("below")));
        });
        let tree = session.tree();
        let expected = format!(
            "it: recorded (internal) late={name} (parent missing)\n  it: below (internal)\n"
        );
        assert_eq!(tree, expected);
    }
}

/// A value is redacted while its span is locked.
#[test]
fn a_function_that_redacts_may_use_tracing_itself() {
    for (name, dispatch) in front_ends() {
        let redaction = Redaction::default().value(|key, _| {
            if key == "late" {
                info!("inside");
                Span::current().record("late", "again");
                info_span!("inside").in_scope(|| info!("further inside"));
                // So many that one of them belongs into the same part of the table.
                drop((0..300).map(|_| info_span!("inside")).collect::<Vec<_>>());
            }
            None
        });
        let session = Session::with(|config| config.redaction(redaction));
        let (done, is_done) = channel();
        thread::spawn(move || {
            run(&dispatch, || {
                let span = info_span!("span", late = Empty).entered();
                span.record("late", "text");
                span.set_attribute("late", "text");
                let unsampled = SpanContext::remote(
                    oxitel::TraceId::from_bytes([1; 16]),
                    oxitel::SpanId::from_bytes([2; 8]),
                    oxitel::TraceFlags(0),
                    None,
                );
                let _elsewhere = context::with_parent(&unsampled).attach();
                span.record("late", "text");
            });
            done.send(()).expect("the test waits");
        });
        is_done.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{name} waits for itself"));
        assert_eq!(session.tree(), "it: span (internal) late=text\n");
    }
}

#[test]
fn what_was_redacted_counts_also_when_the_span_moves() {
    for (_, dispatch) in front_ends() {
        let session = Session::start();
        run(&dispatch, || {
            let span = info_span!("moved", password = "hunter2");
            span.set_parent(&SpanContext::NONE).expect("nobody saw it yet");
        });
        assert_eq!(session.tree(), "it: moved (internal) password=\"[redacted]\"\n");
        assert_eq!(session.ledger().redacted, 1);
    }
}

#[test]
fn without_telemetry_spans_are_made_and_used_all_the_same() {
    // No session: another test's may be there, so the calls must do no harm in either case.
    for (_, dispatch) in front_ends() {
        run(&dispatch, || {
            let span = span!(Level::INFO, "span", late = Empty);
            span.record("late", 1);
            span.in_scope(|| info!("event"));
            drop(span.clone());
        });
    }
}

/// In programs of their own: a scoped subscriber, as in the other tests, never sees such calls.
#[test]
fn a_debug_implementation_may_itself_use_tracing() {
    for front_end in ["layer", "subscriber"] {
        let receiver = Receiver::start();
        let (output, _) = run_example("chatty", &[front_end], &receiver.endpoint());
        assert!(output.status.success(), "{front_end}: {output:?}");
        insta::allow_duplicates!(insta::assert_snapshot!(receiver.tree(), @r"
        chatty: span (internal) early=chatty late=chatty
          chatty: made while formatting (internal)
          chatty: made while formatting (internal)
        chatty: made while formatting (internal)
        "));
        insta::allow_duplicates!(insta::assert_snapshot!(receiver.log_lines(), @r#"
        INFO chatty: said while formatting (in made while formatting)
        INFO chatty: said while formatting (in made while formatting)
        INFO chatty: said while formatting (in made while formatting)
        INFO chatty: event value=chatty (in span)
        "#));
    }
}

#[test]
fn spans_alive_across_a_fork_are_the_parents_and_hold_up_no_child() {
    for front_end in ["layer", "subscriber"] {
        let receiver = Receiver::start();
        let (output, _) = run_example("forked_spans", &[front_end], &receiver.endpoint());
        assert!(output.status.success(), "{front_end}: {output:?}");
        let spans = receiver.spans();
        let count = |name: &str| spans.iter().filter(|r| r.span.name == name).count();
        for once in ["entered before", "made before", "busy"] {
            assert_eq!(count(once), 1, "{front_end}: {once}");
        }
        for twelve in ["below the entered one", "below the waiting one"] {
            assert_eq!(count(twelve), 12, "{front_end}: {twelve}");
        }
        assert_eq!(count("many"), 1_200, "{front_end}");
        let find = |name: &str| spans.iter().find(|r| r.span.name == name).expect("it is there");
        let entered = find("entered before");
        assert!(entered.attribute("late").is_none(), "{front_end}: the child has a copy");
        assert!(entered.span.events.is_empty(), "{front_end}: the child has a copy");
        let below = children(&spans, entered);
        let below: Vec<_> = below.iter().filter(|r| r.span.name.starts_with("below the")).collect();
        assert_eq!(below.len(), 12, "{front_end}: children refer to the parent's span");
        assert_eq!(children(&spans, find("made before")).len(), 12, "{front_end}");
    }
}

#[test]
fn the_console_shows_events_with_their_spans_and_what_it_left_out() {
    let tests = std::env::current_exe().expect("the test program has a path");
    let target = tests.ancestors().nth(2).expect("it lies in target/debug/deps");
    let output = std::process::Command::new(target.join("examples").join("console"))
        .env("RUST_LOG", "info,shop=debug,console[request]=trace")
        .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT")
        .output()
        .expect("the example runs");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stderr).expect("text");
    let lines = text.lines().map(|line| match line.split_once(' ') {
        Some((time, rest)) if time.len() == 24 && time.ends_with('Z') => format!("<time> {rest}"),
        _ => line.to_owned(),
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    oxitel: RUST_LOG: left out "console[request]=trace" (directives for spans and fields are not supported)
    <time>  INFO console: ready
    <time> DEBUG shop::db: request: asked rows=3
    <time>  WARN console: request:load: slow text="two words" ratio=0.5
    <time>  INFO console: of no span
    <time>  INFO console: alone: in a span of its own
    <time> ERROR console: request: error="no disk"
    oxitel: the process has a global tracing subscriber already; it stays
    "#);
}
