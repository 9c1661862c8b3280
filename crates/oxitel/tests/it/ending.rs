//! The end: bounded, told truthfully, and without the program's help.

use crate::session::{PATIENCE, Session, printed_ledger, run_example, run_example_with};
use oxitel::testing::{Answer, Receiver, judge};
use oxitel::{InitError, Scope};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

static SCOPE: Scope = Scope::new("ending");

/// An address where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("http://{}", listener.local_addr().expect("its address"))
}

#[test]
fn dropping_the_guard_delivers_what_is_left() {
    let session = Session::start();
    drop(SCOPE.span("last words"));
    let Session { receiver, guard, .. } = &session;
    assert!(guard.is_recording());
    assert_eq!(oxitel::shutdown(PATIENCE), Ok(()));
    assert_eq!(receiver.spans().len(), 1);
    session.verify();
}

#[test]
fn what_ends_after_shutdown_is_counted_and_nothing_new_is_made() {
    let session = Session::start();
    let late = SCOPE.span("late");
    assert_eq!(oxitel::shutdown(PATIENCE), Ok(()));
    assert_eq!(oxitel::shutdown(PATIENCE), Ok(()), "the second finds nothing to do");
    drop(late);
    assert!(!SCOPE.span("too late").is_recording());
    let ledger = session.ledger();
    assert_eq!((ledger.recorded, ledger.dropped.already_shutdown), (1, 1));
    assert!(ledger.is_balanced(), "{ledger}");
}

#[test]
fn a_second_init_changes_nothing_and_says_so() {
    let session = Session::start();
    let config = oxitel::Config::default().endpoint("http://localhost:1");
    assert!(matches!(oxitel::init(config), Err(InitError::AlreadyRunning)));
    drop(SCOPE.span("as before"));
    insta::assert_snapshot!(session.tree(), @"it: as before (internal)");
}

#[test]
fn telemetry_starts_again_after_its_end() {
    for round in 0..3 {
        let session = Session::start();
        drop(SCOPE.span("round"));
        assert_eq!(oxitel::flush(PATIENCE), Ok(()), "round {round}");
        assert_eq!(session.receiver.spans().len(), 1, "round {round}");
        session.verify();
    }
}

#[test]
fn shutdown_obeys_its_deadline_when_the_receiver_hangs() {
    let session = Session::start();
    session.receiver.answer(Answer::Hang);
    drop(SCOPE.span("lost"));
    let begun = Instant::now();
    let error = oxitel::shutdown(Duration::from_millis(300)).expect_err("nobody answered");
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
    assert_eq!((error.lost, error.queued), (1, 0));
    assert_eq!(session.ledger().dropped.shutdown_deadline, 1);
    assert!(session.ledger().is_balanced());
}

#[test]
fn shutdown_from_many_threads_at_once_returns_everywhere() {
    let session = Session::start();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                drop(SCOPE.span("record"));
                let _ = oxitel::flush(PATIENCE);
                let _ = oxitel::shutdown(PATIENCE);
            });
        }
    });
    let ledger = session.ledger();
    assert!(ledger.is_balanced() && ledger.queued == 0, "{ledger}");
}

#[test]
fn a_span_in_a_thread_local_destructor_is_recorded() {
    thread_local! {
        static KEPT: RefCell<Option<oxitel::Span>> = const { RefCell::new(None) };
    }
    let session = Session::start();
    let ended = thread::spawn(|| {
        // Registered before the engine's own thread-local, so it outlives that.
        KEPT.with(|kept| *kept.borrow_mut() = None);
        KEPT.with(|kept| *kept.borrow_mut() = Some(SCOPE.span("kept to the very end")));
    });
    ended.join().expect("no panic");
    insta::assert_snapshot!(session.tree(), @"it: kept to the very end (internal)");
}

#[test]
fn a_program_without_a_receiver_ends_at_once_and_counts_its_losses() {
    let (output, took) = run_example("leaves", &["guard"], &nobody());
    assert!(output.status.success(), "{output:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    let ledger = printed_ledger(&output);
    assert_eq!((ledger.recorded, ledger.dropped.unreachable), (100, 100), "{ledger}");
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(words.lines().count(), 1, "one line a minute and cause: {words}");
    assert!(words.contains("100 records could not be sent to"), "{words}");
}

#[test]
fn no_key_of_the_endpoint_is_printed() {
    let (output, _) = run_example("leaves", &["guard"], &format!("{}/?key=hunter2", nobody()));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("could not be sent to http://127.0.0.1"), "{words}");
    assert!(!words.contains("hunter2"), "{words}");
}

#[test]
fn a_program_with_a_hanging_receiver_ends_in_time() {
    let receiver = Receiver::start();
    receiver.answer(Answer::Hang);
    let (output, took) = run_example("leaves", &["guard"], &receiver.endpoint());
    assert!(took < Duration::from_secs(6), "2 s by default, with slack: {took:?}");
    let ledger = printed_ledger(&output);
    assert_eq!((ledger.recorded, ledger.dropped.shutdown_deadline), (100, 100), "{ledger}");
    let words = String::from_utf8_lossy(&output.stderr);
    let told = "oxitel: 100 records were not sent before the shutdown deadline\n";
    assert_eq!(words, told, "the loss is said, once");
}

#[test]
fn exit_without_a_guard_delivers_too() {
    for way in ["exit", "forget"] {
        let receiver = Receiver::start();
        let (output, _) = run_example("leaves", &[way], &receiver.endpoint());
        assert!(output.status.success(), "{way}: {output:?}");
        assert_eq!(receiver.spans().len(), 100, "{way}");
        let paths: BTreeSet<_> = receiver.requests().into_iter().map(|it| it.path).collect();
        let below_the_base = ["/v1/metrics", "/v1/traces"].map(str::to_owned);
        assert_eq!(paths, BTreeSet::from(below_the_base), "a base in a variable");
    }
}

#[test]
fn flush_reports_the_loss_when_the_receiver_refuses_connections() {
    let none = [("OTEL_METRICS_EXPORTER", "none")];
    let (output, took) = run_example_with("leaves", &["flush"], &nobody(), &none);
    assert!(took < Duration::from_secs(6), "{took:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("flush: Err(FlushError { lost: 0, queued: 100, timed_out: true })"),
        "{text}"
    );
    let ledger = printed_ledger(&output);
    assert_eq!((ledger.recorded, ledger.lost()), (100, 100), "{ledger}");
}

#[test]
fn what_was_delivered_is_known_to_the_judge() {
    let receiver = Receiver::start();
    let (output, _) = run_example("leaves", &["guard"], &receiver.endpoint());
    judge(&receiver, &[printed_ledger(&output)]).expect_clean();
}
