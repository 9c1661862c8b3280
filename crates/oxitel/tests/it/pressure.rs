//! More than fits: the host goes on, and every loss has a reason.

use crate::session::{PATIENCE, Session};
use oxitel::testing::Answer;
use oxitel::{Config, Scope, Value};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

static SCOPE: Scope = Scope::new("pressure");

#[test]
fn a_full_queue_drops_the_newest_and_counts_them() {
    let session = Session::with(|config| config.queue_bytes(128 << 10));
    session.receiver.script([Answer::Hang]);
    let text = "x".repeat(1_000);
    let mut longest = Duration::ZERO;
    for _ in 0..1_000 {
        let begun = Instant::now();
        SCOPE.span("record").set_attribute("text", &text);
        longest = longest.max(begun.elapsed());
    }
    let ledger = session.ledger();
    assert_eq!(ledger.recorded, 1_000);
    assert!(ledger.is_balanced(), "{ledger}");
    assert!(ledger.dropped.queue_full > 800, "{ledger}");
    assert!(ledger.queued > 60, "most of the budget is used: {ledger}");
    // The receiver hangs for good: whoever waited for it would wait for longer.
    assert!(longest < Duration::from_secs(1), "recording waits for nobody: {longest:?}");
}

#[test]
fn a_limit_by_number_drops_exactly_what_is_beyond_it() {
    let session = Session::with(|config| config.max_queue_size(100));
    session.receiver.script([Answer::Hang]);
    for _ in 0..1_000 {
        drop(SCOPE.span("record"));
    }
    let ledger = session.ledger();
    assert_eq!((ledger.queued, ledger.dropped.queue_full), (100, 900), "{ledger}");
    assert!(ledger.is_balanced(), "{ledger}");
}

#[test]
fn a_limit_by_number_makes_room_again_and_several_threads_share_it() {
    let session = Session::with(|config| config.max_queue_size(64).max_export_batch_size(16));
    for round in 1..=10 {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..16).for_each(|_| drop(SCOPE.span("record"))));
            }
        });
        assert_eq!(oxitel::flush(PATIENCE), Ok(()), "round {round}: {}", session.ledger());
    }
    assert_eq!(session.ledger().delivered, 640);
    session.verify();
}

/// The default, but said by a variable: then it is meant.
#[test]
fn the_standard_number_counts_when_a_variable_says_it() {
    let by_variable =
        Config::from_lookup(|name| (name == "OTEL_BSP_MAX_QUEUE_SIZE").then(|| "2048".to_owned()));
    let session = Session::with(|config| {
        by_variable.endpoint(config.endpoint.expect("an endpoint")).schedule_delay(PATIENCE)
    });
    session.receiver.script([Answer::Hang]);
    for _ in 0..3_000 {
        drop(SCOPE.span("record"));
    }
    let ledger = session.ledger();
    assert_eq!((ledger.queued, ledger.dropped.queue_full), (2_048, 952), "{ledger}");
}

#[test]
fn a_batch_by_number_bounds_every_request_and_leaves_when_it_is_together() {
    let session = Session::with(|config| config.max_export_batch_size(10));
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let requests = Arc::clone(&sizes);
    session.receiver.hand_over(move |_, spans| {
        requests.lock().expect("no test panics inside").push(spans.len());
    });
    (0..95).for_each(|_| drop(SCOPE.span("record")));
    // Nine batches leave by themselves, long before the schedule delay.
    let begun = Instant::now();
    while session.ledger().delivered < 90 && begun.elapsed() < PATIENCE {
        thread::yield_now();
    }
    assert!(session.ledger().delivered >= 90, "{}", session.ledger());
    assert_eq!(oxitel::flush(PATIENCE), Ok(()));
    let sizes = sizes.lock().expect("no test panics inside").clone();
    assert!(sizes.iter().all(|size| *size <= 10), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 95);
}

/// That is no batching at all.
#[test]
fn with_batches_of_one_each_span_leaves_alone_and_at_once() {
    let session = Session::with(|config| config.max_export_batch_size(1));
    for count in 1..=5 {
        drop(SCOPE.span("record"));
        // Not after the schedule delay, which is as long as this patience.
        let requests = session.receiver.wait_for_requests(count, PATIENCE / 2);
        assert_eq!(requests.len(), count, "a request each");
    }
    assert_eq!(oxitel::flush(PATIENCE), Ok(()), "each was taken");
    session.verify();
}

#[test]
fn a_burst_at_defaults_arrives_whole() {
    let session = Session::start();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5_000 {
                    let _record = SCOPE.enter("record");
                }
            });
        }
    });
    assert_eq!(oxitel::flush(PATIENCE), Ok(()));
    assert_eq!(session.ledger().delivered, 20_000);
    session.verify();
}

#[test]
fn a_record_larger_than_a_chunk_arrives_and_one_larger_than_the_budget_is_counted() {
    let session = Session::with(|config| config.queue_bytes(1 << 20));
    let large = vec![7_u8; 300 << 10];
    let huge = vec![7_u8; 2 << 20];
    SCOPE.span("small").set_attribute("n", 1);
    SCOPE.span("large").set_attribute("bytes", Value::Bytes(&large));
    SCOPE.span("huge").set_attribute("bytes", Value::Bytes(&huge));
    SCOPE.span("after").set_attribute("n", 2);
    let error = oxitel::flush(PATIENCE).expect_err("one is too large");
    assert_eq!((error.lost, error.queued), (1, 0));
    assert_eq!(session.ledger().dropped.queue_full, 1);
    session.verify();
    let mut names: Vec<_> = session.receiver.spans().into_iter().map(|r| r.span.name).collect();
    names.sort();
    assert_eq!(names, ["after", "large", "small"]);
}

#[test]
fn too_many_live_spans_are_refused_and_counted() {
    let session = Session::with(|config| config.live_bytes(64 << 10));
    let spans: Vec<_> = (0..1_000).map(|_| SCOPE.span("live")).collect();
    let live = session.ledger().live;
    assert!(live > 10 && live < 200, "{live}");
    drop(spans);
    let ledger = session.ledger();
    assert_eq!((ledger.live, ledger.recorded), (0, 1_000));
    assert_eq!(ledger.dropped.queue_full, 1_000 - live);
    assert!(oxitel::flush(PATIENCE).is_err(), "the loss is told");
    session.verify();
}

#[test]
fn many_threads_that_come_and_go_lose_nothing() {
    let session = Session::start();
    for _ in 0..20 {
        thread::scope(|scope| {
            for _ in 0..25 {
                scope.spawn(|| drop(SCOPE.span("short-lived thread")));
            }
        });
    }
    assert_eq!(oxitel::flush(PATIENCE), Ok(()));
    assert_eq!(session.ledger().delivered, 500);
    session.verify();
}

#[test]
fn flushing_while_threads_record_counts_each_record_once() {
    let session = Session::start();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..3_000 {
                    SCOPE.enter("record").set_attribute("key", "value");
                }
            });
        }
        for _ in 0..50 {
            assert_eq!(oxitel::flush(PATIENCE), Ok(()));
        }
    });
    assert_eq!(oxitel::flush(PATIENCE), Ok(()));
    assert_eq!(session.ledger().delivered, 9_000);
    session.verify();
}

#[test]
fn open_chunks_of_idle_threads_are_collected_when_memory_runs_short() {
    const THREADS: usize = 200;
    let an_hour = Duration::from_secs(3_600);
    let session = Session::with(|config| config.queue_bytes(1 << 20).schedule_delay(an_hour));
    let gate = RwLock::new(());
    thread::scope(|scope| {
        let closed = gate.write();
        for _ in 0..THREADS {
            // 4 KiB for each: together 800 KiB, more than half of what there is.
            scope.spawn(|| {
                drop(SCOPE.span("record"));
                // Idle until the test is over, well or not.
                drop(gate.read());
            });
        }
        // Without a flush, and long before the schedule delay.
        session.receiver.wait_for_spans(THREADS / 2, PATIENCE);
        drop(closed);
    });
    assert_eq!(oxitel::flush(PATIENCE), Ok(()), "{}", session.ledger());
    assert_eq!(session.ledger().delivered, THREADS as u64);
    session.verify();
}

#[test]
fn the_ledger_never_runs_backwards() {
    let session = Session::start();
    thread::scope(|scope| {
        let recorders: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..300 {
                        let short = thread::spawn(|| drop(SCOPE.span("short-lived thread")));
                        short.join().expect("no panic");
                    }
                })
            })
            .collect();
        let mut last = 0;
        while !recorders.iter().all(thread::ScopedJoinHandle::is_finished) {
            let recorded = session.ledger().recorded;
            assert!(recorded >= last, "{recorded} after {last}");
            last = recorded;
        }
    });
    assert_eq!(oxitel::flush(PATIENCE), Ok(()));
    assert_eq!(session.ledger().delivered, 900);
}
