//! A receiver that is found by its name, and a resolver in trouble: the program's own
//! `getaddrinfo` stands before the C library's and answers as its argument says.
//!
//! `names unknown` (there is no such name), `names failing` (the server failed), `names hanging`
//! (no answer for 30 s), `names moving` (the name moves to another address in between), `names
//! split` (no answer for the name to which spans are sent, log records have another one).

#![expect(unsafe_code, reason = "a function of the C library is replaced")]

use oxitel::testing::Receiver;
use oxitel::{Config, LogRecord, Scope, Severity};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

static SCOPE: Scope = Scope::new("names");

const UNKNOWN: u8 = 0;
const FAILING: u8 = 1;
const HANGING: u8 = 2;
/// The last byte of an address 127.0.0.x.
const FIRST: u8 = 11;
const SECOND: u8 = 12;

static RESOLVER: AtomicU8 = AtomicU8::new(UNKNOWN);

type Lookup = unsafe extern "C" fn(
    *const c_char,
    *const c_char,
    *const libc::addrinfo,
    *mut *mut libc::addrinfo,
) -> c_int;

/// Answers as the resolver's state says.
///
/// # Safety
///
/// As for the C library's function of this name.
// SAFETY: name and signature are those of the C library; results come from its own function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getaddrinfo(
    name: *const c_char,
    service: *const c_char,
    hints: *const libc::addrinfo,
    found: *mut *mut libc::addrinfo,
) -> c_int {
    // SAFETY: the caller's name is a text that ends, as the C library wants it.
    let hangs = unsafe { CStr::from_ptr(name) } == c"hanging.test";
    let state = if hangs { HANGING } else { RESOLVER.load(Ordering::SeqCst) };
    let address = match state {
        UNKNOWN => return libc::EAI_NONAME,
        FAILING => return libc::EAI_AGAIN,
        HANGING => {
            thread::sleep(Duration::from_secs(30));
            return libc::EAI_AGAIN;
        }
        FIRST => c"127.0.0.11",
        _ => c"127.0.0.12",
    };
    // SAFETY: the C library's own function has this signature; the pointers are the caller's.
    unsafe {
        let real: *mut c_void = libc::dlsym(libc::RTLD_NEXT, c"getaddrinfo".as_ptr());
        if real.is_null() {
            return libc::EAI_FAIL;
        }
        let real: Lookup = std::mem::transmute(real);
        real(CStr::as_ptr(address), service, hints, found)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let trouble = std::env::args().nth(1).unwrap_or_default();
    let start = match trouble.as_str() {
        "unknown" => UNKNOWN,
        "failing" => FAILING,
        "hanging" => HANGING,
        "moving" => FIRST,
        "split" => return split(),
        other => return Err(format!("{other:?} is no trouble").into()),
    };
    RESOLVER.store(start, Ordering::SeqCst);
    let first = Receiver::listen(&[SocketAddr::from(([127, 0, 0, FIRST], 0))])?;
    let port = first.addresses()[0].port();
    let config = Config::new("names")
        .endpoint(format!("http://receiver.test:{port}"))
        .metrics(false)
        .export_timeout(Duration::from_millis(1_500))
        .schedule_delay(Duration::from_millis(50));
    let guard = oxitel::init(config)?;
    let begun = Instant::now();
    (0..100).for_each(|_| drop(SCOPE.span("record")));
    println!("recorded in ms={}", begun.elapsed().as_millis());
    println!("first: {:?}", oxitel::flush(Duration::from_millis(500)));
    if start != HANGING {
        // The name is there, or moves to another address, without a start.
        let second = Receiver::listen(&[SocketAddr::from(([127, 0, 0, SECOND], port))])?;
        RESOLVER.store(SECOND, Ordering::SeqCst);
        let before = first.spans().len();
        drop(first);
        (0..100).for_each(|_| drop(SCOPE.span("record")));
        println!("second: {:?}", oxitel::flush(Duration::from_secs(10)));
        println!("arrived {} and {}", before, second.spans().len());
    }
    let begun = Instant::now();
    drop(guard);
    println!("ended in ms={}", begun.elapsed().as_millis());
    let stats = oxitel::stats();
    println!("balanced {} queued {}: {stats}", stats.is_balanced(), stats.queued);
    Ok(())
}

/// Spans go to a name that hangs; log records do not wait for it.
fn split() -> Result<(), Box<dyn std::error::Error>> {
    RESOLVER.store(FIRST, Ordering::SeqCst);
    let receiver = Receiver::listen(&[SocketAddr::from(([127, 0, 0, FIRST], 0))])?;
    let port = receiver.addresses()[0].port();
    let mut config = Config::new("names")
        .metrics(false)
        .export_timeout(Duration::from_millis(700))
        .schedule_delay(Duration::from_millis(50));
    config.traces.endpoint = Some(format!("http://hanging.test:{port}/v1/traces"));
    config.logs.endpoint = Some(format!("http://receiver.test:{port}/v1/logs"));
    let _guard = oxitel::init(config)?;
    // Three batches hang, one after the other.
    for _ in 0..3 {
        drop(SCOPE.span("record"));
        let _ = oxitel::flush(Duration::from_millis(800));
    }
    let begun = Instant::now();
    SCOPE.log(&LogRecord::new(Severity::INFO, "said"));
    let give_up = begun + Duration::from_secs(10);
    while receiver.requests().is_empty() && Instant::now() < give_up {
        let _ = oxitel::flush(Duration::from_millis(50));
    }
    println!("log records={} after ms={}", receiver.requests().len(), begun.elapsed().as_millis());
    println!("threads={}", std::fs::read_dir("/proc/self/task")?.count());
    Ok(())
}
