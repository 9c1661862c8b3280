//! A secret is put into everything that records take, and must come out nowhere.

use crate::session::run_example;
use oxitel::testing::{Receiver, SpanRecord};
use std::collections::HashSet;
use std::process::Output;

const SECRET: &str = "Zq7canary9Xv";

/// What arrived, and what the program printed.
fn sing(arguments: &[&str]) -> (Receiver, Output) {
    let receiver = Receiver::start();
    let (output, _) = run_example("canary", arguments, &receiver.endpoint());
    assert!(output.status.success(), "{output:?}");
    (receiver, output)
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

/// The row that made a span: its name, or its attribute.
fn row(record: &SpanRecord) -> &str {
    let told = record.span.attributes.iter().find(|pair| pair.key == "row");
    let told = told.and_then(|pair| pair.value.as_ref()?.value.as_ref());
    match told {
        Some(oxitel::testing::proto::common::v1::any_value::Value::StringValue(row)) => row,
        _ => &record.span.name,
    }
}

/// The rows whose spans hold the secret, as text or as the numbers of its bytes.
fn telling(receiver: &Receiver) -> Vec<String> {
    let spans = receiver.spans();
    let bytes = format!("{:?}", SECRET.as_bytes());
    let bytes = bytes.trim_matches(['[', ']']).to_owned();
    let tells = |record: &&SpanRecord| {
        let shown = format!("{:?}", record.span);
        shown.contains(SECRET) || shown.contains(&bytes)
    };
    spans.iter().filter(tells).map(|record| row(record).to_owned()).collect()
}

fn rows(output: &Output) -> usize {
    let text = String::from_utf8_lossy(&output.stdout);
    let count = text.lines().find_map(|line| line.strip_prefix("rows ")?.parse().ok());
    count.expect("the number of rows")
}

#[test]
fn a_secret_comes_out_nowhere() {
    let (receiver, output) = sing(&[SECRET]);
    let spans = receiver.spans();
    let different: HashSet<_> = spans.iter().map(row).collect();
    assert_eq!(different.len(), rows(&output), "each row made one span: {different:?}");
    assert!(telling(&receiver).is_empty(), "{:?}", telling(&receiver));
    for request in receiver.requests() {
        assert!(!holds(&request.body, SECRET), "in a body, and in none of its spans");
        let told = request.headers.iter().filter(|(_, value)| holds(value.as_bytes(), SECRET));
        let told: Vec<_> = told.map(|(name, _)| name.as_str()).collect();
        assert_eq!(told, ["x-tenant-token"], "the header that was asked for, and no other");
    }
    for printed in [&output.stdout, &output.stderr] {
        assert!(!holds(printed, SECRET), "{}", String::from_utf8_lossy(printed));
    }
}

/// Without redaction each row tells the secret: the test above looks in the right places.
#[test]
fn without_redaction_every_row_tells() {
    let (receiver, output) = sing(&[SECRET, "off"]);
    let told = telling(&receiver);
    assert_eq!(told.len(), rows(&output), "{told:?}");
    let resource = &receiver.spans()[0].resource;
    assert!(format!("{resource:?}").matches(SECRET).count() == 2, "{resource:?}");
}

#[test]
fn variables_with_secrets_are_not_shown() {
    let receiver = Receiver::start();
    let tests = std::env::current_exe().expect("the test program has a path");
    let program = tests.ancestors().nth(2).expect("target/debug").join("examples/chatty");
    let output = std::process::Command::new(program)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint())
        .env("OTEL_EXPORTER_OTLP_HEADERS", format!("authorization Bearer {SECRET}"))
        .env("OTEL_RESOURCE_ATTRIBUTES", format!("api_key={SECRET}"))
        .output()
        .expect("the example runs");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("OTEL_EXPORTER_OTLP_HEADERS"), "it warned: {said}");
    assert!(!said.contains(SECRET), "{said}");
    assert!(!receiver.spans().is_empty());
    assert!(receiver.requests().iter().all(|request| !holds(&request.body, SECRET)));
}

/// The same in log records; which they are, and that the search would find it.
#[test]
fn a_secret_is_in_no_log_record_either() {
    let (receiver, _) = sing(&[SECRET, "logs"]);
    let said = receiver.log_lines();
    assert_eq!(receiver.logs().len(), 4, "{said}");
    assert!(receiver.requests().iter().all(|request| !holds(&request.body, SECRET)), "{said}");
    let (receiver, _) = sing(&[SECRET, "logs", "off"]);
    let telling = receiver.logs().iter().filter(|log| format!("{log:?}").contains(SECRET)).count();
    assert_eq!(telling, 4, "{}", receiver.log_lines());
}
