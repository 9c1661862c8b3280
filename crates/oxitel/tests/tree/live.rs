//! `Context::current().span()` inside of spans that somebody else owns: what is done there
//! reaches them.

use crate::harness::{FRONT_ENDS, LAYER, Run, SCOPE, api, each_run, span};
use opentelemetry::trace::{Span as _, Status, TraceContextExt, Tracer as _};
use opentelemetry::{Context, KeyValue};
use oxitel::bridge::Activation;
use oxitel::testing::SpanRecord;
use oxitel::{Limits, Sampler};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

/// With each front end, where frames show themselves.
fn each_active_run(test: impl Fn(&Run)) {
    for front_end in FRONT_ENDS {
        for activation in [Activation::Auto, Activation::On] {
            let run = Run::start(front_end, activation);
            run.program(|| test(&run));
        }
    }
}

fn set(key: &'static str, value: i64) {
    Context::current().span().set_attribute(KeyValue::new(key, value));
}

/// All that the API can do to a span.
fn change() {
    let context = Context::current();
    let current = context.span();
    assert!(current.is_recording());
    current.set_attribute(KeyValue::new("number", 7));
    current.set_attributes([KeyValue::new("text", "words"), KeyValue::new("flag", true)]);
    current.add_event("happened", vec![KeyValue::new("of", "event")]);
    current.record_error(&std::fmt::Error);
    current.update_name("renamed");
    current
        .add_link(api("linked").span().span_context().clone(), vec![KeyValue::new("of", "link")]);
    current.set_status(Status::error("failed"));
}

#[test]
fn changes_through_the_context_reach_tracing_and_direct_spans() {
    each_active_run(|run| {
        span("of tracing").in_scope(change);
        {
            let _direct = SCOPE.enter("direct");
            change();
        }
        {
            let direct = SCOPE.span("direct");
            let _current = direct.enter();
            change();
        }
        run.spans();
        let one = r#"tree: renamed (internal) [error: failed] number=7 text=words flag=true
  · happened of=event
  · exception exception.message="an error occurred when formatting an argument"
  → linked of=link
  tree: linked (internal)
"#;
        assert_eq!(run.receiver.tree(), one.repeat(3), "{}", run.title());
    });
}

#[test]
fn without_activation_the_context_shows_no_span_to_change() {
    let run = Run::start(LAYER, Activation::Off);
    run.program(|| {
        let _direct = SCOPE.enter("direct");
        assert!(!Context::current().span().is_recording());
        set("number", 7);
    });
    run.spans();
    assert_eq!(run.receiver.tree(), "tree: direct (internal)\n");
}

#[test]
fn changes_are_made_to_the_innermost_span() {
    each_active_run(|run| {
        let outer = span("outer").entered();
        set("first", 1);
        {
            let _inner = SCOPE.enter("inner");
            set("second", 2);
            let _attached = api("api").attach();
            set("third", 3);
        }
        set("fourth", 4);
        drop(outer);
        run.spans();
        let tree = "tree: outer (internal) first=1 fourth=4\n  tree: inner (internal) second=2\n    \
                    tree: api (internal) third=3\n";
        assert_eq!(run.receiver.tree(), tree, "{}", run.title());
    });
}

#[test]
fn changes_of_the_owner_and_through_the_context_keep_their_order() {
    each_active_run(|run| {
        {
            let mut direct = SCOPE.enter("direct");
            direct.set_attribute("key", 1);
            set("key", 2);
            direct.set_attribute("key", 3).add_event("third", &[]);
            Context::current().span().add_event("fourth", vec![]);
            direct.add_event("fifth", &[]);
            Context::current().span().update_name("by the Context");
            direct.update_name("by its owner");
            Context::current().span().set_status(Status::error("not the last word"));
            direct.set_status(oxitel::Status::Ok);
            Context::current().span().set_status(Status::error("after it was fine"));
            set("last", 6);
            direct.set_attribute("last", 7);
            set("key", 8);
        }
        run.spans();
        let tree =
            "tree: by its owner (internal) [ok] last=7 key=8\n  · third\n  · fourth\n  · fifth\n";
        assert_eq!(run.receiver.tree(), tree, "{}", run.title());
    });
}

#[test]
fn a_span_that_was_ended_through_the_context_changes_no_more() {
    each_active_run(|run| {
        let end = UNIX_EPOCH + Duration::from_secs(4_000_000_000);
        {
            let mut direct = SCOPE.enter("direct");
            set("before", 1);
            Context::current().span().end_with_timestamp(end);
            assert!(!Context::current().span().is_recording());
            set("after", 2);
            direct.set_attribute("after", 3).add_event("after", &[]).update_name("after");
            Context::current().span().end();
            // It is current until its owner leaves it.
            drop(SCOPE.span("below"));
        }
        let spans = run.spans();
        let direct = of(&spans, "direct");
        assert_eq!(direct.span.end_time_unix_nano, 4_000_000_000_000_000_000, "{}", run.title());
        assert_eq!(direct.span.attributes.len(), 1);
        assert!(direct.span.events.is_empty());
        assert_eq!(of(&spans, "below").span.parent_span_id, direct.span.span_id);
        assert_eq!(spans.len(), 2, "it is sent once");
    });
}

fn of<'a>(spans: &'a [SpanRecord], name: &str) -> &'a SpanRecord {
    let found = spans.iter().find(|record| record.span.name == name);
    found.unwrap_or_else(|| panic!("no {name} among {spans:?}"))
}

#[test]
fn what_comes_after_the_end_is_ignored_and_reaches_no_other_span() {
    each_active_run(|run| {
        let kept: Vec<Context> = ["first", "second"]
            .map(|name| {
                let _direct = SCOPE.enter(name);
                Context::current()
            })
            .into();
        // Theirs are the memory and the thread of those that have ended.
        let third = SCOPE.enter("third");
        let fourth = span("fourth").entered();
        for context in &kept {
            let ended = context.span();
            assert!(!ended.is_recording(), "{}", run.title());
            ended.set_attribute(KeyValue::new("late", true));
            ended.add_event("late", vec![]);
            ended.update_name("late");
            ended.set_status(Status::error("late"));
            ended.end();
        }
        drop(fourth);
        drop(third);
        run.spans();
        let tree = "tree: first (internal)\ntree: second (internal)\ntree: third (internal)\n  tree: fourth (internal)\n";
        assert_eq!(run.receiver.tree(), tree, "{}", run.title());
    });
}

#[test]
fn many_threads_change_one_span_while_its_owner_does() {
    const THREADS: usize = 8;
    const CHANGES: usize = 100;
    for front_end in FRONT_ENDS {
        let limits = Limits { attributes: 2_000, ..Limits::default() };
        let run = Run::with(front_end, Activation::On, |config| config.limits(limits));
        run.program(|| {
            let owner = span("busy");
            let _entered = owner.enter();
            let context = Context::current();
            let start = Barrier::new(THREADS + 1);
            thread::scope(|threads| {
                for thread in 0..THREADS {
                    let (context, start) = (context.clone(), &start);
                    threads.spawn(move || {
                        start.wait();
                        for change in 0..CHANGES {
                            let key = format!("{thread}.{change}");
                            context.span().set_attribute(KeyValue::new(key, true));
                        }
                    });
                }
                start.wait();
                for change in 0..CHANGES {
                    use oxitel::bridge::SpanExt;
                    SpanExt::set_attribute(&owner, &format!("owner.{change}"), true);
                }
            });
        });
        let spans = run.spans();
        let mut keys: Vec<_> =
            of(&spans, "busy").span.attributes.iter().map(|pair| pair.key.clone()).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), (THREADS + 1) * CHANGES, "{}", run.title());
    }
}

#[test]
fn threads_that_change_a_span_while_it_ends_change_it_or_are_ignored() {
    each_active_run(|run| {
        const ROUNDS: usize = 50;
        for _ in 0..ROUNDS {
            let start = Barrier::new(3);
            let entered = SCOPE.enter("short");
            let context = Context::current();
            thread::scope(|threads| {
                for _ in 0..2 {
                    threads.spawn(|| {
                        start.wait();
                        for number in 0..20 {
                            context.span().set_attribute(KeyValue::new("number", number));
                        }
                    });
                }
                start.wait();
                drop(entered);
            });
        }
        let spans = run.spans();
        assert_eq!(spans.len(), ROUNDS, "{}", run.title());
        assert!(spans.iter().all(|record| record.span.attributes.len() <= 1));
    });
}

/// A span that nobody reads the mail of must not fill the memory.
#[test]
fn more_changes_than_are_kept_are_counted() {
    let run = Run::start(LAYER, Activation::On);
    run.program(|| {
        let _direct = SCOPE.enter("silent");
        for number in 0..1_100 {
            set("number", number);
        }
    });
    let spans = run.spans();
    let span = &of(&spans, "silent").span;
    assert_eq!((span.attributes.len(), span.dropped_attributes_count), (1, 76));
}

#[test]
fn spans_that_are_not_recorded_take_no_changes() {
    let run = Run::with(LAYER, Activation::On, |config| config.sampler(Sampler::always_off()));
    run.program(|| {
        let _tracing = span("out").entered();
        let _direct = SCOPE.enter("out");
        let context = Context::current();
        assert!(context.span().span_context().is_valid());
        assert!(!context.span().is_recording());
        set("number", 7);
        context.span().end();
        let mut below = opentelemetry::global::tracer("tree").start("out");
        assert!(!below.is_recording() && !below.span_context().is_sampled());
        below.set_attribute(KeyValue::new("number", 7));
    });
    assert_eq!(run.spans().len(), 0);
}

#[test]
fn a_span_that_moves_between_threads_can_be_changed_on_each() {
    each_run(|run| {
        if run.activation == Activation::Off {
            return;
        }
        let moved = run.program(|| span("moved"));
        let mut threads = Vec::new();
        for key in ["a", "b"] {
            let moved = moved.clone();
            threads.push(run.thread(move || moved.in_scope(|| set(key, 1))));
        }
        for thread in threads {
            thread.join().expect("no panic");
        }
        drop(moved);
        let spans = run.spans();
        let mut keys: Vec<_> =
            of(&spans, "moved").span.attributes.iter().map(|pair| pair.key.as_str()).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["a", "b"], "{}", run.title());
    });
}
