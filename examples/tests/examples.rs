//! Each example runs to its end, with and without a receiver, and its trace is the one its page
//! promises.

use oxitel::testing::Receiver;
use std::process::{Command, Output};

fn run(program: &str, endpoint: Option<&str>) -> Output {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
        command.env_remove(name);
    }
    if let Some(endpoint) = endpoint {
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    }
    let output = command.output().expect("the example runs");
    assert!(output.status.success(), "{output:?}");
    output
}

/// The traces that a receiver got of the program.
fn tree(program: &str) -> String {
    let receiver = Receiver::start();
    let output = run(program, Some(&receiver.endpoint()));
    let text = String::from_utf8_lossy(&output.stdout);
    let id = text.lines().find_map(|line| line.strip_prefix("trace ")).expect("a trace's id");
    assert!(receiver.spans().iter().all(|record| record.trace_id() == id), "one trace: {id}");
    assert_eq!(run(program, None).stderr, b"", "silent without a receiver");
    receiver.tree()
}

/// Numbers of five digits are ports.
fn without_ports(tree: &str) -> String {
    let is_digit = |letter: char| letter.is_ascii_digit();
    let mut words = Vec::new();
    for line in tree.lines() {
        let mut line = line.to_owned();
        while let Some(start) = line.find("127.0.0.1:").map(|at| at + "127.0.0.1:".len()) {
            let end = line[start..].find(|it| !is_digit(it)).map_or(line.len(), |at| start + at);
            line.replace_range(start - "127.0.0.1:".len()..end, "HERE");
        }
        if let Some(start) = line.find("server.port=").map(|at| at + "server.port=".len()) {
            let end = line[start..].find(' ').map_or(line.len(), |at| start + at);
            line.replace_range(start..end, "PORT");
        }
        words.push(line);
    }
    words.join("\n")
}

#[test]
fn hello_with_tracing() {
    insta::assert_snapshot!(tree(env!("CARGO_BIN_EXE_hello-tracing")), @"");
}

#[test]
fn hello_with_the_opentelemetry_api() {
    insta::assert_snapshot!(tree(env!("CARGO_BIN_EXE_hello-opentelemetry")), @"");
}

#[test]
fn two_services() {
    insta::assert_snapshot!(without_ports(&tree(env!("CARGO_BIN_EXE_two-services"))), @"");
}

#[test]
fn grpc() {
    insta::assert_snapshot!(without_ports(&tree(env!("CARGO_BIN_EXE_grpc"))), @"");
}

#[test]
fn baggage() {
    insta::assert_snapshot!(tree(env!("CARGO_BIN_EXE_baggage")), @"");
}
