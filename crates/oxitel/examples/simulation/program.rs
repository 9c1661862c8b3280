//! The program under test: sessions of recording threads, flushes, forks and an end, as the seed
//! says. It checks what only it can see: how long calls take, and that the ledger knows its records.

use crate::random::Random;
use oxitel::{Config, LogRecord, Protocol, Scope, Severity, SignalKind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

static SCOPE: Scope = Scope::new("simulation");

/// Spans that ended in this process, as the program counts them.
static CLAIMED: AtomicU64 = AtomicU64::new(0);
/// Log records that this process made, too late ones as well.
static LOGGED: AtomicU64 = AtomicU64::new(0);

/// What a busy machine may add to a deadline.
const SLACK: Duration = Duration::from_millis(1_500);

pub(crate) fn run(seed: u64) -> ExitCode {
    let mut random = Random::new(seed, 1);
    for session in 0..=random.below(3) {
        run_session(seed, session, &mut random);
    }
    tell();
    ExitCode::SUCCESS
}

fn run_session(seed: u64, session: u64, random: &mut Random) {
    let guard = match oxitel::init(config(random)) {
        Ok(guard) => guard,
        Err(error) => return println!("broken: init: {error}"),
    };
    let over = AtomicBool::new(false);
    let threads = 1 + random.below(4);
    let may_fork = random.once_in(3);
    thread::scope(|scope| {
        for thread in 0..threads {
            let random = Random::new(seed, 100 + session * 10 + thread);
            let over = &over;
            scope.spawn(move || record(random, over));
        }
        for _ in 0..random.below(8) {
            thread::sleep(Duration::from_millis(random.below(60)));
            match random.below(6) {
                0..=3 => flush(Duration::from_millis(random.pick(&[0, 5, 50, 300]))),
                4 if may_fork => fork(random),
                _ => span(random),
            }
        }
        shut_down(Duration::from_millis(random.pick(&[0, 20, 100, 500, 1_000])));
        // What ends now is too late, and is counted.
        thread::sleep(Duration::from_millis(random.below(10)));
        over.store(true, Ordering::Relaxed);
    });
    drop(guard);
    // Another thread may have begun the shutdown and be inside of it still; it was joined.
    check(&format!("session {session}"));
    let queued = oxitel::stats().queued;
    if queued != 0 {
        println!("broken: session {session} ended with {queued} records in the queue");
    }
}

/// The ledger knows each span, no more log records than there were, and what became of them.
fn check(when: &str) {
    let [spans, logs] = [SignalKind::Traces, SignalKind::Logs].map(oxitel::stats_of);
    let claimed = CLAIMED.load(Ordering::Relaxed);
    let logged = LOGGED.load(Ordering::Relaxed);
    if spans.recorded != claimed || !spans.is_balanced() {
        println!("broken: {when}: {claimed} spans ended; the ledger: {spans:?}");
    }
    if logs.recorded > logged || !logs.is_balanced() {
        println!("broken: {when}: {logged} log records were made; the ledger: {logs:?}");
    }
}

fn config(random: &mut Random) -> Config {
    let milliseconds = Duration::from_millis;
    let mut config = Config::new("simulation")
        .protocol(random.pick(&[Protocol::HttpProtobuf, Protocol::Grpc]))
        .queue_bytes(random.pick(&[64 << 10, 256 << 10, 16 << 20]))
        .schedule_delay(milliseconds(random.pick(&[1, 20, 200])))
        .export_timeout(milliseconds(random.pick(&[50, 200, 800])))
        .shutdown_timeout(milliseconds(500));
    if random.once_in(3) {
        config = config.max_queue_size(16 + random.below(500) as usize);
    }
    if random.once_in(3) {
        config = config.max_export_batch_size(1 + random.below(16) as usize);
    }
    config
}

/// A thread of the program.
fn record(mut random: Random, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        for _ in 0..random.below(40) {
            span(&mut random);
        }
        match random.below(60) {
            0 => flush(Duration::from_millis(random.below(100))),
            1 if random.once_in(10) => shut_down(Duration::from_millis(random.below(300))),
            2..=9 => thread::yield_now(),
            _ => thread::sleep(Duration::from_micros(random.below(3_000))),
        }
    }
}

fn span(random: &mut Random) {
    let mut span = SCOPE.enter("span");
    let size = match random.below(100) {
        0 => 100_000,
        1..=5 => 8_000,
        _ => 200,
    };
    span.set_attribute("text", &*"x".repeat(random.below(size) as usize));
    if random.once_in(5) {
        end(SCOPE.span("child"));
    }
    if random.once_in(4) {
        log();
    }
    let claimed = span.is_recording();
    drop(span);
    CLAIMED.fetch_add(u64::from(claimed), Ordering::Relaxed);
}

/// A log record with a body of its own. Whether it still counts is decided inside, so its number is
/// a bound: see `check`.
fn log() {
    let number = LOGGED.fetch_add(1, Ordering::Relaxed);
    let text = format!("record {number} of {}", std::process::id());
    SCOPE.log(&LogRecord::new(Severity::INFO, &*text));
}

fn end(span: oxitel::Span) {
    let claimed = span.is_recording();
    drop(span);
    CLAIMED.fetch_add(u64::from(claimed), Ordering::Relaxed);
}

fn flush(timeout: Duration) {
    let begun = Instant::now();
    // What was lost is in the ledger.
    let _ = oxitel::flush(timeout);
    bounded("flush", timeout, begun);
}

fn shut_down(timeout: Duration) {
    let begun = Instant::now();
    // As above.
    let _ = oxitel::shutdown(timeout);
    bounded("shutdown", timeout, begun);
}

fn bounded(what: &str, timeout: Duration, begun: Instant) {
    let took = begun.elapsed();
    if took > timeout + SLACK {
        println!("broken: {what} took {took:?} of {timeout:?}");
    }
}

/// A child that records, delivers what it can, and exits.
fn fork(random: &mut Random) {
    let spans = random.below(20);
    let flushes = random.once_in(2);
    // SAFETY: the child records and exits, as programs with forked workers do.
    match unsafe { libc::fork() } {
        -1 => println!("broken: no child could be made"),
        0 => {
            // SAFETY: a child that hangs is ended by its alarm, which the parent sees.
            unsafe { libc::alarm(10) };
            CLAIMED.store(0, Ordering::Relaxed);
            LOGGED.store(0, Ordering::Relaxed);
            (0..spans).for_each(|_| end(SCOPE.span("in a child")));
            (0..spans).for_each(|_| log());
            if flushes {
                flush(Duration::from_millis(200));
            }
            shut_down(Duration::from_millis(300));
            tell();
            // As in the example `forks`.
            // SAFETY: the C library's `exit` runs the handlers and ends the process.
            unsafe { libc::exit(0) };
        }
        child => {
            let mut status = 0;
            // SAFETY: the pointer is valid for the call.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            if status != 0 {
                println!("broken: a child ended with {status:#x}");
            }
        }
    }
}

fn tell() {
    check("at the end");
    let stats = oxitel::stats();
    println!(
        "ledger recorded={} delivered={} given_up={} queued={}",
        stats.recorded,
        stats.delivered,
        stats.rejected + stats.dropped.unreachable + stats.dropped.shutdown_deadline,
        stats.queued
    );
}
