//! The program behaves the same whether the engine is in the build or not: it is not started.

use oxitel::Stats;
use oxitel::config::Origin;
use oxitel_without_otel::{Seen, configured, run, subscriber, travel, work};
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

#[test]
fn what_a_caller_sent_is_read_and_written_without_the_engine() {
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [("Traceparent", parent), ("Baggage", "tenant=acme%20corp")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (incoming, sent) = travel(&headers);
    assert_eq!(incoming.baggage().get("tenant"), Some("acme corp"));
    assert_eq!(sent[0], ("traceparent".to_owned(), parent.to_owned()));
}

#[test]
fn a_configuration_tells_what_holds_and_why_without_the_engine() {
    let told = configured(&[("OTEL_SERVICE_NAME", "shop")]);
    let origin = Origin::Variable("OTEL_SERVICE_NAME");
    assert_eq!(told, [("service_name".to_owned(), "shop".to_owned(), origin)]);
}
