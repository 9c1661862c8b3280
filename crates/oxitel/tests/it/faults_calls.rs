//! Calls from where nobody expects them: out of the program's own functions, from all threads at
//! once, twice, too late. And what they cost while nobody takes the records.

use crate::grpc::{lost, over_grpc};
use crate::session::{PATIENCE, Session, turn};
use opentelemetry::global;
use opentelemetry::trace::{Span as _, Tracer as _};
use oxitel::testing::{Answer, Receiver};
use oxitel::{Config, Decision, Redaction, Sampler, Sampling, Scope, ShouldSample, Verdict};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tracing_subscriber::layer::SubscriberExt;

static SCOPE: Scope = Scope::new("calls");

const SOON: Duration = Duration::from_secs(5);

fn record(count: usize) {
    for _ in 0..count {
        drop(SCOPE.span("record"));
    }
}

/// The time of each call, in order of length.
fn times(count: usize, call: impl Fn()) -> Vec<Duration> {
    let measured = (0..count).map(|_| {
        let begun = Instant::now();
        call();
        begun.elapsed()
    });
    let mut times: Vec<_> = measured.collect();
    times.sort_unstable();
    times
}

/// Everything stands still behind the queue, and the queue is full.
#[test]
fn with_a_full_queue_a_span_costs_microseconds() {
    let session = Session::with(|config| config.queue_bytes(64 << 10));
    session.receiver.answer(Answer::Hang);
    let text = "x".repeat(500);
    let call = || {
        SCOPE.span("record").set_attribute("text", &text);
    };
    times(1_000, call);
    assert!(session.ledger().dropped.queue_full > 0, "{}", session.ledger());
    thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| times(20_000, call))).collect();
        for thread in threads {
            let times = thread.join().expect("no panic");
            let (median, rare) = (times[times.len() / 2], times[times.len() * 999 / 1_000]);
            // The promise is 50 µs; three threads share two processors with others.
            assert!(median < Duration::from_micros(50), "median {median:?}");
            assert!(rare < Duration::from_micros(150), "one in a thousand {rare:?}");
        }
    });
    let ledger = session.ledger();
    assert!(ledger.is_balanced() && ledger.recorded == 61_000, "{ledger}");
}

#[test]
fn shutdown_while_others_record_flush_and_shut_down_counts_everything() {
    for round in 0..10 {
        let session = Session::with(if round % 2 == 0 { over_grpc } else { |config| config });
        let over = AtomicBool::new(false);
        let ended = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        let span = SCOPE.span("record");
                        let counts = span.is_recording();
                        drop(span);
                        ended.fetch_add(u64::from(counts), Ordering::Relaxed);
                    }
                });
            }
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    // What is lost is in the ledger.
                    let _ = oxitel::flush(Duration::from_millis(5));
                }
            });
            thread::sleep(Duration::from_millis(20));
            let ends: Vec<_> = (0..3).map(|_| scope.spawn(|| oxitel::shutdown(SOON))).collect();
            let begun = Instant::now();
            for end in ends {
                // As above.
                let _ = end.join().expect("no panic");
            }
            assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
            over.store(true, Ordering::Relaxed);
        });
        let ledger = session.ledger();
        assert_eq!(ledger.recorded, ended.load(Ordering::Relaxed), "{ledger}");
        assert!(ledger.is_balanced() && ledger.queued == 0, "{ledger}");
        assert_eq!(session.receiver.spans().len() as u64, ledger.delivered);
    }
}

/// Flushes, shuts down and records, as no such function should.
fn meddle(at_end: bool) {
    record(1);
    let _ = oxitel::flush(SOON);
    if at_end {
        let _ = oxitel::shutdown(SOON);
    }
    let _ = oxitel::stats();
}

struct Meddling;

impl ShouldSample for Meddling {
    fn should_sample(&self, sampling: &Sampling<'_>) -> Decision {
        meddle(sampling.name == "last");
        Decision::keep()
    }
}

impl fmt::Display for Meddling {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        meddle(false);
        formatter.write_str("said")
    }
}

impl fmt::Debug for Meddling {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for Meddling {}

type Setting = (&'static str, fn(Config) -> Config);

#[test]
fn flush_and_shutdown_from_inside_of_the_programs_own_functions_return() {
    let settings: [Setting; 4] = [
        ("sampler", |config| config.sampler(Sampler::custom(Meddling))),
        ("on_start", |config| config.on_start(|span, _| meddle(span.as_ref().name() == "last"))),
        ("on_end", |config| {
            config.on_end(|span| {
                meddle(span.name() == "last");
                Verdict::Keep
            })
        }),
        ("redaction", |config| {
            config.redaction(Redaction::default().value(|key, _| {
                meddle(key == "last");
                None
            }))
        }),
    ];
    for (name, setting) in settings {
        let session = Session::with(setting);
        let begun = Instant::now();
        let subscriber = tracing_subscriber::registry().with(oxitel::bridge::layer());
        tracing::subscriber::with_default(subscriber, || {
            for step in ["first", "second"] {
                SCOPE.enter(step).set_attribute("key", step).record_error(&Meddling);
                drop(tracing::info_span!("traced", value = %Meddling, step));
            }
            SCOPE.enter("last").set_attribute("last", "value");
        });
        record(1);
        // It may have ended already.
        let _ = oxitel::shutdown(SOON);
        assert!(begun.elapsed() < SOON, "{name}: {:?}", begun.elapsed());
        let ledger = session.ledger();
        assert!(ledger.is_balanced() && ledger.queued == 0, "{name}: {ledger}");
        assert!(ledger.delivered >= 4, "{name}: {ledger}");
        session.verify();
    }
}

struct Explosive;

impl fmt::Display for Explosive {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("as the test wants it")
    }
}

impl fmt::Debug for Explosive {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("as the test wants it")
    }
}

impl std::error::Error for Explosive {}

#[test]
fn an_error_that_panics_while_it_is_printed_leaves_the_span_whole() {
    let session = Session::start();
    let span = SCOPE.enter("span").set_attribute("before", 1).record_error(&Explosive).context();
    let subscriber = tracing_subscriber::registry().with(oxitel::bridge::layer());
    tracing::subscriber::with_default(subscriber, || {
        drop(tracing::info_span!("traced", value = %Explosive, after = 1));
    });
    assert!(span.is_valid());
    insta::assert_snapshot!(session.tree(), @r#"
    it: span (internal) [error] before=1
      · exception exception.message=""
    it: traced (internal) value="" after=1
    "#);
    assert_eq!((session.ledger().live, session.ledger().panics), (0, 2));
}

#[test]
fn a_guard_that_is_dropped_while_tracers_live_delivers_what_they_made() {
    let _turn = turn();
    let receiver = Receiver::start();
    let config = Config::default().endpoint(receiver.endpoint());
    let guard = oxitel::init(config).expect("telemetry starts");
    let tracer = global::tracer("kept");
    let mut late = tracer.start("ends too late");
    tracer.start("made in time").end();
    drop(guard);
    assert_eq!(receiver.spans().len(), 1);
    assert_eq!(receiver.spans()[0].span.name, "made in time");
    late.end();
    // The tracer is of no use now, and does no harm.
    tracer.start("made too late").end();
    let second = Receiver::start();
    let config = Config::default().endpoint(second.endpoint());
    let guard = oxitel::init(config).expect("telemetry starts again");
    tracer.start("made again").end();
    drop(guard);
    let names: Vec<_> = second.spans().into_iter().map(|record| record.span.name).collect();
    assert_eq!(names, ["made again"], "a tracer outlives the session that it was made in");
}

#[test]
fn sessions_that_follow_each_other_under_recording_threads_count_everything() {
    let first = Session::start();
    let before = oxitel::stats();
    let over = AtomicBool::new(false);
    let ended = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let span = SCOPE.span("record");
                    let counts = span.is_recording();
                    thread::yield_now();
                    drop(span);
                    ended.fetch_add(u64::from(counts), Ordering::Relaxed);
                }
            });
        }
        for round in 0..20 {
            // What ends after it is counted.
            let _ = oxitel::shutdown(Duration::from_millis(round * 10));
            let config = Config::default().endpoint(first.receiver.endpoint());
            // Its guard would end it at once.
            std::mem::forget(oxitel::init(config).expect("it starts again"));
            thread::sleep(Duration::from_millis(5));
        }
        over.store(true, Ordering::Relaxed);
    });
    // As above.
    let _ = oxitel::shutdown(PATIENCE);
    let stats = oxitel::stats();
    assert!(stats.is_balanced() && stats.queued == 0, "{stats}");
    assert_eq!(stats.recorded - before.recorded, ended.load(Ordering::Relaxed), "{stats}");
}

/// A flush tells of everything since the flush before, also of what left in between.
#[test]
fn a_flush_tells_of_batches_that_were_lost_before_it_was_called() {
    let session = Session::with(|config| config.schedule_delay(Duration::from_millis(10)));
    session.receiver.script([Answer::Status(400)]);
    record(600);
    session.receiver.wait_for_requests(1, PATIENCE);
    let sent_by_themselves = |ledger: oxitel::Stats| ledger.rejected > 0;
    let begun = Instant::now();
    while !sent_by_themselves(session.ledger()) && begun.elapsed() < PATIENCE {
        thread::yield_now();
    }
    record(10);
    let (told, queued) = lost(oxitel::flush(PATIENCE));
    assert_eq!((told, queued), (session.ledger().rejected, 0));
    assert!(told > 0, "and not that all was well");
    assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0), "told once");
}
