//! Compressed requests, and answers that are compressed.

use crate::frames::{Act, FrameServer, data, headers};
use crate::grpc::{flushed, over_grpc, record};
use crate::session::{Session, blunt_server};
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use oxitel::testing::{Answer, Request};
use oxitel::{Compression, Protocol, Scope};
use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

static SCOPE: Scope = Scope::new("compression");

/// So many spans, as alike as spans are.
fn record_many(count: u32) {
    for number in 0..count {
        let mut span = SCOPE.span("GET /orders/{id}");
        span.set_attribute("http.request.method", "GET");
        span.set_attribute("order", i64::from(number));
    }
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.get(name).and_then(|value| value.to_str().ok())
}

/// All that this build has, with the word of HTTP and of gRPC for each.
fn all() -> Vec<(Compression, &'static str)> {
    let mut all = vec![(Compression::Gzip, "gzip")];
    if cfg!(feature = "zstd") {
        all.push((Compression::Zstd, "zstd"));
    }
    all
}

#[test]
fn a_compressed_request_is_smaller_and_says_the_same() {
    for (compression, word) in all() {
        for (protocol, name) in
            [(Protocol::HttpProtobuf, "content-encoding"), (Protocol::Grpc, "grpc-encoding")]
        {
            let plain = Session::with(|config| config.protocol(protocol));
            record_many(2_000);
            assert_eq!(flushed(), (0, 0));
            let long: usize = plain.receiver.requests().iter().map(|r| r.body.len()).sum();
            assert_eq!(header(&plain.receiver.requests()[0], name), None);
            drop(plain);
            let session =
                Session::with(|config| config.protocol(protocol).compression(compression));
            record_many(2_000);
            assert_eq!(flushed(), (0, 0), "{protocol} {word}");
            let requests = session.receiver.requests();
            let short: usize = requests.iter().map(|request| request.body.len()).sum();
            assert!(short * 2 < long, "{protocol} {word}: {short} of {long}");
            assert!(requests.iter().all(|request| header(request, name) == Some(word)));
            assert_eq!(session.receiver.spans().len(), 2_000);
            session.verify();
        }
    }
}

#[test]
fn a_small_request_goes_as_it_is() {
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let session =
            Session::with(|config| config.protocol(protocol).compression(Compression::Gzip));
        session.receiver.script([Answer::Status(503)]);
        record(1);
        assert_eq!(flushed(), (0, 0), "{protocol}");
        for request in session.receiver.requests() {
            assert!(request.body.len() < 1_024, "{}", request.body.len());
            let coding = ["content-encoding", "grpc-encoding"].map(|name| header(&request, name));
            assert_eq!(coding, [None, None], "{protocol}");
        }
    }
}

#[test]
fn a_compressed_request_is_the_same_in_each_attempt() {
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let session =
            Session::with(|config| config.protocol(protocol).compression(Compression::Gzip));
        session.receiver.script([Answer::Status(503), Answer::Reset]);
        record_many(200);
        assert_eq!(flushed(), (0, 0), "{protocol}");
        let requests = session.receiver.requests();
        assert_eq!(requests.len(), 3);
        let id = header(&requests[0], "oxitel-batch-id").expect("a name");
        for request in &requests {
            assert_eq!(request.body, requests[0].body, "{protocol}");
            assert_eq!(header(request, "oxitel-batch-id"), Some(id), "{protocol}");
        }
        session.verify();
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// A partial success: one record was rejected.
const ONE_REJECTED: &[u8] = b"\x0a\x02\x08\x01";

fn http_answer(coding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-encoding: {coding}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[test]
fn a_compressed_answer_over_http_is_read_within_its_bound() {
    let bomb = gzip(&vec![0; 5 << 20]);
    for (answer, lost, rejected) in [
        (http_answer("gzip", &gzip(ONE_REJECTED)), 1, 1),
        // Delivered, by its status; what else it says cannot be read.
        (http_answer("br", ONE_REJECTED), 0, 0),
        (http_answer("gzip", b"no gzip"), 0, 0),
        (http_answer("gzip", &bomb), 3, 3),
    ] {
        let (url, requests) = blunt_server(Duration::ZERO, answer);
        let session = Session::with(|config| config.endpoint(url).compression(Compression::Gzip));
        record(3);
        assert_eq!(flushed(), (lost, 0));
        assert_eq!(session.ledger().rejected, rejected);
        assert_eq!(requests.load(Ordering::SeqCst), 1, "no second attempt");
        assert!(session.ledger().is_balanced());
    }
}

fn grpc_answer(id: u32, message: &[u8]) -> Vec<u8> {
    let fields = [(":status", "200"), ("grpc-encoding", "gzip")];
    let length = u32::try_from(message.len()).expect("short").to_be_bytes();
    let body = [&[1][..], &length, message].concat();
    let data: Vec<_> = body.chunks(16_000).flat_map(|chunk| data(id, chunk, false)).collect();
    [headers(id, &fields, false), data, headers(id, &[("grpc-status", "0")], true)].concat()
}

#[test]
fn a_compressed_answer_over_grpc_is_read_within_its_bound() {
    let acts = [
        (Act::Say(|id| grpc_answer(id, &gzip(ONE_REJECTED))), 1),
        (Act::Say(|id| grpc_answer(id, b"no gzip")), 3),
        (Act::Say(|id| grpc_answer(id, &gzip(&vec![0; 5 << 20]))), 3),
    ];
    for (act, rejected) in acts {
        let server = FrameServer::start(&[], [act]);
        let session = Session::with(|config| {
            over_grpc(config).endpoint(&server.url).compression(Compression::Gzip)
        });
        record(3);
        assert_eq!(flushed(), (rejected, 0));
        assert_eq!(session.ledger().rejected, rejected);
        assert_eq!(server.seen().bodies.len(), 1, "no second attempt");
        assert!(session.ledger().is_balanced());
    }
}

#[test]
fn compressed_answers_are_asked_for_where_requests_are_compressed() {
    for (protocol, name) in
        [(Protocol::HttpProtobuf, "accept-encoding"), (Protocol::Grpc, "grpc-accept-encoding")]
    {
        for (compression, asked) in [(Compression::None, None), (Compression::Gzip, Some("gzip"))] {
            let session =
                Session::with(|config| config.protocol(protocol).compression(compression));
            record(1);
            assert_eq!(flushed(), (0, 0));
            assert_eq!(header(&session.receiver.requests()[0], name), asked, "{protocol}");
        }
    }
}
