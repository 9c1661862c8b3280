//! Threads that a forked child can start, too.
//!
//! The standard library's threads take a lock of its own when they begin and when they end. In a
//! child that was forked while another thread did, that lock is held for ever, and none of them
//! ever runs. These are the C library's, which does not.

use super::os::block_signals;
use crate::context;
use std::ffi::CStr;
use std::io;
use tokio::sync::oneshot;

/// As much as the standard library gives.
#[cfg(unix)]
const STACK_BYTES: usize = 2 << 20;

#[cfg(unix)]
struct Start {
    name: &'static CStr,
    work: Box<dyn FnOnce() + Send>,
}

/// Runs `work` on a thread of the engine: it records nothing and hears no signal. Nobody waits for
/// it; a panic ends the thread alone.
pub(crate) fn spawn(name: &'static CStr, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    spawn_unmarked(name, || {
        block_signals();
        context::suppress_thread();
        work();
    })
}

/// The same on a thread that is like any other.
#[cfg(unix)]
pub(super) fn spawn_unmarked(
    name: &'static CStr,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let start = Box::into_raw(Box::new(Start { name, work: Box::new(work) }));
    // SAFETY: the attributes are made before they are used; `begin` takes the start over, or it is
    // taken back when there is no thread.
    unsafe {
        let mut attributes = std::mem::zeroed();
        libc::pthread_attr_init(&raw mut attributes);
        libc::pthread_attr_setstacksize(&raw mut attributes, STACK_BYTES);
        libc::pthread_attr_setdetachstate(&raw mut attributes, libc::PTHREAD_CREATE_DETACHED);
        let mut thread = std::mem::zeroed();
        let failed =
            libc::pthread_create(&raw mut thread, &raw const attributes, begin, start.cast());
        libc::pthread_attr_destroy(&raw mut attributes);
        if failed == 0 {
            return Ok(());
        }
        drop(Box::from_raw(start));
        Err(io::Error::from_raw_os_error(failed))
    }
}

#[cfg(unix)]
extern "C" fn begin(start: *mut libc::c_void) -> *mut libc::c_void {
    // SAFETY: from `spawn`, which gave it to this thread alone.
    let Start { name, work } = *unsafe { Box::from_raw(start.cast::<Start>()) };
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: the name is a text that ends, and lives as long as the program.
    unsafe {
        libc::pthread_setname_np(libc::pthread_self(), name.as_ptr());
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = name;
    // What panics has said so; it may not leave through C.
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    std::ptr::null_mut()
}

/// Runs `work` aside of a runtime, on a thread of the engine. An error: there was no thread, or it
/// panicked.
pub(crate) async fn run<T: Send + 'static>(
    name: &'static CStr,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (done, result) = oneshot::channel();
    spawn(name, move || {
        // Nobody may wait for it any more.
        let _ = done.send(work());
    })?;
    result.await.map_err(io::Error::other)
}

/// There are no forks.
#[cfg(not(unix))]
pub(super) fn spawn_unmarked(
    name: &'static CStr,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let thread = std::thread::Builder::new().name(name.to_string_lossy().into_owned());
    thread.spawn(work).map(drop)
}
