//! What is configured is what happens on the wire.

use crate::session::{BOTH, PATIENCE, Session, block_on, to, turn};
use oxitel::testing::proto::common::v1::any_value::Value;
use oxitel::testing::{Answer, Receiver, SpanRecord};
use processor::telemetry::{
    BatchConfiguration, OtlpProtocol, SamplingStrategy, SpanBuilder, TelemetryError,
    extract_from_headers, init_telemetry,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// An attribute of who sent the span.
pub(crate) fn of_resource(record: &SpanRecord, key: &str) -> String {
    let found = record.resource.attributes.iter().find(|attribute| attribute.key == key);
    let value = found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref());
    match value {
        Some(Value::StringValue(text)) => text.clone(),
        other => panic!("{key} is {other:?}"),
    }
}

#[test]
fn both_protocols_are_really_spoken_and_say_who_sends() {
    for protocol in BOTH {
        let session = Session::with(protocol, |config| {
            config.with_service_version("1.0.0").with_environment("production")
        });
        drop(SpanBuilder::new("process_event").with_attribute("event.type", "metric").start());
        let receiver = session.end();
        let request = receiver.requests().remove(0);
        assert_eq!(request.grpc, protocol == OtlpProtocol::Grpc);
        let path = match protocol {
            OtlpProtocol::Grpc => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            OtlpProtocol::Http => "/v1/traces",
        };
        assert_eq!(request.path, path);
        assert_eq!(receiver.tree(), "it: process_event (internal) event.type=metric\n");
        let span = receiver.spans().remove(0);
        assert_eq!(span.scope.name, "processor");
        assert_eq!(of_resource(&span, "service.version"), "1.0.0");
        assert_eq!(of_resource(&span, "deployment.environment.name"), "production");
        assert_eq!(of_resource(&span, "deployment.environment"), "production");
        assert_eq!(of_resource(&span, "telemetry.sdk.language"), "rust");
        assert_eq!(of_resource(&span, "os.type"), std::env::consts::OS);
        for found in ["process.executable.name", "host.arch", "service.instance.id"] {
            assert!(!of_resource(&span, found).is_empty(), "{found}");
        }
    }
}

#[test]
fn headers_are_really_sent() {
    for protocol in BOTH {
        let session = Session::with(protocol, |config| {
            config.with_header("X-Api-Key", "s3cret").with_header("x-tenant", "acme")
        });
        drop(SpanBuilder::new("process_event").start());
        let request = session.end().requests().remove(0);
        assert_eq!(request.headers["x-api-key"], "s3cret", "{protocol:?}");
        assert_eq!(request.headers["x-tenant"], "acme", "{protocol:?}");
    }
}

#[test]
fn the_schedule_sends_without_being_asked() {
    for protocol in BOTH {
        let delay = Duration::from_millis(20);
        let session = batched(protocol, |batches| batches.scheduled_delay = delay);
        drop(SpanBuilder::new("process_event").start());
        session.receiver.wait_for_spans(1, PATIENCE);
    }
}

#[test]
fn the_export_timeout_bounds_a_request_and_a_flush_tells_the_loss() {
    for protocol in BOTH {
        let timeout = Duration::from_millis(200);
        let session = batched(protocol, |batches| batches.export_timeout = timeout);
        session.receiver.answer(Answer::Hang);
        drop(SpanBuilder::new("process_event").start());
        let begun = Instant::now();
        let flushed = block_on(session.providers.flush(PATIENCE));
        assert_eq!(flushed, Err(TelemetryError::Undelivered { lost: 1, queued: 0 }));
        assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    }
}

/// A session whose batches are changed.
fn batched(protocol: OtlpProtocol, change: impl FnOnce(&mut BatchConfiguration)) -> Session {
    Session::with(protocol, |mut config| {
        change(&mut config.tracing.batch_config);
        config
    })
}

#[test]
fn no_request_has_more_spans_than_a_batch_may_have() {
    for protocol in BOTH {
        let session = batched(protocol, |batches| batches.max_export_batch_size = 4);
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&sizes);
        session.receiver.hand_over(move |_, spans| {
            seen.lock().expect("no test panics inside").push(spans.len());
        });
        for _ in 0..10 {
            drop(SpanBuilder::new("process_event").start());
        }
        session.end();
        let sizes = sizes.lock().expect("no test panics inside").clone();
        assert_eq!(sizes.iter().sum::<usize>(), 10, "{sizes:?}");
        assert!(sizes.iter().all(|size| *size <= 4), "{protocol:?}: {sizes:?}");
    }
}

#[test]
fn a_queue_that_is_full_drops_what_is_on_top() {
    for protocol in BOTH {
        let session = batched(protocol, |batches| batches.max_queue_size = 4);
        let before = oxitel::stats().dropped.queue_full;
        for _ in 0..10 {
            drop(SpanBuilder::new("process_event").start());
        }
        assert_eq!(oxitel::stats().dropped.queue_full - before, 6, "{protocol:?}");
        let ended = block_on(session.providers.shutdown());
        assert_eq!(ended, Err(TelemetryError::Undelivered { lost: 6, queued: 0 }));
        assert_eq!(session.receiver.spans().len(), 4);
    }
}

/// The names of the spans that arrive of a root and of a child of a sampled caller.
fn sampled(sampling: SamplingStrategy) -> Vec<String> {
    let session = Session::with(OtlpProtocol::Http, |config| config.with_sampling(sampling));
    drop(SpanBuilder::new("root").start());
    let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
    let caller = extract_from_headers(&HashMap::from([("traceparent".to_owned(), caller)]));
    drop(SpanBuilder::new("child").start_with_context(&caller));
    let mut names: Vec<_> = session.end().spans().into_iter().map(|one| one.span.name).collect();
    names.sort();
    names
}

#[test]
fn the_sampling_strategy_decides() {
    let below = |root| SamplingStrategy::ParentBased { root: Box::new(root) };
    let ratio = |ratio| SamplingStrategy::TraceIdRatio { ratio };
    assert_eq!(sampled(SamplingStrategy::AlwaysOn), ["child", "root"]);
    assert!(sampled(SamplingStrategy::AlwaysOff).is_empty());
    assert_eq!(sampled(ratio(1.0)), ["child", "root"]);
    assert!(sampled(ratio(0.0)).is_empty());
    assert_eq!(sampled(below(SamplingStrategy::AlwaysOff)), ["child"]);
    assert_eq!(sampled(below(ratio(0.0))), ["child"]);
    assert_eq!(sampled(below(ratio(1.0))), ["child", "root"]);
}

#[test]
fn a_tenth_of_the_traces_is_about_a_tenth() {
    let tenth = SamplingStrategy::TraceIdRatio { ratio: 0.1 };
    let session = Session::with(OtlpProtocol::Http, |config| config.with_sampling(tenth));
    for _ in 0..2000 {
        drop(SpanBuilder::new("process_event").start());
    }
    let kept = session.end().spans().len();
    // Six standard deviations around 200.
    assert!((120..=280).contains(&kept), "{kept} of 2000");
}

#[test]
fn an_endpoint_for_traces_alone_is_used_as_it_stands() {
    let _turn = turn();
    let receiver = Receiver::start();
    let whole = format!("{}/v1/traces", receiver.endpoint());
    let config = to(&receiver, OtlpProtocol::Http).with_otlp_endpoint(whole);
    let providers = init_telemetry(config).expect("telemetry starts");
    drop(SpanBuilder::new("process_event").start());
    block_on(providers.shutdown()).expect("everything is delivered");
    assert_eq!(receiver.requests()[0].path, "/v1/traces");
}
