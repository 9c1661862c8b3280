//! The program behaves the same whether the engine is in the build or not: it is not started.

use oxitel::bridge::SetParentError;
use oxitel::config::Origin;
use oxitel::{SpanContext, Stats};
use oxitel_without_otel::{
    Seen, answered, called, configured, exporters, extended, forwarded, handled, install, layers,
    lines, measured, own_subscriber, run, served, stored, subscriber, travel, views, work,
};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

#[test]
fn every_name_compiles_and_nothing_is_recorded() {
    let nothing =
        Seen { recording: false, headers: Vec::new(), stats: Stats::default(), flushed: Ok(()) };
    assert_eq!(run(), Ok(nothing));
}

#[test]
fn exporters_can_be_added_and_nobody_starts_them() {
    let (config, json) = exporters();
    assert_eq!(json, "");
    let shown = config.resolved().to_string();
    assert!(shown.contains("extras = [files, memory, refuses] (argument)"), "{shown}");
    assert!(shown.contains("traces.exporters = otlp,console (argument)"), "{shown}");
}

#[test]
fn futures_give_their_own_results() {
    let mut work = pin!(work());
    let polled = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(polled, Poll::Ready(42));
}

#[test]
fn conventions_pass_everything_through() {
    let mut stored = pin!(stored());
    let polled = stored.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(polled, Poll::Ready(false), "nothing is recorded");
    let mut answered = pin!(answered());
    let polled = answered.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(polled, Poll::Ready(Ok(42)));
}

#[test]
fn measurements_go_nowhere_and_nobody_is_asked() {
    assert_eq!(measured(), 0);
    let (view, other, _) = views();
    assert_eq!((view.clone(), other.clone()), (view, other));
}

#[test]
fn there_is_no_page_for_prometheus_and_scrapers_are_told_so() {
    let mut served = pin!(served());
    let polled = served.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let nothing = "metrics are not for Prometheus here".to_owned();
    assert_eq!(polled, Poll::Ready((503, nothing)));
}

#[test]
fn layers_pass_everything_through() {
    drop(layers("service".to_owned()));
    drop(handled(async {}));
    let mut called = pin!(called(200));
    let polled = called.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(polled, Poll::Ready(std::collections::HashMap::new()), "no headers");
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

#[test]
fn lines_are_written_without_the_engine_and_foreign_records_go_nowhere() {
    let written = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&written);
    let lost = lines(move |line| {
        kept.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line);
        Ok(())
    });
    let line = String::from_utf8(written.lock().expect("nobody panicked").clone()).expect("text");
    let (time, said) = line.split_at(r#"{"timestamp":"2026-11-20T14:38:07.123456Z""#.len());
    assert!(time.starts_with(r#"{"timestamp":""#) && time.ends_with("Z\""), "{line}");
    let expected = concat!(
        r#","level":"INFO","target":"oxitel_without_otel","message":"said","fields":{"n":1}}"#,
        "\n"
    );
    assert_eq!((said, lost), (expected, 0));
    assert_eq!(forwarded(&SpanContext::NONE).name(), "ERROR");
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
