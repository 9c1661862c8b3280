//! HTTP/2 at its worst: connections and streams that end at any point, and answers that are none.

use crate::frames::{Act, FrameServer, accept, data, go_away, headers, ping, reset};
use crate::grpc::{flushed, over_grpc, record};
use crate::session::{PATIENCE, Session, blunt_server};
use oxitel::Scope;
use oxitel::testing::{Answer, Receiver};
use std::sync::atomic::Ordering;
use std::time::Duration;

static SCOPE: Scope = Scope::new("faults");

const REFUSED_STREAM: u32 = 7;
const INTERNAL_ERROR: u32 = 2;

fn to(server: &FrameServer) -> Session {
    Session::with(|config| over_grpc(config).endpoint(&server.url))
}

/// Records one span and flushes; it was delivered, and the server saw so many requests.
#[track_caller]
fn delivers(server: &FrameServer, session: &Session, requests: usize) {
    record(1);
    assert_eq!(flushed(), (0, 0));
    assert_eq!(server.seen().bodies.len(), requests);
    assert!(session.ledger().is_balanced());
}

/// What the refusal was, when one was answered.
#[track_caller]
fn rejects(act: fn(u32) -> Vec<u8>) {
    let server = FrameServer::start(&[], [Act::Say(act)]);
    let session = to(&server);
    record(2);
    assert_eq!(flushed(), (2, 0));
    assert_eq!(session.ledger().rejected, 2);
    assert_eq!(server.seen().bodies.len(), 1, "one attempt");
    assert!(session.ledger().is_balanced());
}

/// The first attempt is answered so, the second one is taken; both carry the same bytes.
#[track_caller]
fn tries_again(act: Act) {
    let server = FrameServer::start(&[], [act]);
    let session = to(&server);
    delivers(&server, &session, 2);
    let seen = server.seen();
    assert!(!seen.bodies[0].is_empty() && seen.bodies[0] == seen.bodies[1], "the same bytes");
}

#[test]
fn one_connection_serves_all_batches() {
    let server = FrameServer::start(&[], []);
    let session = to(&server);
    for round in 1..=5 {
        delivers(&server, &session, round);
    }
    assert_eq!(server.seen().connections, 1);
}

#[test]
fn one_stream_at_a_time_is_enough() {
    const MAX_CONCURRENT_STREAMS: u16 = 3;
    let server = FrameServer::start(&[(MAX_CONCURRENT_STREAMS, 1)], []);
    let session = to(&server);
    for round in 1..=3 {
        delivers(&server, &session, round);
    }
    assert_eq!(server.seen().connections, 1);
}

#[test]
fn a_stream_that_is_reset_is_tried_again() {
    tries_again(Act::Say(|id| reset(id, REFUSED_STREAM)));
    tries_again(Act::Say(|id| reset(id, INTERNAL_ERROR)));
    // In the middle of an answer, before its status.
    tries_again(Act::Say(|id| {
        let head = headers(id, &[(":status", "200"), ("content-type", "application/grpc")], false);
        [head, data(id, &[0, 0], false), reset(id, INTERNAL_ERROR)].concat()
    }));
}

#[test]
fn a_connection_that_ends_under_a_request_is_tried_again() {
    tries_again(Act::SayAndClose(|_| Vec::new()));
    tries_again(Act::SayAndClose(|id| headers(id, &[(":status", "200")], false)));
    tries_again(Act::SayAndClose(|_| go_away(0, INTERNAL_ERROR)));
    // Frames that are none.
    tries_again(Act::Say(|_| vec![0xff; 64]));
}

#[test]
fn a_farewell_between_two_requests_costs_nothing() {
    let farewell = |id| [accept(id), go_away(id, 0)].concat();
    let before_the_answer = |id| [go_away(id, 0), accept(id)].concat();
    for act in [
        Act::Say(farewell),
        Act::Say(before_the_answer),
        Act::SayAndClose(farewell),
        Act::SayAndClose(accept),
    ] {
        let server = FrameServer::start(&[], [act]);
        let session = to(&server);
        delivers(&server, &session, 1);
        delivers(&server, &session, 2);
        assert_eq!(server.seen().connections, 2);
    }
}

#[test]
fn a_flood_of_pings_harms_nobody() {
    let flood = |id| {
        let mut frames: Vec<u8> = (0..1_000).flat_map(|_| ping()).collect();
        frames.extend(accept(id));
        frames
    };
    let server = FrameServer::start(&[], [Act::Say(flood)]);
    let session = to(&server);
    delivers(&server, &session, 1);
    delivers(&server, &session, 2);
}

#[test]
fn a_request_that_is_given_up_takes_its_connection_down() {
    let server = FrameServer::start(&[], [Act::Say(|_| Vec::new())]);
    let session = Session::with(|config| {
        over_grpc(config).endpoint(&server.url).export_timeout(Duration::from_millis(200))
    });
    record(1);
    assert_eq!(flushed(), (1, 0));
    server.wait_until("the connection is closed", |seen| seen.closed == 1);
    delivers(&server, &session, 2);
    assert_eq!(server.seen().connections, 2);
}

/// The rest of the request stays in the connection's window for ever.
#[test]
fn an_answer_before_the_whole_request_was_read_holds_up_nobody() {
    let later = |id| headers(id, &[(":status", "200"), ("grpc-status", "14")], true);
    let server = FrameServer::start(&[], [Act::SayEarly(later)]);
    let session = to(&server);
    let mut span = SCOPE.span("large");
    span.set_attribute("text", "x".repeat(1_000_000).as_str());
    drop(span);
    let lost = flushed();
    let seen = server.seen();
    let lengths: Vec<_> = seen.bodies.iter().map(Vec::len).collect();
    assert_eq!(lost, (0, 0), "{lengths:?}");
    assert_eq!((lengths.len(), seen.connections), (2, 2));
    assert_eq!(session.ledger().delivered, 1);
}

#[test]
fn what_a_proxy_says_without_a_grpc_status_is_read_as_grpc_reads_it() {
    tries_again(Act::Say(|id| headers(id, &[(":status", "429")], true)));
    tries_again(Act::Say(|id| headers(id, &[(":status", "502")], true)));
    tries_again(Act::Say(|id| headers(id, &[(":status", "503")], true)));
    tries_again(Act::Say(|id| headers(id, &[(":status", "504")], true)));
    rejects(|id| headers(id, &[(":status", "200")], true));
    rejects(|id| headers(id, &[(":status", "400")], true));
    rejects(|id| headers(id, &[(":status", "404")], true));
    rejects(|id| headers(id, &[(":status", "500")], true));
    // The page breaks off, but its status stands.
    rejects(|id| [headers(id, &[(":status", "403")], false), reset(id, INTERNAL_ERROR)].concat());
}

#[test]
fn an_error_is_read_in_the_head_and_in_the_trailers() {
    tries_again(Act::Say(|id| headers(id, &[(":status", "200"), ("grpc-status", "14")], true)));
    tries_again(Act::Say(|id| {
        let head = headers(id, &[(":status", "200")], false);
        [head, headers(id, &[("grpc-status", "14")], true)].concat()
    }));
    // The status of gRPC counts, not that of HTTP.
    rejects(|id| headers(id, &[(":status", "503"), ("grpc-status", "3")], true));
    rejects(|id| headers(id, &[(":status", "200"), ("grpc-status", "yes")], true));
}

#[test]
fn a_compressed_answer_is_refused_and_a_missing_one_is_not_missed() {
    fn ok(id: u32, message: &[u8]) -> Vec<u8> {
        let head = headers(id, &[(":status", "200")], false);
        [head, data(id, message, false), headers(id, &[("grpc-status", "0")], true)].concat()
    }
    rejects(|id| ok(id, &[1, 0, 0, 0, 0]));
    let garbage: [fn(u32) -> Vec<u8>; 3] =
        [|id| ok(id, &[]), |id| ok(id, &[0, 0, 0, 0, 9, 1]), |id| ok(id, &[0, 0xff])];
    for answer in garbage {
        let server = FrameServer::start(&[], [Act::Say(answer)]);
        let session = to(&server);
        delivers(&server, &session, 1);
    }
}

#[test]
fn the_receivers_own_faults_lose_nothing() {
    let session = Session::with(over_grpc);
    let faults = [Answer::Reset, Answer::ResetStream, Answer::GoAway, Answer::Status(503)];
    for fault in faults {
        session.receiver.script([fault]);
        record(10);
        assert_eq!(flushed(), (0, 0));
        record(10);
        assert_eq!(flushed(), (0, 0));
    }
    assert_eq!(session.receiver.spans().len(), 80);
    session.verify();
}

#[test]
fn a_receiver_that_starts_again_on_its_port_gets_all_that_comes_after() {
    let first = Receiver::start();
    let address = first.addresses()[0];
    let session = Session::with(|config| over_grpc(config).endpoint(first.endpoint()));
    record(10);
    assert_eq!(flushed(), (0, 0));
    assert_eq!(first.spans().len(), 10);
    drop(first);
    record(10);
    assert_eq!(oxitel::flush(Duration::from_millis(300)).map_err(|e| e.queued), Err(10));
    let second = Receiver::listen(&[address]).expect("the port is free again");
    record(10);
    assert_eq!(flushed(), (0, 0));
    assert_eq!(second.wait_for_spans(20, PATIENCE).len(), 20);
    assert_eq!(session.ledger().delivered, 30);
    assert!(session.ledger().is_balanced());
}

#[test]
fn a_port_that_speaks_another_protocol_is_tried_until_the_export_timeout() {
    let (url, requests) = blunt_server(Duration::ZERO, "HTTP/1.1 400 Bad Request\r\n\r\n");
    let timeout = Duration::from_millis(400);
    let session = Session::with(|config| over_grpc(config).endpoint(url).export_timeout(timeout));
    record(3);
    assert_eq!(flushed(), (3, 0));
    assert_eq!(session.ledger().dropped.unreachable, 3);
    assert!(requests.load(Ordering::SeqCst) > 0, "it was asked");
    assert!(session.ledger().is_balanced());
}
