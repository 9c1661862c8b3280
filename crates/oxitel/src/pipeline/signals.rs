//! The end by a signal: SIGTERM and SIGINT kill a process without a word, and what is queued with
//! it. Whoever asks for it gets a handler that wakes a thread, which shuts down and then lets the
//! signal do what it does by default.

use super::{state, thread};
use std::io;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

/// What an orchestrator and a person at a terminal send.
const ENDING: [libc::c_int; 2] = [libc::SIGTERM, libc::SIGINT];

/// Where the handler writes, and the process whose thread reads it.
static PIPE: AtomicI32 = AtomicI32::new(-1);
static EPOCH: AtomicU64 = AtomicU64::new(0);

/// Shuts down for at most `timeout` when such a signal comes. A signal that somebody handles or
/// ignores already stays theirs; those that are left are counted.
pub(crate) fn watch(timeout: Duration) -> io::Result<usize> {
    static STARTED: AtomicU64 = AtomicU64::new(0);
    let epoch = state::epoch();
    if STARTED.swap(epoch, Ordering::AcqRel) == epoch {
        // The thread is there. A signal that somebody has handled meanwhile may be free again.
        return Ok(take_over_all());
    }
    let watched = begin(timeout, epoch);
    if watched.is_err() {
        STARTED.store(0, Ordering::Release);
    }
    watched
}

fn begin(timeout: Duration, epoch: u64) -> io::Result<usize> {
    let [reader, writer] = pipe()?;
    PIPE.store(writer, Ordering::Release);
    thread::spawn_unmarked(c"oxitel-signals", move || wait(reader, timeout))?;
    // Last: a signal before this is handled as if there were no thread, not by the parent's.
    EPOCH.store(epoch, Ordering::Release);
    Ok(take_over_all())
}

/// How many are ours now.
fn take_over_all() -> usize {
    ENDING.into_iter().filter(|signal| take_over(*signal)).count()
}

fn pipe() -> io::Result<[libc::c_int; 2]> {
    let mut ends = [-1; 2];
    // SAFETY: the array has room for the two descriptors.
    if unsafe { libc::pipe(ends.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    for end in ends {
        // SAFETY: the descriptor is ours. A program that is started by this one has no use for it.
        unsafe { libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    Ok(ends)
}

/// Handles the signal from now on, if nobody does.
fn take_over(signal: libc::c_int) -> bool {
    // SAFETY: plain calls about the process's own dispositions; the structures are initialised by
    // the calls that fill them, and the handler does what a handler may.
    unsafe {
        let mut present: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, std::ptr::null(), &raw mut present) != 0 {
            return false;
        }
        // A forked child has the handler and not the thread: it takes over its own again.
        let ours = on_signal as extern "C" fn(libc::c_int) as libc::sighandler_t;
        if present.sa_sigaction != libc::SIG_DFL && present.sa_sigaction != ours {
            return false;
        }
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = ours;
        action.sa_flags = libc::SA_RESTART;
        libc::sigfillset(&raw mut action.sa_mask);
        libc::sigaction(signal, &raw const action, std::ptr::null_mut()) == 0
    }
}

/// Nothing here but loads, `write` and `sigaction`: it may interrupt anything.
extern "C" fn on_signal(signal: libc::c_int) {
    if EPOCH.load(Ordering::Acquire) != state::epoch() {
        // A forked child whose thread is its parent's.
        die_of(signal);
        return;
    }
    let byte = signal as u8;
    // SAFETY: one byte that lives for the call; `errno` is the interrupted code's.
    unsafe {
        let errno = *libc::__errno_location();
        libc::write(PIPE.load(Ordering::Acquire), (&raw const byte).cast(), 1);
        *libc::__errno_location() = errno;
    }
}

/// The thread: ends telemetry, then the process.
fn wait(reader: libc::c_int, timeout: Duration) {
    let mut byte = 0_u8;
    loop {
        // SAFETY: one byte of room.
        let read = unsafe { libc::read(reader, (&raw mut byte).cast(), 1) };
        if read == 1 {
            break;
        }
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
    // What is lost here was counted and warned about by the sender; there is nobody to tell.
    let _ = super::lifecycle::last_shutdown(timeout);
    die_of(libc::c_int::from(byte));
}

/// Lets the signal do what it does by default.
fn die_of(signal: libc::c_int) {
    // SAFETY: plain calls, allowed in a handler; a signal that is blocked now comes when it is not.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        libc::kill(libc::getpid(), signal);
    }
}
