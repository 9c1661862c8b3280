//! Forks while telemetry runs. `forks N`: N children, each with spans of its own, while another
//! thread of the parent records. `forks racing`: one fork while another thread is recording its
//! first span. `forks starved`: a child that gets no thread to send from. `forks measuring`: a child
//! that does nothing but count. `forks storm`: 200 children
//! of four threads at once, while others record, flush, ask and enroll.

#![expect(unsafe_code, reason = "`fork` is")]

use oxitel::metrics::Meter;
use oxitel::{Config, LogRecord, Scope, Severity};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

static SCOPE: Scope = Scope::new("forks");
static RACING: Scope = Scope::new("racing");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let argument = std::env::args().nth(1).unwrap_or_default();
    let _guard = oxitel::init(Config::new("forks"))?;
    match argument.parse() {
        Ok(children) => many(children)?,
        Err(_) if argument == "racing" => racing()?,
        Err(_) if argument == "starved" => starved()?,
        Err(_) if argument == "storm" => storm()?,
        Err(_) if argument == "measuring" => measuring()?,
        Err(_) => {
            return Err(format!("{argument:?} is no number and no way to fork").into());
        }
    }
    Ok(())
}

fn many(children: usize) -> io::Result<()> {
    let done = AtomicBool::new(false);
    let _open = SCOPE.enter("open across the forks");
    let mut begun = Some(SCOPE.span("begun before the forks"));
    thread::scope(|scope| {
        scope.spawn(|| {
            // Busy, but not faster than the sender: a full queue would drop others' spans too.
            while !done.load(Ordering::Relaxed) {
                for _ in 0..200 {
                    drop(SCOPE.span("busy thread"));
                }
                log();
                thread::sleep(Duration::from_millis(1));
            }
        });
        let forked = (0..children).try_for_each(|_| {
            drop(SCOPE.span("before a fork"));
            fork(|| {
                // The parent's: here it vanishes.
                drop(begun.take());
                drop(SCOPE.span("in the child"));
                log();
                let _ = oxitel::flush(Duration::from_secs(5));
                drop(SCOPE.span("in the child, delivered at its exit"));
            })
        });
        done.store(true, Ordering::Relaxed);
        forked
    })
}

/// Says which process it is.
fn log() {
    let process = [("process", std::process::id().into())];
    SCOPE.log(&LogRecord::new(Severity::INFO, "here").attributes(&process));
}

/// The child does nothing but count.
fn measuring() -> io::Result<()> {
    let counted = Meter::of(&SCOPE).u64_counter("forks.counted").build();
    counted.add(1, &[]);
    fork(|| {
        counted.add(10, &[]);
        println!("{:?}", oxitel::flush(Duration::from_secs(5)));
        counted.add(100, &[]);
    })
}

fn racing() -> io::Result<()> {
    let first = thread::spawn(|| drop(RACING.span("first of its thread and scope")));
    let forked = fork(|| {
        drop(RACING.span("in the child"));
    });
    first.join().expect("the thread does not panic");
    forked
}

fn storm() -> io::Result<()> {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let while_it_lasts = |work: fn()| {
            let done = &done;
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    work();
                }
            });
        };
        while_it_lasts(|| {
            (0..200).for_each(|_| drop(SCOPE.enter("busy thread")));
            thread::sleep(Duration::from_millis(1));
        });
        while_it_lasts(|| {
            // What is lost is not asked here.
            let _ = oxitel::flush(Duration::from_millis(20));
            let _ = oxitel::stats();
        });
        while_it_lasts(|| {
            let short = thread::spawn(|| drop(SCOPE.span("busy thread")));
            short.join().expect("no panic");
        });
        let forking = || {
            (0..50).try_for_each(|_| {
                drop(SCOPE.span("busy thread"));
                fork(|| (0..3).for_each(|_| drop(SCOPE.enter("in the child"))))
            })
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(forking)).collect();
        let ended = threads.into_iter().map(|thread| thread.join().expect("no panic"));
        let ended: io::Result<Vec<()>> = ended.collect();
        done.store(true, Ordering::Relaxed);
        ended.map(drop)
    })
}

fn starved() -> io::Result<()> {
    drop(SCOPE.span("in the parent"));
    fork(|| {
        take_all_threads();
        drop(SCOPE.span("in the child"));
        println!("{:?}", oxitel::flush(Duration::from_millis(300)));
        // Not `exit`: the span stays where it is, and so does the process's memory.
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(0) }
    })
}

/// Leaves no memory for another thread's stack.
fn take_all_threads() {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = pages.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
    let all = libc::rlimit { rlim_cur: pages * 4096 + (1 << 20), rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the pointer is valid for the call.
    unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const all) };
    while thread::Builder::new().spawn(|| thread::sleep(Duration::from_secs(10))).is_ok() {}
}

/// Runs `child` in a forked process that then exits, and waits for it, ten seconds at most.
fn fork(child: impl FnOnce()) -> io::Result<()> {
    // SAFETY: the child only records and exits, as programs with forked workers do.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            // SAFETY: a child that hangs is ended by its alarm.
            unsafe { libc::alarm(10) };
            child();
            // Rust's own `exit` takes a lock that another thread may have held at the fork.
            // SAFETY: the C library's `exit` runs the handlers and ends the process.
            unsafe { libc::exit(0) };
        }
        pid => {
            let mut status = 0;
            // SAFETY: the pointer is valid for the call.
            unsafe { libc::waitpid(pid, &raw mut status, 0) };
            if status == 0 { Ok(()) } else { Err(io::Error::other(format!("child: {status:#x}"))) }
        }
    }
}
