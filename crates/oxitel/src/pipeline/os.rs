//! Small calls of the operating system that the standard library does not have.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicI32, Ordering};

/// The host's signal handlers run on the host's threads: this one takes no signals.
pub(crate) fn block_signals() {
    #[cfg(unix)]
    // SAFETY: the set is initialised by `sigfillset` before it is read; the mask is this
    // thread's own.
    unsafe {
        let mut all = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, std::ptr::null_mut());
    }
}

/// The descriptors of every [`FileLock`]. A lock belongs to the open file and not to the process:
/// a forked child that kept its copy would hold it after the parent's death.
static LOCKED: [AtomicI32; 64] = [const { AtomicI32::new(NONE) }; 64];
const NONE: i32 = -1;

/// An advisory lock on a whole file; the system frees it when the process ends in any way.
#[derive(Debug)]
pub(crate) struct FileLock {
    file: File,
    place: &'static AtomicI32,
}

#[cfg(unix)]
impl FileLock {
    /// Takes the lock without waiting; `None` when somebody else has it.
    pub(crate) fn take(file: File) -> io::Result<Option<Self>> {
        use std::os::fd::AsRawFd;
        let descriptor = file.as_raw_fd();
        let free = |place: &&AtomicI32| {
            place.compare_exchange(NONE, descriptor, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        let full = || io::Error::other("this process holds too many locked files");
        // In the list before it is locked: a fork may happen in between.
        let lock = Self { place: LOCKED.iter().find(free).ok_or_else(full)?, file };
        // SAFETY: the descriptor is open as long as `lock` lives.
        if unsafe { libc::flock(descriptor, libc::LOCK_EX | libc::LOCK_NB) } == 0 {
            return Ok(Some(lock));
        }
        let error = io::Error::last_os_error();
        if error.kind() == io::ErrorKind::WouldBlock { Ok(None) } else { Err(error) }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Out of the list first: a number that is closed may soon be another file's.
        self.place.store(NONE, Ordering::Relaxed);
        #[cfg(unix)]
        // By hand, for a copy of the descriptor that a child got at this moment.
        // SAFETY: the descriptor is open, as `file` is dropped after this.
        unsafe {
            use std::os::fd::AsRawFd;
            libc::flock(self.file.as_raw_fd(), libc::LOCK_UN);
        }
    }
}

/// Closes a forked child's copies of the parent's locks. Async-signal-safe.
pub(crate) fn forget_locks_of_parent() {
    for place in &LOCKED {
        let descriptor = place.swap(NONE, Ordering::Relaxed);
        #[cfg(unix)]
        if descriptor != NONE {
            // SAFETY: the child's copy; the parent's `FileLock` in the child's memory belongs to a
            // thread that does not exist here, so nobody uses or closes it.
            unsafe {
                libc::close(descriptor);
            }
        }
    }
}

/// The user as whom this process acts.
#[cfg(unix)]
pub(crate) fn user() -> u32 {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// Nanoseconds of the clock that nobody sets.
#[cfg(all(unix, feature = "python"))]
pub(crate) fn monotonic_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes to what lives for this call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

/// There is no Python to be joined on these systems.
#[cfg(all(not(unix), feature = "python"))]
pub(crate) fn monotonic_ns() -> u64 {
    0
}
