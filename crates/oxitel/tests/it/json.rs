//! OTLP in JSON over HTTP: the same telemetry, read by another reader.

use crate::grpc::flushed;
use crate::session::{PATIENCE, Session, blunt_server};
use oxitel::testing::Answer;
use oxitel::{Compression, Config, Kind, Protocol, Scope};
use std::sync::atomic::Ordering;
use std::time::Duration;

static SCOPE: Scope = Scope::new("json");

fn in_json(config: Config) -> Config {
    config.protocol(Protocol::HttpJson)
}

fn record_order() {
    let mut order = SCOPE.build("order").kind(Kind::Server).enter();
    order.set_attribute("text", "a \"quoted\" größe\n");
    order.set_attribute("number", i64::MAX);
    order.set_attribute("ratio", 0.5);
    order.set_attribute("open", true);
    drop(SCOPE.span("price"));
}

#[test]
fn the_same_traces_arrive_in_json() {
    let trees = [Protocol::HttpProtobuf, Protocol::HttpJson].map(|protocol| {
        let session = Session::with(|config| config.protocol(protocol));
        record_order();
        let tree = session.tree();
        let request = session.receiver.requests().remove(0);
        let kind = request.headers["content-type"].to_str().expect("text").to_owned();
        (tree, kind, request.path)
    });
    let [protobuf, json] = trees;
    assert_eq!(json.0, protobuf.0);
    assert_eq!((json.1.as_str(), json.2.as_str()), ("application/json", "/v1/traces"));
}

#[test]
fn json_is_compressed_too() {
    let session = Session::with(|config| in_json(config).compression(Compression::Gzip));
    for _ in 0..100 {
        record_order();
    }
    assert_eq!(flushed(), (0, 0));
    assert_eq!(session.receiver.spans().len(), 200);
    let requests = session.receiver.requests();
    assert!(requests.iter().all(|request| request.headers["content-encoding"] == "gzip"));
    session.verify();
}

#[test]
fn answers_in_json_are_followed() {
    let session = Session::with(in_json);
    let partial = Answer::PartialSuccess { rejected: 3, message: "no room".into() };
    session.receiver.script([Answer::Status(503), partial, Answer::Status(400)]);
    let record = || (0..10).for_each(|_| drop(SCOPE.span("record")));
    record();
    assert_eq!(flushed(), (3, 0), "tried again, then in part");
    record();
    assert_eq!(flushed(), (10, 0), "refused");
    assert_eq!(session.ledger().rejected, 13);
    session.verify();
    let attempts = session.receiver.requests();
    assert_eq!(attempts[0].body, attempts[1].body, "the same bytes");
}

#[test]
fn an_answer_that_is_no_json_counts_nothing() {
    let words =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n{{\"a,";
    let (url, requests) = blunt_server(Duration::ZERO, words);
    let session = Session::with(|config| in_json(config).endpoint(url));
    drop(SCOPE.span("record"));
    oxitel::flush(PATIENCE).expect("its status says that it was taken");
    assert_eq!(requests.load(Ordering::SeqCst), 1);
    assert!(session.ledger().is_balanced());
}
