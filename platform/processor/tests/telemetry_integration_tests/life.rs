//! Telemetry starts and ends, and never harms the program.

use crate::points::values;
use crate::session::{BOTH, PATIENCE, Session, block_on, refused, to, turn};
use oxitel::testing::{Answer, Receiver};
use processor::telemetry::{
    self, MetricsRecorder, OtlpProtocol, SpanBuilder, TelemetryConfig, TelemetryError,
    extract_from_headers, init_telemetry, inject_into_headers, metric_names,
};
use processor::{OtelContext, Span as _};
use std::collections::HashMap;
use std::net::TcpListener;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// Spans, and a counter of them.
fn record_hundred() {
    let recorder = MetricsRecorder::new();
    for _ in 0..100 {
        drop(SpanBuilder::new("process_event").start());
        recorder.record_counter("processor", metric_names::EVENTS_PROCESSED, 1, vec![]);
    }
}

/// A session with metrics, which nothing but its end collects.
fn whole(protocol: OtlpProtocol) -> Session {
    Session::with(protocol, |config| config.with_metrics_enabled(true))
}

fn assert_hundred(receiver: &Receiver) {
    assert_eq!(receiver.spans().len(), 100);
    assert_eq!(values(receiver, metric_names::EVENTS_PROCESSED), ["100"]);
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

fn one_worker() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).build().expect("a runtime")
}

#[test]
fn shutdown_delivers_on_a_current_thread_runtime() {
    for protocol in BOTH {
        let session = whole(protocol);
        current_thread().block_on(async {
            record_hundred();
            session.providers.shutdown().await.expect("everything is delivered");
        });
        assert_hundred(&session.receiver);
    }
}

#[test]
fn shutdown_delivers_in_a_task_of_a_runtime_with_one_worker() {
    for protocol in BOTH {
        let session = whole(protocol);
        let providers = session.providers;
        let runtime = one_worker();
        let task = runtime.spawn(async move {
            record_hundred();
            providers.shutdown().await
        });
        runtime.block_on(task).expect("no panic").expect("everything is delivered");
        assert_hundred(&session.receiver);
    }
}

#[test]
fn shutdown_delivers_without_any_runtime() {
    for protocol in BOTH {
        let session = whole(protocol);
        record_hundred();
        assert_hundred(&session.end());
    }
}

#[test]
fn other_tasks_of_the_runtime_go_on_while_it_ends() {
    let session = Session::start(OtlpProtocol::Http);
    // An answer that takes until the deadline.
    session.receiver.answer(Answer::Hang);
    drop(SpanBuilder::new("process_event").start());
    let turns = current_thread().block_on(async {
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        let other = tokio::spawn(async move {
            let mut turns = 0_u64;
            while stopped.try_recv().is_err() {
                turns += 1;
                tokio::task::yield_now().await;
            }
            turns
        });
        session.providers.shutdown().await.expect("nobody ever answered");
        stop.send(()).expect("the other task waits");
        other.await.expect("no panic")
    });
    assert!(turns > 100, "{turns} turns in two seconds");
}

#[test]
fn providers_that_are_dropped_end_telemetry_all_the_same() {
    let session = whole(OtlpProtocol::Http);
    record_hundred();
    drop(session.providers);
    assert_hundred(&session.receiver);
}

#[test]
fn a_shutdown_that_nobody_awaits_ends_telemetry_all_the_same() {
    let session = whole(OtlpProtocol::Http);
    record_hundred();
    drop(session.providers.shutdown());
    assert_hundred(&session.receiver);
}

#[test]
fn where_nobody_listens_nothing_fails_and_the_end_comes_soon() {
    for protocol in BOTH {
        let _turn = turn();
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it");
        let config = TelemetryConfig::default()
            .with_otlp_endpoint(format!("http://{port}"))
            .with_otlp_protocol(protocol);
        let before = oxitel::stats();
        let providers = init_telemetry(config).expect("nothing is wrong with it");
        record_hundred();
        let begun = Instant::now();
        assert_eq!(block_on(providers.shutdown()), Ok(()), "{protocol:?}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        let lost = oxitel::stats().lost() - before.lost();
        assert_eq!(lost, 100, "counted, {protocol:?}");
    }
}

#[test]
fn a_loss_at_a_receiver_that_answers_is_an_error_at_the_end() {
    for protocol in BOTH {
        let session = Session::start(protocol);
        session.receiver.answer(Answer::Status(400));
        record_hundred();
        let ended = block_on(session.providers.shutdown());
        assert_eq!(ended, Err(TelemetryError::Undelivered { lost: 100, queued: 0 }));
    }
}

#[test]
fn a_second_start_changes_nothing_and_says_so() {
    let session = whole(OtlpProtocol::Http);
    let other = Receiver::start();
    let error = refused(to(&other, OtlpProtocol::Http).with_metrics_enabled(true));
    assert_eq!(error, TelemetryError::AlreadyRunning);
    insta::assert_snapshot!(
        error,
        @"telemetry already runs in this process; the first start counts, this one changed nothing"
    );
    record_hundred();
    assert_hundred(&session.end());
    assert!(other.requests().is_empty());
}

#[test]
fn a_program_that_says_nothing_is_started_by_the_environment() {
    let _turn = turn();
    let providers = telemetry::init().expect("the defaults are fine");
    assert!(providers.is_recording());
    // Who listens at the default endpoint, and whether it takes metrics, is not known here.
    let _ = block_on(providers.shutdown());
    assert!(!SpanBuilder::new("late").start().is_recording());
}

#[test]
fn after_its_end_telemetry_can_start_again() {
    for protocol in BOTH {
        let session = whole(protocol);
        record_hundred();
        assert_hundred(&session.end());
    }
}

#[test]
fn what_is_not_enabled_records_nothing_and_lets_traces_through() {
    let session = Session::with(OtlpProtocol::Http, |config| config.with_tracing_enabled(false));
    assert!(!session.providers.is_recording());
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let incoming = HashMap::from([("Traceparent".to_owned(), parent.to_owned())]);
    let current = extract_from_headers(&incoming).attach();
    let span = SpanBuilder::new("process_event").start();
    assert!(!span.is_recording());
    let mut outgoing = HashMap::new();
    inject_into_headers(&OtelContext::current(), &mut outgoing);
    assert_eq!(outgoing["traceparent"], parent);
    drop(current);
    assert_eq!(block_on(session.providers.flush(PATIENCE)), Ok(()));
    let receiver = session.end();
    assert!(receiver.requests().is_empty());
}
