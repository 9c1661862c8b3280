//! Receivers that break off, never end, or say nothing that makes sense, over HTTP and over gRPC.

use crate::grpc::{lost, over_grpc};
use crate::raw::{raw_server, read_whole};
use crate::session::{PATIENCE, Session};
use oxitel::testing::{Answer, Receiver};
use oxitel::{Config, Scope};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

static SCOPE: Scope = Scope::new("faults");

const TIMEOUT: Duration = Duration::from_millis(300);

type Way = fn(Config) -> Config;

/// Both protocols.
const WAYS: [(&str, Way); 2] = [("http", |config| config), ("grpc", over_grpc)];

fn record(count: usize) {
    for _ in 0..count {
        drop(SCOPE.span("record"));
    }
}

/// More than the buffers of a connection hold.
fn record_large() {
    SCOPE.span("large").set_attribute("text", &"x".repeat(8 << 20));
}

fn words(content_type: &str, body: &[u8]) -> Answer {
    Answer::Words { content_type: content_type.to_owned(), body: body.to_vec() }
}

/// The first batch is given up after the export timeout, and the next one is delivered.
#[track_caller]
fn costs_the_export_timeout(fault: &Answer, record_first: fn()) {
    for (name, way) in WAYS {
        let session = Session::with(|config| way(config).export_timeout(TIMEOUT));
        session.receiver.script([fault.clone()]);
        // What is large is on its way before the flush.
        let begun = Instant::now();
        record_first();
        let records = session.ledger().queued;
        assert_eq!(lost(oxitel::flush(PATIENCE)), (records, 0), "{name}");
        let took = begun.elapsed();
        assert!(took >= TIMEOUT && took < TIMEOUT * 4, "{name}: {took:?}");
        assert_eq!(session.ledger().dropped.unreachable, records, "{name}");
        record(5);
        assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0), "{name}: the next batch is tried");
        assert!(session.ledger().is_balanced(), "{name}");
    }
}

/// The first attempt fails, the second is taken; both carry the same bytes.
#[track_caller]
fn is_tried_again(fault: &Answer, record: fn()) {
    for (name, way) in WAYS {
        let session = Session::with(way);
        session.receiver.script([fault.clone()]);
        record();
        assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0), "{name}: {fault:?}");
        let bodies: Vec<_> = session.receiver.requests().into_iter().map(|r| r.body).collect();
        assert_eq!(bodies.len(), 2, "{name}: {fault:?}");
        let unread = bodies[0].is_empty();
        assert!(unread || bodies[0] == bodies[1], "{name}: the same bytes");
        session.verify();
    }
}

#[test]
fn an_acceptance_in_words_without_sense_is_an_acceptance_and_nothing_is_sent_again() {
    let partial = b"\x0a\x02\x08\x05 in a page this is no partial success";
    let http = [
        words("application/x-protobuf", b"\xff\xff\xff\xff"),
        words("application/x-protobuf", b""),
        words("text/html", partial),
        words("", &vec![0x0a; 100_000]),
    ];
    // A frame, if it is one, begins with zero: it is not compressed.
    let grpc = [words("", b"\0\xff"), words("", b""), words("", &vec![0; 100_000])];
    for (way, answers) in [(WAYS[0], &http[..]), (WAYS[1], &grpc)] {
        let (name, way) = way;
        let session = Session::with(way);
        for (number, answer) in answers.iter().enumerate() {
            session.receiver.script([answer.clone()]);
            record(10);
            assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0), "{name}: answer {number}");
            assert_eq!(session.receiver.requests().len(), number + 1, "{name}: one attempt");
        }
        session.verify();
    }
}

#[test]
fn an_answer_without_end_is_read_to_4_mib_and_is_a_refusal() {
    for (name, way) in WAYS {
        let session = Session::with(way);
        session.receiver.script([Answer::Endless]);
        record(3);
        let begun = Instant::now();
        assert_eq!(lost(oxitel::flush(PATIENCE)), (3, 0), "{name}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{name}: {:?}", begun.elapsed());
        assert_eq!(session.ledger().rejected, 3, "{name}");
        assert_eq!(session.receiver.requests().len(), 1, "{name}: one attempt");
        record(3);
        assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0), "{name}: the next batch goes its way");
    }
}

#[test]
fn a_receiver_that_reads_the_head_and_nothing_more_costs_the_export_timeout() {
    costs_the_export_timeout(&Answer::Deaf, record_large);
}

#[test]
fn a_receiver_that_moves_a_byte_a_second_costs_the_export_timeout() {
    costs_the_export_timeout(&Answer::Slow { bytes_per_second: 1 }, || record(5));
}

#[test]
fn behind_a_slow_receiver_the_queue_fills_and_what_does_not_fit_is_counted() {
    for (name, way) in WAYS {
        let session = Session::with(|config| way(config).queue_bytes(128 << 10));
        session.receiver.answer(Answer::Slow { bytes_per_second: 1_000 });
        let text = "x".repeat(1_000);
        for _ in 0..1_000 {
            SCOPE.span("record").set_attribute("text", &text);
        }
        let ledger = session.ledger();
        assert!(ledger.dropped.queue_full > 800 && ledger.is_balanced(), "{name}: {ledger}");
        let begun = Instant::now();
        let ended = oxitel::shutdown(Duration::from_millis(300));
        assert!(begun.elapsed() < Duration::from_millis(900), "{name}: {:?}", begun.elapsed());
        assert!(ended.is_err(), "{name}: the loss is told");
        let ledger = session.ledger();
        assert!(ledger.is_balanced() && ledger.queued == 0, "{name}: {ledger}");
    }
}

/// The kernel takes no more connections for the listener, so that connecting takes for ever.
#[test]
fn a_receiver_that_accepts_no_connection_costs_the_export_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    shorten_backlog(&listener);
    let address = listener.local_addr().expect("its address");
    let patience = Duration::from_millis(200);
    let waiting: Vec<_> =
        std::iter::from_fn(|| TcpStream::connect_timeout(&address, patience).ok()).collect();
    for (name, way) in WAYS {
        let session = Session::with(|config| {
            way(config).endpoint(format!("http://{address}")).export_timeout(TIMEOUT)
        });
        record(5);
        let begun = Instant::now();
        assert_eq!(lost(oxitel::flush(PATIENCE)), (5, 0), "{name}: {}", waiting.len());
        assert!(begun.elapsed() < TIMEOUT * 4, "{name}: {:?}", begun.elapsed());
        assert_eq!(session.ledger().dropped.unreachable, 5, "{name}");
        record(5);
        let begun = Instant::now();
        assert_eq!(lost(oxitel::shutdown(PATIENCE)), (5, 0), "{name}");
        assert!(begun.elapsed() < TIMEOUT * 4, "{name}: {:?}", begun.elapsed());
        assert!(session.ledger().is_balanced(), "{name}");
    }
}

#[expect(unsafe_code, reason = "the standard library has no name for it")]
fn shorten_backlog(listener: &TcpListener) {
    // SAFETY: the descriptor is a listener that lives.
    unsafe { libc::listen(listener.as_raw_fd(), 0) };
}

#[test]
fn a_connection_that_is_reset_is_tried_again_with_the_same_bytes() {
    is_tried_again(&Answer::Reset, || record(10));
    is_tried_again(&Answer::Reset, record_large);
    is_tried_again(&Answer::ResetEarly, || record(10));
    is_tried_again(&Answer::ResetEarly, record_large);
}

#[test]
fn a_connection_that_ends_before_the_answer_is_tried_again_with_the_same_bytes() {
    is_tried_again(&Answer::ResetStream, || record(10));
}

#[test]
fn a_connection_that_ends_in_the_middle_of_a_request_is_tried_again() {
    // The first three are closed at once, after the first bytes, and on the sending side only.
    let (url, connections) = raw_server(|number, mut stream| match number {
        0 => drop(stream),
        1 => drop(stream.read(&mut [0; 10])),
        2 => {
            read_whole(&mut stream);
            stream.shutdown(Shutdown::Write).expect("it is open");
            // The other side stays open for as long as the client likes.
            let _ = stream.read(&mut [0; 10]);
        }
        3 => {
            read_whole(&mut stream);
            stream.write_all(b"HTTP/1.1 200 O").expect("the client reads");
        }
        _ => {
            read_whole(&mut stream);
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).expect("the client reads");
        }
    });
    let session = Session::with(|config| config.endpoint(url));
    record_large();
    assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0));
    assert_eq!(connections.load(Ordering::SeqCst), 5);
    assert_eq!(session.ledger().delivered, 1);
    assert!(session.ledger().is_balanced());
}

#[test]
fn a_connection_that_is_closed_while_it_rests_costs_neither_records_nor_a_wait() {
    for (name, way) in WAYS {
        let session = Session::with(way);
        session.receiver.answer(Answer::AcceptAndClose);
        let mut longest = Duration::ZERO;
        for _ in 0..5 {
            record(10);
            let begun = Instant::now();
            assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0), "{name}");
            longest = longest.max(begun.elapsed());
            // The receiver closes 20 ms after its answer.
            thread::sleep(Duration::from_millis(60));
        }
        // The first wait of a retry is 100 ms at least.
        assert!(longest < Duration::from_millis(100), "{name}: {longest:?}");
        assert_eq!(session.receiver.requests().len(), 5, "{name}: each batch left once");
        session.verify();
    }
}

#[test]
fn a_receiver_that_goes_and_comes_back_gets_all_that_was_kept_meanwhile() {
    for (name, way) in WAYS {
        let first = Receiver::start();
        let address = first.addresses()[0];
        let session = Session::with(|config| way(config).endpoint(first.endpoint()));
        record(10);
        assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0), "{name}");
        drop(first);
        record(10);
        assert_eq!(lost(oxitel::flush(Duration::from_millis(300))), (0, 10), "{name}");
        let second = Receiver::listen(&[address]).expect("the port is free again");
        assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0), "{name}");
        assert_eq!(second.spans().len(), 10, "{name}");
        assert!(session.ledger().is_balanced(), "{name}");
    }
}
