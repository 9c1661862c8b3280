//! Metrics on the wire: what is recorded is what arrives, as it was configured.

use crate::points::{Point, points, values};
use crate::session::{BOTH, PATIENCE, Session, block_on, to, turn};
use oxitel::testing::{Answer, Receiver};
use processor::OtelKeyValue;
use processor::telemetry::{
    MetricsRecorder, OtlpProtocol, SpanBuilder, TelemetryConfig, TelemetryError, Temporality,
    init_telemetry, metric_attributes, metric_names,
};
use std::time::{Duration, Instant};
use std::{env, process, thread};

/// Metrics and spans, one report at the end.
fn session(protocol: OtlpProtocol) -> Session {
    Session::with(protocol, |config| config.with_metrics_enabled(true))
}

fn count(value: u64) {
    MetricsRecorder::new().record_counter("processor", "it.counter", value, vec![]);
}

#[test]
fn the_guides_recordings_arrive_with_their_units_and_common_attributes() {
    for protocol in BOTH {
        let session = session(protocol);
        let recorder = MetricsRecorder::new().with_attribute("service", "processor");
        recorder.record_counter(
            "processor",
            metric_names::EVENTS_PROCESSED,
            1,
            vec![OtelKeyValue::new(metric_attributes::EVENT_TYPE, "metric")],
        );
        recorder.record_histogram(
            "processor",
            metric_names::PROCESSING_DURATION,
            123.45, // duration in milliseconds
            vec![OtelKeyValue::new(metric_attributes::OPERATION_TYPE, "aggregation")],
        );
        for lag in [2000, 1000] {
            recorder.record_gauge(
                "processor",
                metric_names::WATERMARK_LAG,
                lag, // lag in milliseconds
                vec![OtelKeyValue::new(metric_attributes::PARTITION_ID, "0")],
            );
        }
        let receiver = session.end();
        assert_eq!(receiver.requests()[0].grpc, protocol == OtlpProtocol::Grpc);
        insta::allow_duplicates! {
            insta::assert_snapshot!(lines(&points(&receiver)), @r"
            cumulative sum processor.events.processed in {event}: 1 event.type=metric service=processor
            cumulative histogram processor.processing.duration in ms: 1 of 123.45 operation.type=aggregation service=processor
            gauge processor.watermark.lag in ms: 1000 partition.id=0 service=processor
            ");
        }
    }
}

fn lines(points: &[Point]) -> String {
    points.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn all_metrics_of_the_processor_have_a_kind_and_a_unit() {
    let session = session(OtlpProtocol::Http);
    let recorder = MetricsRecorder::new();
    for name in [
        metric_names::EVENTS_PROCESSED,
        metric_names::EVENTS_DROPPED,
        metric_names::WINDOW_TRIGGERS,
        metric_names::DEDUPLICATION_COUNT,
    ] {
        recorder.record_counter("processor", name, 1, vec![]);
    }
    for name in [
        metric_names::PROCESSING_DURATION,
        metric_names::AGGREGATION_DURATION,
        metric_names::STATE_OPERATION_DURATION,
    ] {
        recorder.record_histogram("processor", name, 1.0, vec![]);
    }
    recorder.record_gauge("processor", metric_names::WATERMARK_LAG, -1, vec![]);
    recorder.record_counter("processor", "of.somebody.else", 1, vec![]);
    insta::assert_snapshot!(lines(&points(&session.end())), @r"
    cumulative sum processor.events.processed in {event}: 1
    cumulative sum processor.events.dropped in {event}: 1
    cumulative sum processor.window.triggers in {trigger}: 1
    cumulative sum processor.deduplication.count in {event}: 1
    cumulative histogram processor.processing.duration in ms: 1 of 1
    cumulative histogram processor.aggregation.duration in ms: 1 of 1
    cumulative histogram processor.state.operation.duration in ms: 1 of 1
    gauge processor.watermark.lag in ms: -1
    cumulative sum of.somebody.else in : 1
    ");
}

#[test]
fn an_attribute_of_the_recording_wins_over_the_common_one() {
    let session = session(OtlpProtocol::Http);
    let recorder = MetricsRecorder::new()
        .with_attribute("service", "first")
        .with_attribute("stage", 2)
        .with_attribute("service", "processor");
    let own = vec![OtelKeyValue::new("service", "other")];
    recorder.record_counter("processor", "it.attributes", 1, own);
    recorder.clone().record_counter("processor", "it.attributes", 2, vec![]);
    insta::assert_snapshot!(lines(&points(&session.end())), @r"
    cumulative sum it.attributes in : 1 service=other stage=2
    cumulative sum it.attributes in : 2 service=processor stage=2
    ");
}

#[test]
fn the_temporality_is_what_the_numbers_count_from() {
    for (temporality, expected) in
        [(Temporality::Cumulative, ["1", "3", "6"]), (Temporality::Delta, ["1", "2", "3"])]
    {
        let session = Session::with(OtlpProtocol::Http, |mut config| {
            config.metrics.temporality = temporality;
            config.with_metrics_enabled(true)
        });
        for value in [1, 2] {
            count(value);
            block_on(session.providers.flush(PATIENCE)).expect("delivered");
        }
        count(3);
        let receiver = session.end();
        assert_eq!(values(&receiver, "it.counter"), expected, "{temporality:?}");
        let is_delta = points(&receiver).iter().all(|point| point.kind == "delta sum");
        assert_eq!(is_delta, temporality == Temporality::Delta);
    }
}

#[test]
fn the_interval_sends_without_being_asked() {
    for protocol in BOTH {
        let session = Session::with(protocol, |mut config| {
            config.metrics.export_config.export_interval = Duration::from_millis(20);
            config.with_metrics_enabled(true).with_tracing_enabled(false)
        });
        count(5);
        let deadline = Instant::now() + PATIENCE;
        while values(&session.receiver, "it.counter").is_empty() {
            assert!(Instant::now() < deadline, "{protocol:?}");
            thread::sleep(Duration::from_millis(5));
        }
        session.end();
    }
}

#[test]
fn the_export_timeout_bounds_a_report_and_a_flush_tells_the_loss() {
    for protocol in BOTH {
        let session = Session::with(protocol, |mut config| {
            config.metrics.export_config.export_timeout = Duration::from_millis(200);
            config.with_metrics_enabled(true)
        });
        session.receiver.answer(Answer::Hang);
        count(1);
        let begun = Instant::now();
        match block_on(session.providers.flush(PATIENCE)) {
            Err(TelemetryError::Undelivered { lost, queued: 0 }) => assert!(lost > 0),
            other => panic!("{protocol:?}: {other:?}"),
        }
        assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    }
}

#[test]
fn metrics_have_an_endpoint_and_headers_of_their_own() {
    for protocol in BOTH {
        let own = Receiver::start();
        let session = Session::with(protocol, |config| {
            let mut config = config.with_metrics_enabled(true).with_header("x-both", "1");
            config.metrics.otlp_endpoint = own.endpoint();
            config.metrics.headers.insert("x-metrics".to_owned(), "2".to_owned());
            config.tracing.headers.insert("x-traces".to_owned(), "3".to_owned());
            config
        });
        count(1);
        drop(SpanBuilder::new("process_event").start());
        let receiver = session.end();
        let (spans, metrics) = (receiver.requests().remove(0), own.requests().remove(0));
        assert!(receiver.metrics().is_empty() && own.spans().is_empty(), "{protocol:?}");
        let is_grpc = protocol == OtlpProtocol::Grpc;
        assert!(spans.grpc == is_grpc && metrics.grpc == is_grpc, "{protocol:?}");
        let path = if is_grpc {
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
        } else {
            "/v1/metrics"
        };
        assert_eq!(metrics.path, path);
        assert_eq!(values(&own, "it.counter"), ["1"]);
        assert!(metrics.headers["x-both"] == "1" && metrics.headers["x-metrics"] == "2");
        assert!(spans.headers["x-both"] == "1" && spans.headers["x-traces"] == "3");
        assert!(!metrics.headers.contains_key("x-traces"), "{protocol:?}");
        assert!(!spans.headers.contains_key("x-metrics"), "{protocol:?}");
    }
}

#[test]
fn metrics_alone_say_who_sends_and_no_span_is_made() {
    let session = Session::with(OtlpProtocol::Grpc, |config| {
        let config = config.with_service_version("1.0.0").with_environment("production");
        config.with_metrics_enabled(true).with_tracing_enabled(false)
    });
    assert!(session.providers.is_recording());
    drop(SpanBuilder::new("process_event").start());
    count(1);
    let receiver = session.end();
    assert!(receiver.spans().is_empty());
    assert_eq!(values(&receiver, "it.counter"), ["1"]);
    let resource = receiver.metrics().remove(0).resource.expect("it says who");
    let said = crate::points::attributes(&resource.attributes);
    for wanted in [
        "service.name=it",
        "service.version=1.0.0",
        "deployment.environment.name=production",
        "deployment.environment=production",
    ] {
        assert!(said.split(' ').any(|one| one == wanted), "{wanted} in {said}");
    }
}

#[test]
fn without_metrics_nothing_is_measured() {
    let session = Session::start(OtlpProtocol::Http);
    count(1);
    drop(SpanBuilder::new("process_event").start());
    let receiver = session.end();
    assert_eq!((receiver.spans().len(), receiver.metrics().len()), (1, 0));
}

#[test]
fn what_was_measured_while_nothing_ran_is_not_kept_and_the_next_start_counts_anew() {
    for _ in 0..2 {
        {
            let _turn = turn();
            count(100);
        }
        let session = session(OtlpProtocol::Http);
        count(1);
        assert_eq!(values(&session.end(), "it.counter"), ["1"]);
    }
}

#[test]
fn threads_record_the_same_instrument() {
    let session = session(OtlpProtocol::Http);
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| (0..1000).for_each(|_| count(1)));
        }
    });
    assert_eq!(values(&session.end(), "it.counter"), ["4000"]);
}

#[test]
fn a_receiver_that_refuses_metrics_is_an_error_at_the_end() {
    let session = session(OtlpProtocol::Http);
    session.receiver.answer(Answer::Status(400));
    count(1);
    let ended = block_on(session.providers.shutdown());
    assert!(
        matches!(ended, Err(TelemetryError::Undelivered { lost: 1.., queued: 0 })),
        "{ended:?}"
    );
}

#[test]
fn an_endpoint_of_metrics_that_cannot_work_leaves_spans_alone() {
    let session = Session::with(OtlpProtocol::Http, |config| {
        let mut config = config.with_metrics_enabled(true);
        config.metrics.otlp_endpoint = "ftp://nowhere".to_owned();
        config
    });
    count(1);
    drop(SpanBuilder::new("process_event").start());
    assert_eq!(session.end().spans().len(), 1);

    let _turn = turn();
    let alone =
        TelemetryConfig::default().with_otlp_endpoint("ftp://nowhere").with_tracing_enabled(false);
    let error = init_telemetry(alone).expect_err("there is nothing that works");
    assert!(matches!(error, TelemetryError::Start(_)), "{error:?}");
}

/// What it says on standard error is for the test that runs it.
#[test]
#[ignore = "run by names_that_clash_and_services_that_differ_are_told_once"]
fn two_services_and_two_kinds_of_one_name() {
    let _turn = turn();
    let receiver = Receiver::start();
    for _ in 0..2 {
        let mut config = to(&receiver, OtlpProtocol::Http).with_metrics_enabled(true);
        config.metrics.service_name = "another".to_owned();
        let providers = init_telemetry(config).expect("telemetry starts");
        let recorder = MetricsRecorder::new();
        for _ in 0..3 {
            recorder.record_counter("processor", "it.clash", 1, vec![]);
            recorder.record_gauge("processor", "it.clash", 7, vec![]);
            recorder.record_counter("processor", "no name", 1, vec![]);
            recorder.record_histogram("processor", "it.histogram", f64::NAN, vec![]);
        }
        block_on(providers.shutdown()).expect("delivered");
    }
    let mut seen: Vec<_> = points(&receiver).iter().map(ToString::to_string).collect();
    seen.sort();
    let expected = ["cumulative sum it.clash in : 3", "gauge it.clash in : 7"];
    assert_eq!(seen, [expected[0], expected[0], expected[1], expected[1]]);
    let resource = receiver.metrics().remove(0).resource.expect("it says who");
    assert!(crate::points::attributes(&resource.attributes).contains("service.name=it"));
}

#[test]
fn names_that_clash_and_services_that_differ_are_told_once() {
    let tests = env::current_exe().expect("the test program has a path");
    let output = process::Command::new(tests)
        .args(["--ignored", "two_services_and_two_kinds_of_one_name"])
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    for line in [
        "those of `tracing` count for both",
        "there are several metrics named `it.clash`",
        "`no name` is no name for an instrument",
        "a measurement of `it.histogram` is left out",
    ] {
        assert_eq!(said.matches(line).count(), 1, "{line}: {said}");
    }
}
