//! What the receiver may answer, and what becomes of the records.

use crate::session::{PATIENCE, Session, blunt_server};
use oxitel::testing::Answer;
use oxitel::{FlushError, Scope};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) static SCOPE: Scope = Scope::new("delivery");

fn record(count: usize) {
    for _ in 0..count {
        drop(SCOPE.span("record"));
    }
}

fn lost(result: Result<(), FlushError>) -> (u64, u64) {
    result.map_or_else(|error| (error.lost, error.queued), |()| (0, 0))
}

#[test]
fn what_may_be_tried_again_is_tried_until_it_is_taken() {
    let session = Session::start();
    let busy = [429, 502, 503, 504].map(Answer::Status);
    session.receiver.script(busy.into_iter().chain([Answer::Reset]));
    record(10);
    assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0));
    session.verify();
    let requests = session.receiver.requests();
    assert_eq!(requests.len(), 6, "five failed attempts and one that was taken");
    assert!(requests.iter().all(|request| request.body == requests[0].body), "the same bytes");
}

#[test]
fn what_is_refused_is_not_sent_again() {
    for status in [400, 401, 404, 413, 500] {
        let session = Session::start();
        session.receiver.answer(Answer::Status(status));
        record(10);
        assert_eq!(lost(oxitel::flush(PATIENCE)), (10, 0), "{status}");
        assert_eq!(session.receiver.requests().len(), 1, "{status}");
        assert_eq!(session.ledger().rejected, 10, "{status}");
        session.verify();
        assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0), "told once");
    }
}

#[test]
fn partial_success_is_counted_and_not_sent_again() {
    let partial = |rejected| Answer::PartialSuccess { rejected, message: "some".into() };
    for (answered, counted) in [(0, 0), (3, 3), (1_000, 10), (-5, 0)] {
        let session = Session::start();
        session.receiver.answer(partial(answered));
        record(10);
        assert_eq!(lost(oxitel::flush(PATIENCE)), (counted, 0), "{answered}");
        assert_eq!(session.receiver.requests().len(), 1, "{answered}");
        assert_eq!(session.ledger().rejected, counted, "{answered}");
        assert!(session.ledger().is_balanced());
    }
}

#[test]
fn retry_after_is_obeyed() {
    let session = Session::start();
    let wait = Answer::Throttle { status: 503, retry_after: "1".into() };
    session.receiver.script([wait]);
    record(1);
    let begun = Instant::now();
    assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0));
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    let requests = session.receiver.requests();
    assert!(requests[1].arrived - requests[0].arrived >= Duration::from_secs(1));
}

#[test]
fn a_receiver_that_never_answers_costs_the_export_timeout_and_not_more() {
    let timeout = Duration::from_millis(300);
    let session = Session::with(|config| config.export_timeout(timeout));
    session.receiver.script([Answer::Hang]);
    record(5);
    let begun = Instant::now();
    assert_eq!(lost(oxitel::flush(PATIENCE)), (5, 0));
    assert!(begun.elapsed() < timeout * 3, "{:?}", begun.elapsed());
    assert_eq!(session.ledger().dropped.unreachable, 5);
    record(5);
    assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0), "the next batch is tried");
    session.verify();
}

#[test]
fn flush_returns_at_its_deadline_and_says_what_is_left() {
    let session = Session::start();
    session.receiver.script([Answer::Hang]);
    record(7);
    let begun = Instant::now();
    assert_eq!(lost(oxitel::flush(Duration::from_millis(200))), (0, 7));
    assert!(begun.elapsed() < Duration::from_millis(600), "{:?}", begun.elapsed());
    assert!(session.ledger().is_balanced(), "{}", session.ledger());
}

#[test]
fn records_leave_by_themselves_after_the_schedule_delay() {
    let session = Session::with(|config| config.schedule_delay(Duration::from_millis(50)));
    record(3);
    session.receiver.wait_for_spans(3, PATIENCE);
}

#[test]
fn headers_and_the_signal_path_are_sent() {
    let session = Session::with(|config| {
        let base = config.endpoint.clone().expect("an endpoint");
        config.endpoint(format!("{base}/tenant/")).header("x-key", "value")
    });
    record(1);
    let _ = oxitel::flush(PATIENCE);
    let requests = session.receiver.requests();
    assert_eq!(requests[0].path, "/tenant/v1/traces");
    let header = |name| requests[0].headers.get(name).and_then(|value| value.to_str().ok());
    assert_eq!(header("x-key"), Some("value"));
    assert_eq!(header("content-type"), Some("application/x-protobuf"));
    let agent = header("user-agent").expect("a user agent");
    assert!(agent.starts_with("OTel-OTLP-Exporter-Rust/"), "{agent}");
}

#[test]
fn the_traces_endpoint_is_used_as_it_is() {
    let session = Session::with(|mut config| {
        let base = config.endpoint.take().expect("an endpoint");
        config.traces.endpoint = Some(format!("{base}/exactly/here"));
        config
    });
    record(1);
    let _ = oxitel::flush(PATIENCE);
    assert_eq!(session.receiver.requests()[0].path, "/exactly/here");
}

#[test]
fn a_retry_after_beyond_the_export_timeout_holds_for_the_next_batches_too() {
    let timeout = Duration::from_millis(100);
    let session = Session::with(|config| config.export_timeout(timeout));
    session.receiver.answer(Answer::Throttle { status: 429, retry_after: "60".into() });
    for _ in 0..3 {
        record(1);
        assert_eq!(lost(oxitel::flush(PATIENCE)), (1, 0));
    }
    assert_eq!(session.receiver.requests().len(), 1, "silence was asked for");
    assert_eq!(session.ledger().dropped.unreachable, 3);
}

#[test]
fn the_status_decides_also_when_the_rest_of_the_answer_breaks() {
    let broken = |status| -> &'static str {
        match status {
            200 => "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
            _ => "HTTP/1.1 400 Bad Request\r\ncontent-length: 10\r\n\r\nabc",
        }
    };
    for (status, expected) in [(200, (0, 0)), (400, (1, 0))] {
        let (url, requests) = blunt_server(Duration::ZERO, broken(status));
        let _session = Session::with(|config| config.endpoint(url));
        record(1);
        assert_eq!(lost(oxitel::flush(PATIENCE)), expected, "{status}");
        assert_eq!(requests.load(Ordering::SeqCst), 1, "{status} is sent once");
    }
}

#[test]
fn of_two_flushes_at_once_both_are_told_of_a_loss() {
    let session = Session::start();
    session.receiver.answer(Answer::Status(400));
    for _ in 0..20 {
        let flushes = [(); 2].map(|()| {
            thread::spawn(|| {
                record(1);
                oxitel::flush(PATIENCE)
            })
        });
        for flush in flushes {
            assert!(flush.join().expect("no panic").is_err(), "nothing was delivered");
        }
    }
    assert_eq!(session.ledger().rejected, 40);
}

#[test]
fn a_flush_ends_while_others_go_on_recording() {
    // A request takes longer than the next chunk: the queue is never empty.
    let accepted = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let (url, requests) = blunt_server(Duration::from_millis(40), accepted);
    let _session = Session::with(|config| config.endpoint(url));
    let done = AtomicBool::new(false);
    let text = "x".repeat(60_000);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                SCOPE.span("large").set_attribute("text", &text);
                thread::sleep(Duration::from_millis(10));
            }
        });
        while requests.load(Ordering::SeqCst) < 3 {
            thread::sleep(Duration::from_millis(5));
        }
        let flushed = oxitel::flush(Duration::from_secs(3));
        done.store(true, Ordering::Relaxed);
        assert_eq!(lost(flushed), (0, 0));
    });
}
