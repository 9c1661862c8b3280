//! Exporters in the process: those of the program, and several at once.

use crate::session::{PATIENCE, Session, turn};
use oxitel::export::{ExportError, Exporter, Request, SignalKind};
use oxitel::{Config, Scope};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

static SCOPE: Scope = Scope::new("exporters");

fn spans(count: usize) {
    (0..count).for_each(|_| drop(SCOPE.span("one of them")));
}

/// Sends each request's bytes to the test.
fn told(to: &Sender<Vec<u8>>) -> impl Fn(SignalKind) -> Tell + Send + Sync + 'static {
    let to = Mutex::new(to.clone());
    move |signal| {
        assert_eq!(signal, SignalKind::Traces);
        Tell(to.lock().expect("no panic").clone())
    }
}

struct Tell(Sender<Vec<u8>>);

impl Exporter for Tell {
    fn export(&mut self, request: &Request<'_>) -> Result<(), ExportError> {
        assert_eq!(request.length(), request.to_vec().len());
        self.0.send(request.to_vec()).map_err(|error| ExportError::Refused(error.to_string()))
    }

    fn shutdown(&mut self) {
        let _ = self.0.send(b"the end".to_vec());
    }
}

#[test]
fn an_exporter_of_the_program_gets_what_the_receiver_gets_and_is_told_of_the_end() {
    let (to, requests) = channel();
    let session = Session::with(|config| config.exporter("mine", told(&to)));
    drop(SCOPE.span("first"));
    session.tree();
    let sent = session.receiver.requests().pop().expect("one request");
    assert_eq!(requests.recv_timeout(PATIENCE).expect("a request"), sent.body);
    assert_eq!(session.ledger().delivered, 1, "once, though two took it");
    drop(session);
    assert_eq!(requests.recv_timeout(PATIENCE).expect("the shutdown"), b"the end");
}

#[test]
fn an_exporter_needs_no_endpoint_and_none_is_none() {
    let _turn = turn();
    let (to, requests) = channel();
    let config = Config::default().exporter("mine", told(&to));
    let guard = oxitel::init(config.clone()).expect("telemetry starts");
    assert!(guard.is_recording());
    drop(SCOPE.span("alone"));
    drop(guard);
    assert!(requests.recv_timeout(PATIENCE).is_ok());
    let guard =
        oxitel::init(config.traces(false).logs(false).metrics(false)).expect("telemetry starts");
    assert!(!guard.is_recording());
}

/// Answers in this order, and with `Ok` from then on.
fn scripted(answers: Vec<Result<(), ExportError>>) -> (Arc<AtomicUsize>, Config) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let config = Config::default().exporter("scripted", move |_| {
        let (mut answers, counter) = (answers.clone().into_iter(), Arc::clone(&counter));
        move |_: &Request<'_>| {
            counter.fetch_add(1, Ordering::SeqCst);
            answers.next().unwrap_or(Ok(()))
        }
    });
    (calls, config)
}

#[test]
fn what_an_exporter_cannot_take_now_it_is_offered_again_and_what_it_refuses_is_counted() {
    let _turn = turn();
    let again = ExportError::TryAgain { after: None, reason: "busy".to_owned() };
    let soon = ExportError::TryAgain { after: Some(Duration::from_millis(10)), reason: "x".into() };
    let no = ExportError::Refused("never".to_owned());
    let (calls, config) = scripted(vec![Err(again), Err(soon), Ok(()), Err(no)]);
    let before = oxitel::stats();
    let guard = oxitel::init(config).expect("telemetry starts");
    drop(SCOPE.span("in the end"));
    oxitel::flush(PATIENCE).expect("the third time");
    assert_eq!(calls.load(Ordering::SeqCst), 3);
    drop(SCOPE.span("refused"));
    let lost = oxitel::flush(PATIENCE).expect_err("it is lost");
    assert_eq!((lost.lost, calls.load(Ordering::SeqCst)), (1, 4));
    assert_eq!(oxitel::stats().rejected - before.rejected, 1);
    drop(guard);
}

#[test]
fn an_exporter_that_panics_is_made_anew_and_its_panic_is_counted() {
    let made = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&made);
    let session = Session::with(|config| {
        config.exporter("brittle", move |_| {
            let number = counter.fetch_add(1, Ordering::SeqCst);
            move |_: &Request<'_>| {
                assert!(number > 0, "the first one is broken");
                Ok(())
            }
        })
    });
    drop(SCOPE.span("costs the first"));
    oxitel::flush(PATIENCE).expect_err("one exporter did not take it");
    drop(SCOPE.span("goes to the second"));
    oxitel::flush(PATIENCE).expect("both take it");
    let ledger = session.ledger();
    assert_eq!((ledger.panics, ledger.rejected, ledger.delivered), (1, 1, 1));
    assert_eq!(made.load(Ordering::SeqCst), 2);
    assert_eq!(session.receiver.spans().len(), 2, "the receiver's part is its own");
}

/// An exporter that takes each request when the test says so.
fn held(gate: Receiver<()>) -> (Arc<Mutex<Vec<u64>>>, impl Fn(SignalKind) -> Held + Send + Sync) {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let (ours, gate) = (Arc::clone(&taken), Arc::new(Mutex::new(gate)));
    (taken, move |_| Held { gate: Arc::clone(&gate), taken: Arc::clone(&ours) })
}

struct Held {
    gate: Arc<Mutex<Receiver<()>>>,
    taken: Arc<Mutex<Vec<u64>>>,
}

impl Exporter for Held {
    fn export(&mut self, request: &Request<'_>) -> Result<(), ExportError> {
        // Ends as well when the test is over.
        let _ = self.gate.lock().expect("no panic").recv();
        self.taken.lock().expect("no panic").push(request.records());
        Ok(())
    }
}

#[test]
fn an_exporter_that_hangs_costs_its_own_records_and_no_time_of_others() {
    let (go_on, gate) = channel();
    let (taken, make) = held(gate);
    let timeout = Duration::from_millis(300);
    let session = Session::with(|config| config.export_timeout(timeout).exporter("stuck", make));
    drop(SCOPE.span("first"));
    let begun = Instant::now();
    oxitel::flush(PATIENCE).expect_err("it hangs until the export timeout");
    assert!(begun.elapsed() >= timeout && begun.elapsed() < timeout * 6, "{:?}", begun.elapsed());
    spans(2);
    oxitel::flush(PATIENCE).expect_err("it hangs still");
    assert_eq!(session.receiver.spans().len(), 3, "the receiver got all in time");
    assert_eq!(session.ledger().dropped.unreachable, 3);

    // Back again, it takes what is new, and nothing that is booked as lost.
    go_on.send(()).expect("it waits");
    go_on.send(()).expect("it waits");
    spans(4);
    oxitel::flush(PATIENCE).expect("both take it");
    assert_eq!(*taken.lock().expect("no panic"), [1, 4], "the first was under way");
    drop(go_on);
}

#[test]
fn a_flush_waits_for_what_is_queued_although_later_records_are_refused() {
    let (go_on, gate) = channel();
    let (_, make) = held(gate);
    let session = Session::with(|config| config.queue_bytes(4 << 20).exporter("stuck", make));
    drop(SCOPE.span("waits"));
    let (begins, begun) = channel();
    let patience = Duration::from_secs(1);
    let flush = std::thread::spawn(move || {
        let start = Instant::now();
        begins.send(()).expect("the test waits");
        let _ = oxitel::flush(patience);
        start.elapsed()
    });
    begun.recv().expect("it begins");
    let text = "x".repeat(1 << 20);
    let until = Instant::now() + PATIENCE;
    while session.ledger().dropped.queue_full < 3 && Instant::now() < until {
        SCOPE.span("large").set_attribute("text", &*text);
        oxitel::flush(Duration::from_millis(20)).expect_err("nothing is taken");
    }
    assert!(session.ledger().dropped.queue_full >= 3, "{}", session.ledger());
    let waited = flush.join().expect("no panic");
    assert!(waited >= patience, "the first one waits still: {waited:?}");
    drop(go_on);
}

#[test]
fn an_exporter_that_hangs_does_not_hold_up_the_end() {
    let (go_on, gate) = channel();
    let (_, make) = held(gate);
    let session = Session::with(|config| {
        config.shutdown_timeout(Duration::from_millis(300)).exporter("stuck", make)
    });
    drop(SCOPE.span("never taken"));
    let begun = Instant::now();
    oxitel::shutdown(Duration::from_millis(300)).expect_err("it is lost");
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
    assert_eq!(session.receiver.spans().len(), 1);
    assert_eq!(session.ledger().dropped.shutdown_deadline, 1);
    drop(go_on);
}

#[test]
fn what_an_exporter_records_itself_is_not_exported() {
    let session = Session::with(|config| {
        config.exporter("noisy", |_| {
            |_: &Request<'_>| {
                drop(SCOPE.span("the exporter's own"));
                Ok(())
            }
        })
    });
    drop(SCOPE.span("the program's"));
    oxitel::flush(PATIENCE).expect("both take it");
    oxitel::flush(PATIENCE).expect("nothing more");
    assert_eq!(session.tree(), "it: the program's (internal)\n");
}
