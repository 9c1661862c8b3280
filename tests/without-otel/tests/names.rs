//! The program behaves the same whether the engine is in the build or not: it is not started.

use oxitel::bridge::SetParentError;
use oxitel::{SpanContext, Stats};
use oxitel_without_otel::{Seen, extended, install, own_subscriber, run, subscriber, work};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

#[test]
fn every_name_compiles_and_nothing_is_recorded() {
    let nothing =
        Seen { recording: false, headers: Vec::new(), stats: Stats::default(), flushed: Ok(()) };
    assert_eq!(run(), Ok(nothing));
}

#[test]
fn futures_give_their_own_results() {
    let mut work = pin!(work());
    let polled = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(polled, Poll::Ready(42));
}

#[test]
fn subscribers_can_be_built_and_spans_used_while_nothing_is_recorded() {
    let parent = SpanContext::default();
    let nothing = (Err(SetParentError::Disabled), SpanContext::NONE);
    tracing::subscriber::with_default(subscriber(), || {
        assert!(matches!(extended(&parent), (Err(_), SpanContext::NONE)));
    });
    tracing::subscriber::with_default(own_subscriber(), || {
        // With the engine the console follows the span, although telemetry is off.
        assert!(matches!(extended(&parent), (_, SpanContext::NONE)));
    });
    assert_eq!(extended(&parent), nothing, "nobody looks at it");
    assert_eq!(install(), Ok(()));
    assert!(install().is_err(), "there is one already");
}
