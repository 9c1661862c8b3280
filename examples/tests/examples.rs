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
    receiver.tree() + &receiver.log_lines()
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
    insta::assert_snapshot!(tree(env!("CARGO_BIN_EXE_hello-tracing")), @r#"
    hello-tracing: order (server) user.id=7
      hello-tracing: price (internal) items=19+23 total=42
      hello-tracing: price (internal) [error: invalid digit found in string] items=19+free
    INFO hello_tracing: added up total=42 (in price)
    ERROR hello_tracing: invalid digit found in string exception.message="invalid digit found in string" (in price)
    "#);
}

#[test]
fn hello_with_the_opentelemetry_api() {
    insta::assert_snapshot!(tree(env!("CARGO_BIN_EXE_hello-opentelemetry")), @r"
    hello-opentelemetry: order (server) [ok] user.id=7
      hello-opentelemetry: price (internal) price.total=42
        · added up items=2
    ");
}

#[test]
fn two_services() {
    insta::assert_snapshot!(without_ports(&tree(env!("CARGO_BIN_EXE_two-services"))), @r#"
    shop: order (internal)
      shop: GET (client) http.request.method=GET server.address=127.0.0.1 server.port=PORT url.full=http://HERE/items/film http.response.status_code=200
        stock: GET /items/{name} (server) http.request.method=GET http.route="/items/{name}" url.scheme=http url.path=/items/film server.address=127.0.0.1 server.port=PORT network.protocol.version="1.1" http.response.status_code=200
          stock: count (internal) item=film
    INFO two_services: counted (in count)
    "#);
}

#[test]
fn grpc() {
    insta::assert_snapshot!(without_ports(&tree(env!("CARGO_BIN_EXE_grpc"))), @r"
    grpc: visit (internal)
      grpc: hello.Greeter/Greet (client) rpc.system.name=grpc rpc.method=hello.Greeter/Greet server.address=greeter rpc.status_code=OK
        grpc: hello.Greeter/Greet (server) rpc.system.name=grpc rpc.method=hello.Greeter/Greet server.address=127.0.0.1 server.port=PORT rpc.status_code=OK
          grpc: compose (internal) letters=5
      grpc: hello.Greeter/Greet (client) [error: whom?] rpc.system.name=grpc rpc.method=hello.Greeter/Greet server.address=greeter rpc.status_code=INVALID_ARGUMENT error.type=INVALID_ARGUMENT
        grpc: hello.Greeter/Greet (server) rpc.system.name=grpc rpc.method=hello.Greeter/Greet server.address=127.0.0.1 server.port=PORT rpc.status_code=INVALID_ARGUMENT
          grpc: compose (internal) letters=0
    ");
}

#[test]
fn baggage() {
    insta::assert_snapshot!(tree(env!("CARGO_BIN_EXE_baggage")), @r"
    baggage: edge (client)
      baggage: middle (server)
        baggage: last (server) customer.tier=gold
    ");
}

#[test]
fn signals() {
    insta::assert_snapshot!(without_ports(&tree(env!("CARGO_BIN_EXE_signals"))), @r#"
    signals: visit (internal)
      signals: POST (client) http.request.method=POST server.address=127.0.0.1 server.port=PORT url.full="http://HERE/orders/film?items=2" http.response.status_code=200
        signals: POST /orders/{kind} (server) http.request.method=POST http.route="/orders/{kind}" url.scheme=http url.path=/orders/film url.query="items=2" server.address=127.0.0.1 server.port=PORT network.protocol.version="1.1" http.response.status_code=200
          signals: pack (internal) kind=film items=2
    INFO signals::shop: packed items=2 (in pack)
    "#);
}
