//! The end by a signal: SIGTERM and SIGINT kill a process without a word, and what is queued with
//! it. Whoever asks for it gets a handler that wakes a thread, which shuts down and then lets the
//! signal do what it does by default.

use super::os::block_signals;
use super::{state, thread};
use std::io;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What an orchestrator and a person at a terminal send.
const ENDING: [libc::c_int; 2] = [libc::SIGTERM, libc::SIGINT];

/// Where the handler writes, and the process whose thread reads it.
static PIPE: AtomicI32 = AtomicI32::new(-1);
static EPOCH: AtomicU64 = AtomicU64::new(0);

/// The process in which such a signal has come; 0: none.
static COMING: AtomicU64 = AtomicU64::new(0);

/// What `watch` was told, in nanoseconds. 0: nobody watches, here or in the parent.
static TIMEOUT: AtomicU64 = AtomicU64::new(0);

/// From the end of telemetry to that of the process: a moment.
const DEATH_PATIENCE: Duration = Duration::from_millis(500);

/// Shuts down for at most `timeout` when such a signal comes. A signal that somebody handles or
/// ignores already stays theirs; those that are left are counted. A forked child watches from its
/// first record on, and dies at once before it.
pub(crate) fn watch(timeout: Duration) -> io::Result<usize> {
    let nanoseconds = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX).max(1);
    TIMEOUT.store(nanoseconds, Ordering::Release);
    watch_here()
}

/// A forked child has a sender now, and so something to lose. What cannot be watched dies at once.
pub(crate) fn follow_fork() {
    let is_watched = TIMEOUT.load(Ordering::Acquire) != 0;
    if is_watched && EPOCH.load(Ordering::Acquire) != state::epoch() {
        let _ = watch_here();
    }
}

/// Gives the signals back that nobody else has taken since.
pub(crate) fn let_go() {
    TIMEOUT.store(0, Ordering::Release);
    for signal in ENDING {
        exchange(signal, &[on_signal_address()], libc::SIG_DFL);
    }
}

/// Whoever leaves while a signal ends the process lets the signal end it: it is what the parent of
/// the process is told. A moment, and no more, after telemetry has ended.
pub(crate) fn give_way() {
    let patience = Instant::now() + DEATH_PATIENCE;
    while COMING.load(Ordering::Acquire) == state::epoch() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn watch_here() -> io::Result<usize> {
    static STARTED: AtomicU64 = AtomicU64::new(0);
    let epoch = state::epoch();
    if STARTED.swap(epoch, Ordering::AcqRel) == epoch {
        // The thread is there. A signal that somebody has handled meanwhile may be free again.
        return Ok(take_over_all());
    }
    let watched = begin(epoch);
    if watched.is_err() {
        STARTED.store(0, Ordering::Release);
    }
    watched
}

fn begin(epoch: u64) -> io::Result<usize> {
    let [reader, writer] = pipe()?;
    PIPE.store(writer, Ordering::Release);
    thread::spawn_unmarked(c"oxitel-signals", move || wait(reader))?;
    // Last: a signal before this is handled as if there were no thread, not by the parent's.
    EPOCH.store(epoch, Ordering::Release);
    Ok(take_over_all())
}

/// How many are ours now.
fn take_over_all() -> usize {
    // A forked child has the handler and not the thread: it takes over its own again.
    let free = [libc::SIG_DFL, on_signal_address()];
    let is_ours = |signal: &libc::c_int| exchange(*signal, &free, on_signal_address());
    ENDING.into_iter().filter(is_ours).count()
}

fn on_signal_address() -> libc::sighandler_t {
    on_signal as extern "C" fn(libc::c_int) as libc::sighandler_t
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

/// Puts `handler` in the place of any of `present`; whether it was one of these.
fn exchange(
    signal: libc::c_int,
    present: &[libc::sighandler_t],
    handler: libc::sighandler_t,
) -> bool {
    // SAFETY: plain calls about the process's own dispositions; the structures are initialised by
    // the calls that fill them, and our handler does what a handler may.
    unsafe {
        let mut found: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, std::ptr::null(), &raw mut found) != 0
            || !present.contains(&found.sa_sigaction)
        {
            return false;
        }
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
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
    COMING.store(state::epoch(), Ordering::Release);
    let byte = signal as u8;
    // SAFETY: one byte that lives for the call; `errno` is the interrupted code's.
    unsafe {
        let errno = *libc::__errno_location();
        libc::write(PIPE.load(Ordering::Acquire), (&raw const byte).cast(), 1);
        *libc::__errno_location() = errno;
    }
}

/// The thread: ends telemetry, then the process.
fn wait(reader: libc::c_int) {
    // A program may have threads that block such a signal, and one that waits for it.
    block_signals();
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
    let timeout = Duration::from_nanos(TIMEOUT.load(Ordering::Acquire));
    // What is lost here was counted and warned about by the sender; there is nobody to tell.
    let _ = super::lifecycle::shutdown_or_wait(timeout);
    die_of(libc::c_int::from(byte));
}

/// Lets the signal do what it does by default.
fn die_of(signal: libc::c_int) {
    // SAFETY: plain calls, allowed in a handler. The set is initialised before it is used.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        // Every other thread may block it.
        let mut these = std::mem::zeroed();
        libc::sigemptyset(&raw mut these);
        libc::sigaddset(&raw mut these, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const these, std::ptr::null_mut());
        libc::kill(libc::getpid(), signal);
    }
}
