//! Who is whose parent: nesting, threads, futures, other processes.

use crate::session::Session;
use oxitel::{Kind, Sampler, Scope, context, propagate};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

static SCOPE: Scope = Scope::new("places");

#[test]
fn guards_nest_and_may_be_dropped_out_of_turn() {
    let session = Session::start();
    {
        let outer = SCOPE.enter("outer");
        let first = SCOPE.enter("first");
        let second = SCOPE.enter("second");
        drop(first);
        drop(SCOPE.span("below second"));
        drop(second);
        drop(SCOPE.span("below outer"));
        drop(outer);
        drop(SCOPE.span("alone"));
    }
    insta::assert_snapshot!(session.tree(), @r"
    it: outer (internal)
      it: first (internal)
        it: second (internal)
          it: below second (internal)
      it: below outer (internal)
    it: alone (internal)
    ");
}

#[test]
fn a_span_is_current_only_where_it_is_entered() {
    let session = Session::start();
    let span = SCOPE.span("span");
    drop(SCOPE.span("not below"));
    {
        let _current = span.enter();
        let _again = span.enter();
        drop(SCOPE.span("below"));
        {
            let _root = context::root().attach();
            drop(SCOPE.span("a trace of its own"));
        }
    }
    drop(SCOPE.build("explicit").parent(&span.context()).start());
    drop(span);
    insta::assert_snapshot!(session.tree(), @r"
    it: span (internal)
      it: below (internal)
      it: explicit (internal)
    it: not below (internal)
    it: a trace of its own (internal)
    ");
}

#[test]
fn work_on_other_threads_takes_its_place_along() {
    let session = Session::start();
    {
        let _caller = SCOPE.enter("caller");
        let place = context::capture();
        let worker = thread::spawn(move || {
            drop(SCOPE.span("before: alone"));
            let _here = place.attach();
            drop(SCOPE.span("worker"));
        });
        worker.join().expect("no panic");
    }
    insta::assert_snapshot!(session.tree(), @r"
    it: caller (internal)
      it: worker (internal)
    it: before: alone (internal)
    ");
}

#[test]
fn futures_carry_their_span_over_threads_and_awaits() {
    let session = Session::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        let tasks = (0..20).map(|number| {
            let request = SCOPE.build("request").attribute("number", number).start();
            tokio::spawn(request.instrument(async move {
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
                let place = context::capture();
                let step = tokio::spawn(place.wrap(async move {
                    tokio::task::yield_now().await;
                    drop(SCOPE.build("step").attribute("number", number).start());
                }));
                step.await.expect("no panic");
                drop(SCOPE.span("after"));
            }))
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.expect("no panic");
        }
    });
    let _ = session.tree();
    let spans = session.receiver.spans();
    assert_eq!(spans.len(), 60);
    for request in spans.iter().filter(|record| record.span.name == "request") {
        let below = spans.iter().filter(|s| s.span.parent_span_id == request.span.span_id);
        let names: Vec<_> = below.clone().map(|record| record.span.name.as_str()).collect();
        assert_eq!(names, ["step", "after"], "one of each, in this order");
        for step in below.filter(|record| record.span.name == "step") {
            assert_eq!(step.attribute("number"), request.attribute("number"));
        }
    }
}

#[test]
fn a_named_future_has_a_span_below_the_one_where_it_was_made() {
    let session = Session::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
    runtime.expect("a runtime").block_on(async {
        let reserve = async {
            tokio::task::yield_now().await;
            drop(SCOPE.span("inside"));
            3
        };
        let task = {
            let _order = SCOPE.enter("order");
            tokio::spawn(oxitel::instrument(reserve, "reserve"))
        };
        assert_eq!(task.await.expect("no panic"), 3);
    });
    insta::assert_snapshot!(session.tree(), @r"
    it: order (internal)
      it: reserve (internal)
        it: inside (internal)
    ");
}

#[test]
fn headers_carry_a_trace_to_another_process_and_back() {
    let session = Session::start();
    let mut headers: Vec<(String, String)> = Vec::new();
    {
        let _client = SCOPE.build("call").kind(Kind::Client).enter();
        propagate::inject(|name, value| headers.push((name.into(), value.into())));
    }
    headers.push(("tracestate".into(), "vendor=opaque".into()));
    let get = |name: &str| {
        let found = headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    let caller = propagate::extract(get);
    let caller = caller.span_context();
    assert!(caller.is_remote());
    {
        let _here = context::with_parent(caller).attach();
        let _server = SCOPE.build("serve").kind(Kind::Server).enter();
        let mut sent = Vec::new();
        propagate::inject(|name, value| sent.push((name.to_owned(), value.to_owned())));
        assert_eq!(sent[1], ("tracestate".to_owned(), "vendor=opaque".to_owned()));
    }
    insta::assert_snapshot!(session.tree(), @r"
    it: call (client)
      it: serve (server)
    ");
    let spans = session.receiver.spans();
    let server = &spans.iter().find(|record| record.span.name == "serve").expect("it").span;
    assert_eq!(server.flags & 0x300, 0x300, "the parent is known to be remote");
    assert_eq!(server.trace_state, "vendor=opaque");
}

#[test]
fn below_an_unsampled_parent_nothing_is_recorded_and_the_decision_travels() {
    let session = Session::with(|config| config.sampler(Sampler::always_off().parent_based()));
    let (mut outer, mut inner) = (String::new(), String::new());
    {
        let root = SCOPE.enter("root");
        assert!(!root.is_recording());
        propagate::inject(|_, value| outer = value.to_owned());
        let _child = SCOPE.enter("child");
        propagate::inject(|_, value| inner = value.to_owned());
    }
    assert!(outer.starts_with("00-") && outer.ends_with("-02"), "{outer}: random, not sampled");
    assert_eq!(outer, inner, "below an unsampled span its ids are taken over");
    assert_eq!(session.tree(), "");
    assert_eq!(session.ledger().recorded, 0);
}

/// The program's value was made first, so it is dropped last: behind ours, and behind the API's.
#[test]
fn the_very_end_of_a_thread_is_past_telemetry_without_a_panic() {
    struct AtTheEnd;
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            drop(SCOPE.enter("too late to be below anything"));
            drop(oxitel::context::capture().attach());
        }
    }
    thread_local!(static AT_THE_END: AtTheEnd = const { AtTheEnd });
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_late = panic.to_string().contains("Thread Local Storage");
        PANICS.fetch_add(usize::from(is_late), Ordering::Relaxed);
        hook(panic);
    }));
    let session = Session::start();
    let thread = thread::spawn(|| {
        AT_THE_END.with(|_| ());
        drop(SCOPE.enter("in time"));
    });
    thread.join().expect("no panic");
    assert_eq!(PANICS.load(Ordering::Relaxed), 0);
    insta::assert_snapshot!(session.tree(), @r"
    it: in time (internal)
    it: too late to be below anything (internal)
    ");
}
