//! The demo runs to its end, with a collector and without, and follows the environment.
//!
//! `cargo test` builds it; for this file alone `cargo build --example telemetry_demo` does.

#[path = "telemetry_integration_tests/points.rs"]
mod points;

use oxitel::testing::Receiver;
use points::{points, values};
use std::env;
use std::net::TcpListener;
use std::process::{Command, Output};

/// Runs it to its end with these variables and no other ones of the standard.
fn run(variables: &[(&str, &str)]) -> Output {
    let tests = env::current_exe().expect("the test program has a path");
    let target = tests.ancestors().nth(2).expect("it lies in target/debug/deps");
    let mut demo = Command::new(target.join("examples/telemetry_demo"));
    for (name, _) in env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
        demo.env_remove(name);
    }
    let output = demo
        .envs(variables.iter().copied())
        .output()
        .expect("`cargo build --example telemetry_demo` was done");
    assert!(output.status.success(), "{output:?}");
    output
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_demo_sends_one_trace_by_both_protocols() {
    for name in ["grpc", "http/protobuf"] {
        let receiver = Receiver::start();
        let endpoint = receiver.endpoint();
        let output = run(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", name),
        ]);
        assert!(printed(&output).contains("spans: recorded 9 · delivered 9"), "{output:?}");
        assert!(receiver.requests().iter().all(|request| request.grpc == (name == "grpc")));
        assert_counted(&receiver);
        insta::allow_duplicates! {
            insta::assert_snapshot!(receiver.tree(), @r#"
            telemetry-demo: emit_batch (internal)
              telemetry-demo: emit_event (producer) event.id=1
                telemetry-demo: process_event (consumer) event.id=1 event.type=metric event.source=demo tenant.id=acme
                  · Validation started
                  · Validation complete result=success
                  telemetry-demo: aggregate (internal) value=12.5
              telemetry-demo: emit_event (producer) event.id=2
                telemetry-demo: process_event (consumer) [error: "warm" is no number] event.id=2 event.type=metric event.source=demo tenant.id=acme
                  · Validation started
                  · exception exception.message="\"warm\" is no number" exception.type=telemetry_demo::NoNumber exception.stacktrace="\"warm\" is no number\ncaused by: invalid float literal"
              telemetry-demo: emit_event (producer) event.id=3
                telemetry-demo: process_event (consumer) event.id=3 event.type=metric event.source=demo tenant.id=acme
                  · Validation started
                  · Validation complete result=success
                  telemetry-demo: aggregate (internal) value=13.5
            "#);
        }
    }
}

/// Two events were processed, one was dropped; each took its time and had its lag.
fn assert_counted(receiver: &Receiver) {
    assert_eq!(values(receiver, "processor.events.processed"), ["2"]);
    assert_eq!(values(receiver, "processor.events.dropped"), ["1"]);
    let lines: Vec<_> = points(receiver).iter().map(ToString::to_string).collect();
    let took = "cumulative histogram processor.processing.duration in ms: 3 of ";
    assert!(lines.iter().any(|line| line.starts_with(took)), "{lines:#?}");
    let lag = "gauge processor.watermark.lag in ms: ";
    assert!(lines.iter().any(|line| line.starts_with(lag)), "{lines:#?}");
    assert!(lines.iter().all(|line| line.contains("service=telemetry-demo")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("drop.reason=invalid")), "{lines:#?}");
}

#[test]
fn without_a_collector_the_demo_runs_to_its_end_and_counts_what_was_lost() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it");
    let endpoint = format!("http://{port}");
    let output = run(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    let text = printed(&output);
    assert!(
        text.contains("spans: recorded 9 · delivered 0") && text.contains("dropped 9"),
        "{text}"
    );
}

#[test]
fn the_demo_follows_the_environment() {
    let receiver = Receiver::start();
    let endpoint = receiver.endpoint();
    let to = ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str());
    let named = ("OTEL_SERVICE_NAME", "my-processor");
    let ratio = ("OTEL_TRACES_SAMPLER", "traceidratio");
    let share = |share| ("OTEL_TRACES_SAMPLER_ARG", share);
    run(&[to, named, ratio, share("0.0")]);
    assert_eq!(receiver.tree(), "");
    run(&[to, named, ratio, share("1.0")]);
    assert!(receiver.tree().starts_with("my-processor: emit_batch"), "{}", receiver.tree());
    let before = receiver.spans().len();
    run(&[to, ("OTEL_SDK_DISABLED", "true")]);
    assert_eq!(receiver.spans().len(), before);
}
