//! The receiver over HTTP/1.1, seen from a bare socket.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::testing::rpc_status::Status;
use crate::testing::{Answer, Receiver};

/// A response in its three parts.
struct Heard {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Heard {
    fn message(&self) -> String {
        Status::decode(&*self.body).expect("the body of a refusal is a status").message
    }
}

fn send(receiver: &Receiver, head: &str, body: &[u8]) -> TcpStream {
    send_to(receiver.addresses()[0], head, body)
}

fn send_to(address: SocketAddr, head: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("the receiver listens");
    let length = body.len();
    let head =
        format!("{head}\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).expect("the receiver reads");
    stream
}

fn exchange(receiver: &Receiver, head: &str, body: &[u8]) -> Heard {
    let mut bytes = Vec::new();
    send(receiver, head, body).read_to_end(&mut bytes).expect("the receiver answers");
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head ends");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    Heard { status, head, body: bytes[end + 4..].to_vec() }
}

const POST_TRACES: &str = "POST /v1/traces HTTP/1.1\r\nContent-Type: application/x-protobuf";

fn post(receiver: &Receiver, spans: Vec<Span>) -> Heard {
    exchange(receiver, POST_TRACES, &export(spans))
}

#[test]
fn accepted_spans_are_kept_and_the_response_is_empty() {
    let receiver = Receiver::start();
    let heard = post(&receiver, vec![span("order", 1, 0), span("price", 2, 1)]);
    assert_eq!((heard.status, heard.body), (200, Vec::new()));
    assert!(heard.head.contains("content-type: application/x-protobuf"), "{}", heard.head);
    insta::assert_snapshot!(receiver.tree(), @r"
    front: order (internal)
      front: price (internal)
    ");
    let requests = receiver.wait_for_requests(1, Duration::from_secs(5));
    assert_eq!(requests[0].path, "/v1/traces");
    assert_eq!(requests[0].headers["host"], "x");
    assert_eq!(requests[0].body, export(vec![span("order", 1, 0), span("price", 2, 1)]));
    assert!(!requests[0].grpc);
}

#[test]
fn a_script_is_played_once_and_then_the_standing_answer_returns() {
    let receiver = Receiver::start();
    receiver.answer(Answer::Status(400));
    receiver.script([
        Answer::Status(503),
        Answer::Throttle { status: 429, retry_after: "7".to_owned() },
        Answer::Accept,
    ]);
    let heard: Vec<_> = (1..=4).map(|id| post(&receiver, vec![span("order", id, 0)])).collect();
    assert_eq!(heard.iter().map(|heard| heard.status).collect::<Vec<_>>(), [503, 429, 200, 400]);
    assert!(heard[1].head.contains("retry-after: 7"), "{}", heard[1].head);
    assert_eq!(heard[0].message(), "the receiver was told to answer 503");
    let accepted: Vec<_> = receiver.spans().iter().map(SpanRecord::span_id).collect();
    assert_eq!(accepted, ["0303030303030303"]);
    let answers: Vec<_> = receiver.requests().into_iter().map(|request| request.answer).collect();
    assert_eq!(answers[0], Answer::Status(503));
    assert_eq!(answers[3], Answer::Status(400));
}

#[test]
fn what_is_not_understood_is_refused_with_a_reason_and_leaves_the_script() {
    let receiver = Receiver::start();
    receiver.script([Answer::Status(503)]);
    let cases = [
        "POST /v1/spans HTTP/1.1\r\nContent-Type: application/x-protobuf",
        "GET /v1/traces HTTP/1.1",
        "POST /v1/traces HTTP/1.1\r\nContent-Type: text/plain",
        "POST /v1/traces HTTP/1.1\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: br",
        "POST /v1/traces HTTP/1.1\r\nContent-Type: application/grpc",
    ];
    let heard = cases.map(|head| exchange(&receiver, head, b""));
    let said = heard.map(|heard| format!("{} {}\n", heard.status, reason(&heard)));
    insta::assert_snapshot!(said.concat(), @r#"
    404 nothing is received at "/v1/spans": send to /v1/traces, /v1/logs or /v1/metrics
    405 GET is not understood at "/v1/traces": use POST
    415 content type "text/plain" is not read here: send application/x-protobuf or application/json
    415 content encoding "br" is not read here: use gzip or none
    200 POST over HTTP/1.1 is not gRPC: POST over HTTP/2
    "#);
    assert_eq!(post(&receiver, Vec::new()).status, 503, "the script's answer is still there");
}

/// The status's text; over gRPC it stands in a header.
fn reason(heard: &Heard) -> String {
    let header = heard.head.lines().find_map(|line| line.strip_prefix("grpc-message: "));
    header.map_or_else(|| heard.message(), str::to_owned)
}

#[test]
fn a_compressed_body_is_read_up_to_the_bound() {
    let receiver = Receiver::start();
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    };
    let packed = format!("{POST_TRACES}\r\nContent-Encoding: gzip");
    let whole = gzip(&export(vec![span("order", 1, 0)]));
    assert_eq!(exchange(&receiver, &packed, &whole).status, 200);
    assert_eq!(receiver.tree(), "front: order (internal)\n");
    let bomb = gzip(&vec![0; 1 << 20]).repeat(65);
    assert!(bomb.len() < 1 << 17, "{}", bomb.len());
    let heard = exchange(&receiver, &packed, &bomb);
    assert_eq!(
        (heard.status, heard.message().as_str()),
        (413, "the body is larger than 67108864 bytes when decompressed")
    );
    assert_eq!(exchange(&receiver, &packed, &whole[..whole.len() - 9]).status, 400);
}

#[test]
fn a_body_that_does_not_decode_is_answered_400_and_nothing_is_kept() {
    let receiver = Receiver::start();
    let mut torn = export(vec![span("order", 1, 0)]);
    torn.pop();
    let heard = exchange(&receiver, POST_TRACES, &torn);
    assert_eq!(heard.status, 400);
    assert!(heard.message().starts_with("the body is no ExportTraceServiceRequest: "));
    assert_eq!(receiver.requests()[0].answer, Answer::Status(400));
    assert!(receiver.spans().is_empty());
}

#[test]
fn a_body_over_the_limit_is_answered_413() {
    let receiver = Receiver::start();
    let heard = exchange(&receiver, POST_TRACES, &vec![0; (64 << 20) + 1]);
    assert_eq!(heard.status, 413);
    assert_eq!(heard.message(), "the body is larger than 67108864 bytes");
}

#[test]
fn the_judge_looks_at_what_the_receiver_accepted() {
    use crate::{Stats, testing::judge};

    let receiver = Receiver::start();
    receiver.script([Answer::Status(400)]);
    post(&receiver, vec![span("refused", 1, 0)]);
    post(&receiver, vec![span("order", 2, 0)]);
    let ledger = Stats { recorded: 2, delivered: 1, rejected: 1, ..Stats::default() };
    judge(&receiver, &[ledger]).expect_clean();
    assert!(!judge(&receiver, &[]).is_clean());
}

#[test]
fn logs_and_metrics_are_taken_in_and_torn_ones_refused() {
    let receiver = Receiver::start();
    for path in ["/v1/logs", "/v1/metrics"] {
        let head = format!("POST {path} HTTP/1.1\r\nContent-Type: application/x-protobuf");
        assert_eq!(exchange(&receiver, &head, b"").status, 200, "{path}");
        assert_eq!(exchange(&receiver, &head, b"\x0a\x05").status, 400, "{path}");
    }
}

#[test]
fn partial_success_takes_in_the_first_spans_and_says_how_many_it_refused() {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;

    let receiver = Receiver::start();
    let message = "too many".to_owned();
    receiver.script(
        [2, -1, 9].map(|rejected| Answer::PartialSuccess { rejected, message: message.clone() }),
    );
    let three = || vec![span("a", 1, 0), span("b", 2, 0), span("c", 3, 0)];
    let heard = post(&receiver, three());
    let response = ExportTraceServiceResponse::decode(&*heard.body).expect("a response");
    let partial = response.partial_success.expect("a partial success");
    assert_eq!((heard.status, partial.rejected_spans), (200, 2));
    assert_eq!(partial.error_message, "too many");
    assert_eq!(receiver.spans().len(), 1);
    post(&receiver, three());
    assert_eq!(receiver.spans().len(), 4, "a negative number refuses nothing");
    post(&receiver, three());
    assert_eq!(receiver.spans().len(), 4, "more than were sent refuses all");
}

#[test]
fn a_hanging_receiver_reads_the_request_and_says_nothing() {
    let receiver = Receiver::start();
    receiver.script([Answer::Hang]);
    let mut stream = send(&receiver, POST_TRACES, &export(vec![span("order", 1, 0)]));
    receiver.wait_for_requests(1, Duration::from_secs(5));
    stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a read can time out");
    let error = stream.read(&mut [0]).expect_err("nothing is said");
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    assert!(receiver.spans().is_empty());
}

#[test]
fn a_reset_reaches_the_client_as_one() {
    let receiver = Receiver::start();
    receiver.script([Answer::Reset]);
    let mut stream = send(&receiver, POST_TRACES, &export(vec![span("order", 1, 0)]));
    let error = stream.read_to_end(&mut Vec::new()).expect_err("no clean end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(receiver.spans().is_empty());
    assert_eq!(post(&receiver, Vec::new()).status, 200, "the next connection is served");
}

#[test]
fn a_slow_receiver_takes_its_time() {
    let receiver = Receiver::start();
    receiver.script([Answer::Slow { bytes_per_second: 500 }]);
    let start = Instant::now();
    let heard = post(&receiver, vec![span("order", 1, 0)]);
    assert_eq!(heard.status, 200);
    let least = Duration::from_secs_f64(heard.head.len() as f64 / 500.0 / 2.0);
    assert!(start.elapsed() > least, "{:?} for {} bytes", start.elapsed(), heard.head.len());
    assert_eq!(receiver.spans().len(), 1);
}

#[test]
fn a_page_is_served_beside_otlp_and_spans_can_be_handed_over() {
    let receiver = Receiver::start();
    let (sender, taken) = std::sync::mpsc::channel();
    receiver.hand_over(move |request, spans| {
        sender.send((request.path, spans.len())).expect("the test listens");
    });
    receiver.page("/hello", "text/plain", || "good day".to_owned());
    assert_eq!(post(&receiver, vec![span("order", 1, 0)]).status, 200);
    assert_eq!(taken.recv(), Ok(("/v1/traces".to_owned(), 1)));
    assert!(receiver.requests().is_empty(), "what is handed over is not kept");
    let heard = exchange(&receiver, "GET /hello HTTP/1.1", b"");
    assert_eq!((heard.status, heard.body), (200, b"good day".to_vec()));
}

#[test]
fn one_receiver_listens_on_several_addresses_until_it_is_dropped() {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let receiver = Receiver::listen(&[any, any]).expect("free ports");
    let addresses = receiver.addresses().to_vec();
    assert_eq!(receiver.endpoint(), format!("http://{}", addresses[0]));
    for (&address, id) in addresses.iter().zip(1..) {
        let mut answer = Vec::new();
        let body = export(vec![span("order", id, 0)]);
        send_to(address, POST_TRACES, &body).read_to_end(&mut answer).expect("an answer");
        assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
    }
    assert_eq!(receiver.spans().len(), 2);
    drop(receiver);
    let error = TcpStream::connect(addresses[0]).expect_err("the port is closed");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[test]
#[should_panic(
    expected = "2 spans expected within 10ms, 1 came\nspans:\nfront: order (internal)\nrequests:\n  /v1/traces"
)]
fn waiting_in_vain_tells_what_came_instead() {
    let receiver = Receiver::start();
    post(&receiver, vec![span("order", 1, 0)]);
    receiver.wait_for_spans(2, Duration::from_millis(10));
}
