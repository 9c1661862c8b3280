//! Programs that use `tracing`.

use crate::session::{PATIENCE, Session};
use oxitel::{Sampler, Scope, context};
use std::fmt;
use tracing::{Level, info, info_span, span};
use tracing_subscriber::layer::SubscriberExt;

static SCOPE: Scope = Scope::new("direct");

fn with_layer(program: impl FnOnce()) {
    let subscriber = tracing_subscriber::registry().with(oxitel::bridge::layer());
    tracing::subscriber::with_default(subscriber, program);
}

#[test]
fn spans_fields_and_events_arrive_in_one_tree_with_the_direct_api() {
    let session = Session::start();
    with_layer(|| {
        let _direct = SCOPE.enter("direct");
        let request = info_span!(
            "request",
            otel.kind = "server",
            otel.name = "GET /cart",
            user.id = 7,
            late = tracing::field::Empty
        );
        let _entered = request.enter();
        info!(items = 3, "cart loaded");
        request.record("late", "yes");
        drop(SCOPE.span("below tracing"));
        let other = span!(parent: None, Level::INFO, "a trace of its own");
        drop(span!(parent: &other, Level::INFO, "below the other"));
    });
    insta::assert_snapshot!(session.tree(), @r"
    it: direct (internal)
      it: GET /cart (server) user.id=7 late=yes
        · cart loaded level=INFO target=it::tracing_layer items=3
        it: below tracing (internal)
    it: a trace of its own (internal)
      it: below the other (internal)
    ");
}

#[test]
fn status_fields_and_what_a_span_follows_from_are_kept() {
    let session = Session::start();
    with_layer(|| {
        let first = info_span!("first", otel.status_code = "ok");
        let second = info_span!("second", otel.status_code = "ERROR");
        second.follows_from(&first);
        drop(info_span!("third", otel.status_code = "error", otel.status_message = "broken"));
    });
    insta::assert_snapshot!(session.tree(), @r"
    it: first (internal) [ok]
    it: second (internal) [error]
      → first
    it: third (internal) [error: broken]
    ");
}

#[test]
fn a_debug_implementation_that_fails_and_a_second_layer_do_no_harm() {
    struct Broken;
    impl fmt::Debug for Broken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("as far as it goes")?;
            Err(fmt::Error)
        }
    }
    let session = Session::start();
    let subscriber =
        tracing_subscriber::registry().with(oxitel::bridge::layer()).with(oxitel::bridge::layer());
    tracing::subscriber::with_default(subscriber, || {
        info_span!("span", broken = ?Broken).in_scope(|| {});
    });
    oxitel::flush(PATIENCE).expect("delivered");
    let tree = session.receiver.tree();
    assert!(tree.contains(r#"broken="as far as it goes""#), "{tree}");
}

#[test]
fn below_an_unsampled_span_entering_and_leaving_keeps_the_place() {
    let session = Session::with(|config| config.sampler(Sampler::always_off().parent_based()));
    let current = || context::capture().span_context().clone();
    with_layer(|| {
        let outer = info_span!("outer");
        let _outer = outer.enter();
        let place = current();
        assert!(place.is_valid() && !place.is_sampled());
        for _ in 0..2 {
            info_span!("inner").in_scope(|| assert_eq!(current(), place));
            let _direct = SCOPE.enter("direct");
            assert_eq!(current(), place);
        }
        assert_eq!(current(), place, "leaving the inner ones did not leave the outer one");
    });
    assert!(!current().is_valid());
    assert_eq!(session.ledger().recorded, 0);
}

#[test]
fn a_remote_parent_attached_before_the_span_is_its_parent() {
    let session = Session::start();
    let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let caller = oxitel::propagate::extract(|name| (name == "traceparent").then_some(header));
    with_layer(|| {
        let _here = context::with_parent(caller.span_context()).attach();
        drop(info_span!("served"));
    });
    let _ = session.tree();
    let record = session.receiver.spans().remove(0);
    assert_eq!(record.trace_id(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(record.span.parent_span_id, [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
}
