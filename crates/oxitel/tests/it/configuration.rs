//! What a process that is configured by its environment says and does.

use oxitel::testing::Receiver;
use std::process::Command;

/// What an example says on standard error, with these variables and no others of the standard.
fn said(receiver: &Receiver, variables: &[(&str, &str)]) -> Vec<String> {
    let tests = std::env::current_exe().expect("the test program has a path");
    let target = tests.ancestors().nth(2).expect("it lies in target/debug/deps");
    let mut example = Command::new(target.join("examples/leaves"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            example.env_remove(name);
        }
    }
    example.arg("guard").env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint());
    let output = example.envs(variables.iter().copied()).output().expect("the example runs");
    assert!(output.status.success(), "{output:?}");
    let words = String::from_utf8(output.stderr).expect("UTF-8");
    words.lines().map(str::to_owned).collect()
}

/// Nothing of it makes the program fail, and each cause costs one line.
#[test]
fn what_cannot_be_followed_is_said_once_and_the_rest_works() {
    let receiver = Receiver::start();
    let lines = said(
        &receiver,
        &[
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer hunter2;x"),
            ("OTEL_BSP_SCHEDULE_DELAY", "soon"),
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_CONFIG_FILE", "/etc/otel.yaml"),
            ("OTEL_TRACES_SAMPLER", "1.0"),
        ],
    );
    insta::assert_snapshot!(lines.join("\n"), @r#"
    oxitel: OTEL_TRACES_SAMPLER="1.0" is a number, which belongs into OTEL_TRACES_SAMPLER_ARG; taken as the share of parentbased_traceidratio
    oxitel: OTEL_BSP_SCHEDULE_DELAY="soon" is no number of milliseconds; 5000 is used
    oxitel: OTEL_EXPORTER_OTLP_HEADERS is ignored as a whole: it has a semicolon, which has to be written %3B
    oxitel: OTEL_CONFIG_FILE="/etc/otel.yaml" has no effect: configuration files are not read; variables and arguments count
    "#);
    assert_eq!(receiver.spans().len(), 100, "all the same");
}

#[test]
fn the_log_level_is_for_our_own_lines() {
    let receiver = Receiver::start();
    let wrong = ("OTEL_BSP_SCHEDULE_DELAY", "soon");
    assert_eq!(said(&receiver, &[wrong, ("OTEL_LOG_LEVEL", "warn")]).len(), 1);
    assert_eq!(said(&receiver, &[wrong, ("OTEL_LOG_LEVEL", "ERROR")]).len(), 0);
    assert_eq!(said(&receiver, &[wrong, ("OTEL_LOG_LEVEL", "off")]).len(), 0);
    let lost = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    assert_eq!(said(&receiver, &[lost, ("OTEL_LOG_LEVEL", "error")]).len(), 1, "data is lost");
    assert_eq!(said(&receiver, &[lost, ("OTEL_LOG_LEVEL", "off")]).len(), 0);
}
