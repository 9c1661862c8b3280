//! What is sent again, by which name, and where nothing is ever sent.

use crate::frames::{Act, FrameServer, headers};
use crate::grpc::{flushed, over_grpc, record};
use crate::session::{Session, blunt_server};
use oxitel::Protocol;
use oxitel::testing::{Answer, Receiver, Request};
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn name(request: &Request) -> String {
    request.headers["oxitel-batch-id"].to_str().expect("text").to_owned()
}

#[test]
fn a_batch_keeps_its_name_in_every_attempt_and_no_two_share_one() {
    let faults = [
        Answer::Reset,
        Answer::ResetStream,
        Answer::Status(503),
        Answer::GoAway,
        Answer::AcceptAndClose,
    ];
    for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson, Protocol::Grpc] {
        let session = Session::with(|config| config.protocol(protocol));
        for fault in &faults {
            let before = session.receiver.requests().len();
            session.receiver.script([fault.clone()]);
            record(10);
            assert_eq!(flushed(), (0, 0), "{protocol} {fault:?}");
            record(10);
            assert_eq!(flushed(), (0, 0), "{protocol} {fault:?}");
            let names: Vec<_> = session.receiver.requests()[before..].iter().map(name).collect();
            let [attempts @ .., next] = &names[..] else { panic!("no request") };
            assert!(attempts.iter().all(|name| *name == attempts[0]), "{names:?}");
            assert!(*next != attempts[0], "{protocol} {fault:?}: {names:?}");
        }
        session.verify();
        let requests = session.receiver.requests();
        let sender = |request: &Request| name(request).split_once('-').map(|(id, _)| id.to_owned());
        let first = sender(&requests[0]).expect("a process and a number");
        assert!(first.len() == 32 && first.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");
        assert!(requests.iter().all(|request| sender(request).as_ref() == Some(&first)));
    }
}

#[test]
fn redirects_are_refused_and_nobody_is_told_what_was_meant_for_another() {
    let stranger = Receiver::start();
    for status in
        ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let location = format!("{}/v1/traces", stranger.endpoint());
        let answer =
            format!("HTTP/1.1 {status}\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        let (url, requests) = blunt_server(Duration::ZERO, answer);
        let session = Session::with(|config| config.endpoint(url).header("authorization", "ours"));
        record(3);
        assert_eq!(flushed(), (3, 0), "{status}");
        assert_eq!(session.ledger().rejected, 3, "{status}");
        assert_eq!(requests.load(Ordering::SeqCst), 1, "{status}: one attempt");
    }
    assert!(stranger.requests().is_empty(), "credentials stay where they are meant for");
}

#[test]
fn redirects_over_grpc_are_refused_too() {
    static STRANGER: OnceLock<Receiver> = OnceLock::new();
    STRANGER.get_or_init(Receiver::start);
    let redirect = |id| {
        let location = STRANGER.get().expect("started").endpoint();
        headers(id, &[(":status", "307"), ("location", &location)], true)
    };
    let server = FrameServer::start(&[], [Act::Say(redirect)]);
    let session = Session::with(|config| {
        over_grpc(config).endpoint(&server.url).header("authorization", "ours")
    });
    record(3);
    assert_eq!(flushed(), (3, 0));
    assert_eq!(session.ledger().rejected, 3);
    assert_eq!(server.seen().bodies.len(), 1, "one attempt");
    assert!(STRANGER.get().expect("started").requests().is_empty());
}
