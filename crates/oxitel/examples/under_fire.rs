//! A program in trouble: each word is a situation in which it records, ends and prints its ledger.
//!
//! `steady MILLISECONDS` records a span each millisecond and tells how long the calls took, how
//! many threads and descriptors there were. `descriptors` runs out of them and gets them back,
//! `threads` the same with memory for threads. `memory` may not grow by more than 48 MiB.
//! `files` finds no file at all. `hook` shuts down from its panic hook. `aborted` ends by a panic
//! out of `main` while the guard lives.

#![expect(unsafe_code, reason = "limits of the process are set by calls of the C library")]

use oxitel::{Config, Scope};
use std::error::Error;
use std::fs::File;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

static SCOPE: Scope = Scope::new("under fire");

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let situation = arguments.next().unwrap_or_default();
    let number = arguments.next().and_then(|text| text.parse().ok());
    match situation.as_str() {
        "steady" => steady(Duration::from_millis(number.unwrap_or(1_000)))?,
        "descriptors" => descriptors()?,
        "threads" => threads()?,
        "memory" => memory()?,
        "files" => files()?,
        "hook" => hook()?,
        "aborted" => aborted()?,
        other => return Err(format!("{other:?} is no situation").into()),
    }
    print_ledger();
    Ok(())
}

fn config() -> Config {
    Config::new("under-fire").schedule_delay(Duration::from_millis(50))
}

fn record(count: usize) {
    for _ in 0..count {
        drop(SCOPE.span("record"));
    }
}

fn steady(time: Duration) -> Result<(), Box<dyn Error>> {
    let before = (threads_of_this_process(), descriptors_of_this_process());
    let guard = oxitel::init(config())?;
    let end = Instant::now() + time;
    let mut calls = Vec::new();
    let (mut most_threads, mut most_descriptors) = (0, 0);
    while Instant::now() < end {
        let begun = Instant::now();
        SCOPE.enter("record").set_attribute("text", "a value of some length");
        calls.push(begun.elapsed().as_nanos());
        most_threads = most_threads.max(threads_of_this_process());
        most_descriptors = most_descriptors.max(descriptors_of_this_process());
        thread::sleep(Duration::from_millis(1));
    }
    calls.sort_unstable();
    let at = |share: usize| calls[(calls.len() - 1) * share / 1_000];
    println!("calls median_ns={} p999_ns={}", at(500), at(999));
    println!(
        "most threads={} descriptors={}",
        most_threads - before.0,
        most_descriptors - before.1
    );
    let begun = Instant::now();
    drop(guard);
    println!("end ms={}", begun.elapsed().as_millis());
    Ok(())
}

/// Neither a runtime nor a connection can be made at first; later both can.
fn descriptors() -> Result<(), Box<dyn Error>> {
    set_limit(libc::RLIMIT_NOFILE, 64)?;
    let taken: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    let _guard = oxitel::init(config())?;
    record(100);
    println!("without: {:?}", oxitel::flush(Duration::from_millis(300)));
    drop(taken);
    record(100);
    println!("with: {:?}", oxitel::flush(Duration::from_secs(10)));
    Ok(())
}

/// No thread can be started at first; later one can.
fn threads() -> Result<(), Box<dyn Error>> {
    let pages = pages_of_this_process();
    set_limit(libc::RLIMIT_AS, pages * 4096 + (1 << 20))?;
    let mut sleepers = Vec::new();
    let sleep = || thread::sleep(Duration::from_millis(1_500));
    while let Ok(sleeper) = thread::Builder::new().spawn(sleep) {
        sleepers.push(sleeper);
    }
    match oxitel::init(config()) {
        Ok(_) => return Err("there was a thread".into()),
        Err(error) => println!("without: {error}"),
    }
    record(100);
    set_limit(libc::RLIMIT_AS, libc::RLIM_INFINITY)?;
    let _guard = oxitel::init(config())?;
    record(100);
    println!("with: {:?}", oxitel::flush(Duration::from_secs(10)));
    Ok(())
}

/// With the default budgets it may use 16 MiB for what waits; nothing but that may grow.
fn memory() -> Result<(), Box<dyn Error>> {
    let _guard = oxitel::init(config())?;
    record(1);
    // The first records made their thread's memory, and the helper thread has its stack.
    thread::sleep(Duration::from_millis(100));
    set_limit(libc::RLIMIT_AS, pages_of_this_process() * 4096 + (48 << 20))?;
    let text = "x".repeat(1_000);
    for _ in 0..100_000 {
        SCOPE.span("record").set_attribute("text", &text);
    }
    println!("flush: {:?}", oxitel::flush(Duration::from_millis(300)));
    oxitel::shutdown(Duration::from_millis(300)).ok();
    Ok(())
}

/// From the first line on no file can be opened: no `/proc`, no `/sys`, nothing below `/etc`.
fn files() -> Result<(), Box<dyn Error>> {
    refuse_to_open_files()?;
    let refused = File::open("/proc/self/status").err().and_then(|error| error.raw_os_error());
    println!("files: {refused:?}");
    let _guard = oxitel::init(config())?;
    record(100);
    println!("flush: {:?}", oxitel::flush(Duration::from_secs(10)));
    Ok(())
}

fn hook() -> Result<(), Box<dyn Error>> {
    let _guard = oxitel::init(config())?;
    std::panic::set_hook(Box::new(|_| {
        println!("in the hook: {:?}", oxitel::shutdown(Duration::from_secs(5)));
    }));
    let panicked = thread::spawn(|| {
        let _entered = SCOPE.enter("open while it panics");
        record(100);
        panic!("as the test wants it");
    });
    println!("panicked: {}", panicked.join().is_err());
    Ok(())
}

fn aborted() -> Result<(), Box<dyn Error>> {
    let _guard = oxitel::init(config())?;
    let _entered = SCOPE.enter("open while it panics");
    record(100);
    panic!("as the test wants it");
}

fn set_limit(resource: libc::__rlimit_resource_t, most: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: libc::RLIM_INFINITY };
    let mut before = limit;
    // SAFETY: both pointers are valid for the calls.
    let set = unsafe {
        libc::getrlimit(resource, &raw mut before);
        let limit = libc::rlimit { rlim_cur: most.min(before.rlim_max), ..before };
        libc::setrlimit(resource, &raw const limit)
    };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A filter of system calls that answers ENOENT to everything that opens a file.
fn refuse_to_open_files() -> io::Result<()> {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUALS: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let line = |code, jt, k| libc::sock_filter { code, jt, jf: 0, k };
    let refused = libc::SECCOMP_RET_ERRNO | libc::ENOENT as u32;
    let mut filter = [
        line(LOAD, 0, 0),
        line(EQUALS, 1, libc::SYS_openat as u32),
        line(RETURN, 0, libc::SECCOMP_RET_ALLOW),
        line(RETURN, 0, refused),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the program and its lines are valid for the call, which copies them.
    let set = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program)
    };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn pages_of_this_process() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0)
}

fn threads_of_this_process() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

fn descriptors_of_this_process() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

fn print_ledger() {
    let stats = oxitel::stats();
    println!(
        "ledger recorded={} delivered={} rejected={} queue_full={} unreachable={} \
         already_shutdown={} shutdown_deadline={} queued={}",
        stats.recorded,
        stats.delivered,
        stats.rejected,
        stats.dropped.queue_full,
        stats.dropped.unreachable,
        stats.dropped.already_shutdown,
        stats.dropped.shutdown_deadline,
        stats.queued
    );
}
