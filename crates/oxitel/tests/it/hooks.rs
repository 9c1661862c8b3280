//! Functions of the program that see each span.

use crate::session::{PATIENCE, Session};
use oxitel::{Kind, Scope, Status, Value, ValueRef, Verdict};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;

static SCOPE: Scope = Scope::new("hooks");

type Notes = Arc<Mutex<Vec<String>>>;

fn note(notes: &Notes, text: String) {
    notes.lock().expect("no panic").push(text);
}

#[test]
fn hooks_see_each_start_in_order_with_its_first_attributes_and_its_parent() {
    let notes = Notes::default();
    let (first, second) = (Arc::clone(&notes), Arc::clone(&notes));
    let session = Session::with(|config| {
        config
            .on_start(move |span, parent| {
                let attribute = span.as_ref().attribute("n").is_some();
                let name = span.as_ref().name().to_owned();
                note(&first, format!("first: {name} n={attribute} root={}", !parent.is_valid()));
                span.set_attribute("hook", 1).add_event("seen", &[]);
            })
            .on_start(move |span, _| {
                note(&second, format!("second: {:?}", span.as_ref().attribute("hook")));
                span.update_name(&format!("{}!", span.as_ref().name()));
            })
    });
    {
        let _entered = SCOPE.enter("entered");
        drop(SCOPE.span("span"));
        drop(SCOPE.build("built").attribute("n", 1).start());
        let subscriber = tracing_subscriber::registry().with(oxitel::bridge::layer());
        tracing::subscriber::with_default(subscriber, || {
            drop(tracing::info_span!("traced", n = 1, otel.status_code = "ok"));
        });
    }
    insta::assert_snapshot!(notes.lock().expect("no panic").join("\n"), @r#"
    first: entered n=false root=true
    second: Some(I64(1))
    first: span n=false root=false
    second: Some(I64(1))
    first: built n=true root=false
    second: Some(I64(1))
    first: traced n=true root=false
    second: Some(I64(1))
    "#);
    insta::assert_snapshot!(session.tree(), @r#"
    it: entered! (internal) hook=1
      · seen
      it: span! (internal) hook=1
        · seen
      it: built! (internal) n=1 hook=1
        · seen
      it: traced! (internal) [ok] n=1 hook=1
        · seen
    "#);
}

#[test]
fn an_ended_span_can_be_read() {
    let notes = Notes::default();
    let seen = Arc::clone(&notes);
    let session = Session::with(|config| {
        config.on_end(move |span| {
            let attributes: Vec<_> =
                span.attributes().map(|(key, value)| shown(key, value)).collect();
            note(&seen, format!("{} {:?} {:?}", span.name(), span.kind(), span.status()));
            note(&seen, format!("scope {:?}, {attributes:?}", span.scope_name()));
            note(&seen, format!("{} events, {} links", span.events_count(), span.links_count()));
            note(&seen, format!("parent {}", span.parent_span_id().is_valid()));
            assert!(span.context().is_sampled() && span.start_ns() > 0);
            assert!(span.duration() < Duration::from_secs(60));
            Verdict::Keep
        })
    });
    {
        let root = SCOPE.span("root");
        let mut span = SCOPE.build("span").kind(Kind::Server).parent(&root.context()).start();
        let list = [Value::I64(1), Value::Str("two")];
        let pairs = [("list", Value::Array(&list)), ("bytes", Value::Bytes(b"b"))];
        span.set_attribute("a", "first").set_attribute("b", true).set_attribute("a", 0.5);
        span.set_attribute("map", Value::Map(&pairs)).set_attribute("password", "secret");
        span.add_event("event", &[]).add_link(&root.context(), &[]);
        span.set_status(Status::Error("broken"));
        drop(span);
    }
    insta::assert_snapshot!(notes.lock().expect("no panic").join("\n"), @r#"
    span Server Error("broken")
    scope "hooks", ["b=Bool(true)", "a=F64(0.5)", "map=[\"list=[\\\"=I64(1)\\\", \\\"=Str(\\\\\\\"two\\\\\\\")\\\"]\", \"bytes=Bytes([98])\"]", "password=Str(\"[redacted]\")"]
    1 events, 1 links
    parent true
    root Internal Unset
    scope "hooks", []
    0 events, 0 links
    parent false
    "#);
    assert_eq!(session.receiver.spans().len(), 0);
    let _ = session.tree();
}

fn shown(key: &str, value: ValueRef<'_>) -> String {
    let value = match value {
        ValueRef::Array(items) => {
            format!("{:?}", items.map(|item| shown("", item)).collect::<Vec<_>>())
        }
        ValueRef::Map(pairs) => {
            format!("{:?}", pairs.map(|(key, value)| shown(key, value)).collect::<Vec<_>>())
        }
        other => format!("{other:?}"),
    };
    format!("{key}={value}")
}

#[test]
fn what_a_hook_drops_is_counted_and_is_no_loss() {
    let notes = Notes::default();
    let later = Arc::clone(&notes);
    let session = Session::with(|config| {
        config
            .on_end(|span| match span.attribute("http.route").and_then(|route| route.as_str()) {
                Some("/healthz") => Verdict::Drop,
                _ => Verdict::Keep,
            })
            .on_end(move |span| {
                note(&later, span.name().to_owned());
                Verdict::Keep
            })
    });
    for route in ["/cart", "/healthz", "/healthz"] {
        SCOPE.span("request").set_attribute("http.route", route);
    }
    insta::assert_snapshot!(session.tree(), @"it: request (internal) http.route=/cart");
    let ledger = session.ledger();
    assert_eq!((ledger.recorded, ledger.delivered, ledger.dropped.by_hook), (3, 1, 2));
    assert_eq!((ledger.lost(), ledger.dropped.total()), (0, 2));
    assert_eq!(notes.lock().expect("no panic").len(), 1, "the next hook does not see them");
}

#[test]
fn a_hook_that_panics_is_counted_and_the_next_one_runs() {
    let session = Session::with(|config| {
        config
            .on_start(|_, _| panic!("as the test wants it"))
            .on_start(|span, _| {
                span.set_attribute("next", true);
            })
            .on_end(|_| std::panic::panic_any(Bomb))
    });
    drop(SCOPE.enter("span"));
    insta::assert_snapshot!(session.tree(), @"it: span (internal) next=true");
    assert_eq!(session.ledger().panics, 2);
}

/// What is thrown may throw again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "as the test wants it");
    }
}

#[test]
fn spans_that_hooks_make_are_recorded_without_hooks() {
    let session = Session::with(|config| {
        config.on_start(|_, _| drop(SCOPE.enter("made at a start"))).on_end(|_| {
            let mut made = SCOPE.enter("made at an end");
            made.set_attribute("token", "secret");
            Verdict::Keep
        })
    });
    drop(SCOPE.enter("span"));
    insta::assert_snapshot!(session.tree(), @r#"
    it: span (internal)
    it: made at a start (internal)
    it: made at an end (internal) token="[redacted]"
    "#);
    assert_eq!(session.ledger().recorded, 3);
}

#[test]
fn hooks_see_nothing_of_spans_that_are_not_kept_or_end_after_shutdown() {
    let notes = Notes::default();
    let (starts, ends) = (Arc::clone(&notes), Arc::clone(&notes));
    let session = Session::with(|config| {
        config
            .sampler(oxitel::Sampler::ratio(0.0))
            .on_start(move |_, _| note(&starts, "start".to_owned()))
            .on_end(move |_| {
                note(&ends, "end".to_owned());
                Verdict::Keep
            })
    });
    drop(SCOPE.enter("not kept"));
    oxitel::flush(PATIENCE).expect("nothing to deliver");
    assert!(notes.lock().expect("no panic").is_empty());
    drop(session);
    let kept = Arc::clone(&notes);
    let session = Session::with(|config| {
        config.on_end(move |_| {
            note(&kept, "end".to_owned());
            Verdict::Drop
        })
    });
    let late = SCOPE.span("late");
    oxitel::shutdown(PATIENCE).expect("nothing to deliver");
    drop(late);
    assert!(notes.lock().expect("no panic").is_empty());
    assert_eq!(session.ledger().dropped.already_shutdown, 1);
}
