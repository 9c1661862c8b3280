//! The program behaves the same whether the engine is in the build or not: it is not started.

use oxitel::Stats;
use oxitel_without_otel::{Seen, run, subscriber, work};
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
fn a_subscriber_can_be_built() {
    drop(subscriber());
}
