//! Against a collector that runs already. Ignored, but for the test that plays the collector.

use crate::points::values;
use crate::session::{PATIENCE, block_on, turn};
use oxitel::testing::Receiver;
use processor::telemetry::{
    MetricsRecorder, SpanBuilder, TelemetryConfig, context_with_span, init_telemetry, metric_names,
};
use std::env;
use std::process::Command;

/// Where the collector is.
fn endpoint() -> String {
    let set = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
    set("OTLP_ENDPOINT")
        .or_else(|| set("OTEL_EXPORTER_OTLP_ENDPOINT"))
        .unwrap_or_else(|| "http://localhost:4317".to_owned())
}

/// Needs a collector at `OTLP_ENDPOINT`.
#[test]
#[ignore = "run by the_ignored_half_sends_where_otlp_endpoint_says"]
fn a_collector_takes_a_trace_and_metrics() {
    let _turn = turn();
    let config = TelemetryConfig::new("telemetry-integration-tests")
        .with_otlp_endpoint(endpoint())
        .with_environment("test");
    let providers = init_telemetry(config).expect("telemetry starts");
    let parent = context_with_span(SpanBuilder::new("integration").start());
    for number in 0..10 {
        let builder = SpanBuilder::new("process_event").with_attribute("event.id", number);
        drop(builder.start_with_context(&parent));
    }
    drop(parent);
    let recorder = MetricsRecorder::new().with_attribute("service", "integration");
    recorder.record_counter("processor", metric_names::EVENTS_PROCESSED, 10, vec![]);
    block_on(providers.flush(PATIENCE)).expect("the collector takes everything");
    block_on(providers.shutdown()).expect("nothing is left");
}

#[test]
fn the_ignored_half_sends_where_otlp_endpoint_says() {
    let run = |variables: &[(&str, &str)]| {
        let tests = env::current_exe().expect("the test program has a path");
        let output = Command::new(tests)
            .args(["--ignored", "a_collector_takes_a_trace_and_metrics"])
            .env_remove("OTLP_ENDPOINT")
            .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT")
            .env_remove("OTEL_EXPORTER_OTLP_PROTOCOL")
            .envs(variables.iter().copied())
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{output:?}");
    };
    let (own, general) = (Receiver::start(), Receiver::start());
    let general_one = general.endpoint();
    let general_one = ("OTEL_EXPORTER_OTLP_ENDPOINT", general_one.as_str());
    let own_one = own.endpoint();
    let own_one = ("OTLP_ENDPOINT", own_one.as_str());
    run(&[own_one]);
    assert!(own.requests()[0].grpc, "as without any other word");
    run(&[own_one, general_one]);
    assert_eq!((own.spans().len(), general.spans().len()), (22, 0));
    run(&[general_one]);
    assert_eq!((own.spans().len(), general.spans().len()), (22, 11));
    let counted = |receiver| values(receiver, metric_names::EVENTS_PROCESSED);
    assert!([&own, &general].into_iter().flat_map(counted).all(|value| value == "10"));
    assert!(!counted(&own).is_empty() && !counted(&general).is_empty());
}
