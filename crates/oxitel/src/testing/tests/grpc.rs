//! The receiver over gRPC, seen from a bare HTTP/2 client.

use std::time::Duration;

use ::http::{HeaderMap, Request};
use bytes::{BufMut as _, Bytes};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use tokio::net::TcpStream;

use super::*;
use crate::testing::rpc_status::{RetryInfo, Status};
use crate::testing::{Answer, Receiver};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// What a client hears: the response's message and the headers that carry the status.
struct Heard {
    message: Bytes,
    status: HeaderMap,
}

impl Heard {
    fn code(&self) -> &str {
        self.status["grpc-status"].to_str().expect("a status is a number")
    }
}

fn frame(compressed: u8, message: &[u8]) -> Bytes {
    let mut frame = vec![compressed];
    frame.put_u32(message.len() as u32);
    frame.extend(message);
    Bytes::from(frame)
}

fn call(receiver: &Receiver, method: &str, body: Bytes) -> hyper::Result<Heard> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let stream = TcpStream::connect(receiver.addresses()[0]).await.expect("it listens");
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = Request::post(format!("{}{method}", receiver.endpoint()))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Full::new(body))
            .expect("a request");
        let (head, body) = sender.send_request(request).await?.into_parts();
        assert_eq!(
            (head.status.as_u16(), &head.headers["content-type"]),
            (200, &"application/grpc".parse().expect("a value"))
        );
        let body = body.collect().await?;
        let status = body.trailers().cloned().unwrap_or(head.headers);
        Ok(Heard { message: body.to_bytes(), status })
    })
}

fn send(receiver: &Receiver, spans: Vec<Span>) -> Heard {
    call(receiver, EXPORT, frame(0, &export(spans))).expect("an answer")
}

#[test]
fn accepted_spans_are_kept_and_the_status_stands_in_the_trailers() {
    let receiver = Receiver::start();
    let heard = send(&receiver, vec![span("order", 1, 0)]);
    assert_eq!((heard.code(), &*heard.message), ("0", &[0; 5][..]));
    assert_eq!(receiver.tree(), "front: order (internal)\n");
    assert!(receiver.requests()[0].grpc);
    assert_eq!(receiver.requests()[0].path, EXPORT);
}

#[test]
fn each_http_status_has_its_grpc_code() {
    let receiver = Receiver::start();
    let codes = [429, 503, 400, 500, 413, 504, 401, 418].map(|status| {
        receiver.script([Answer::Status(status)]);
        format!("{status}={} ", send(&receiver, Vec::new()).code())
    });
    insta::assert_snapshot!(codes.concat(), @"429=14 503=14 400=3 500=13 413=8 504=4 401=16 418=2 ");
    assert!(receiver.spans().is_empty());
}

#[test]
fn a_number_of_seconds_becomes_retry_info_and_a_date_does_not() {
    let receiver = Receiver::start();
    let throttle = |retry_after: &str| {
        let retry_after = retry_after.to_owned();
        receiver.script([Answer::Throttle { status: 503, retry_after }]);
        send(&receiver, Vec::new())
    };
    let heard = throttle("30");
    assert_eq!(heard.code(), "14");
    assert_eq!(heard.status["grpc-message"], "the receiver was told to answer 503");
    let details = heard.status["grpc-status-details-bin"].to_str().expect("base64");
    let status = Status::decode(&*from_base64(details)).expect("a status");
    assert_eq!(status.details[0].type_url, "type.googleapis.com/google.rpc.RetryInfo");
    let info = RetryInfo::decode(&*status.details[0].value).expect("retry info");
    assert_eq!(info.retry_delay.map(|delay| delay.seconds), Some(30));
    let heard = throttle("Fri, 20 Nov 2026 12:00:00 GMT");
    assert!(!heard.status.contains_key("grpc-status-details-bin"));
}

/// Written apart from the encoder under test: bit by bit.
fn from_base64(text: &str) -> Vec<u8> {
    let alphabet: String =
        ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
    let sixes = text.chars().map(|letter| alphabet.find(letter).expect("a base64 letter"));
    let bits: Vec<_> = sixes.flat_map(|six| (0..6).rev().map(move |bit| six >> bit & 1)).collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | *bit as u8)).collect()
}

#[test]
fn partial_success_stands_in_the_message() {
    let receiver = Receiver::start();
    receiver.script([Answer::PartialSuccess { rejected: 1, message: "no".to_owned() }]);
    let heard = send(&receiver, vec![span("a", 1, 0), span("b", 2, 0)]);
    assert_eq!(heard.code(), "0");
    let response = ExportTraceServiceResponse::decode(&heard.message[5..]).expect("a response");
    assert_eq!(response.partial_success.expect("a partial success").rejected_spans, 1);
    assert_eq!(receiver.tree(), "front: a (internal)\n");
}

#[test]
fn what_is_not_understood_is_refused_with_a_reason() {
    let receiver = Receiver::start();
    let cases = [
        ("/opentelemetry.proto.collector.trace.v1.TraceService/Import", frame(0, b"")),
        (EXPORT, frame(1, b"")),
        (EXPORT, frame(0, b"\x0a\x05")),
        (EXPORT, Bytes::new()),
    ];
    let said = cases.map(|(method, body)| {
        let heard = call(&receiver, method, body).expect("an answer");
        format!("{} {}\n", heard.code(), heard.status["grpc-message"].to_str().expect("text"))
    });
    insta::assert_snapshot!(said.concat(), @r#"
    12 no gRPC method "/opentelemetry.proto.collector.trace.v1.TraceService/Import" is served here
    3 the frame is compressed, and nothing says how
    3 the body is no ExportTraceServiceRequest: failed to decode Protobuf message: ExportTraceServiceRequest.resource_spans: buffer underflow
    3 a body of 0 bytes holds no gRPC frame
    "#);
}

#[test]
fn a_reset_breaks_the_connection() {
    let receiver = Receiver::start();
    receiver.script([Answer::Reset]);
    let call = call(&receiver, EXPORT, frame(0, &export(vec![span("order", 1, 0)])));
    let error = call.err().expect("no answer");
    assert!(error.to_string().contains("error"), "{error:?}");
    receiver.wait_for_requests(1, Duration::from_secs(5));
    assert!(receiver.spans().is_empty());
}
