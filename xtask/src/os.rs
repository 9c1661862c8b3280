//! The calls of the operating system that the standard library does not wrap: being asked to
//! stop, ending a whole group of processes, and children that never outlive this process.
#![expect(
    unsafe_code,
    reason = "signals have no safe wrapper in std; each block says why it holds"
)]

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

static STOPS_ASKED: AtomicU32 = AtomicU32::new(0);

/// How a group of processes is told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// In its own way: flush, say the last word, exit.
    Asked,
    /// At once.
    Forced,
}

/// From now on Ctrl-C, a closed terminal and a polite kill only count; `stops_asked` tells.
pub(crate) fn catch_stop_signals() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        // SAFETY: the handler only adds to an atomic, which is allowed at any point of the
        // program; it has the signature that signal() wants.
        unsafe { libc::signal(signal, count_stop as *const () as libc::sighandler_t) };
    }
}

extern "C" fn count_stop(_signal: libc::c_int) {
    // Relaxed: a lone counter, nothing else is published with it.
    STOPS_ASKED.fetch_add(1, Ordering::Relaxed);
}

/// How often this process was asked to stop since `catch_stop_signals`.
pub(crate) fn stops_asked() -> u32 {
    STOPS_ASKED.load(Ordering::Relaxed)
}

/// Gives the command a process group of its own, so that Ctrl-C reaches this process alone and
/// the order of stopping is ours, and lets it die when this process dies (on Linux).
///
/// The kernel ties the child to the thread that starts it: call from the main thread.
pub(crate) fn own_group(command: &mut Command) -> &mut Command {
    command.process_group(0);
    die_with_parent(command)
}

#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command) -> &mut Command {
    let parent = std::process::id();
    // SAFETY: between fork and exec only prctl and getppid run; both are async-signal-safe and
    // touch no memory of the parent.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) != 0 {
                return Err(std::io::Error::last_os_error());
            }
            // The parent may have died before the call above.
            if libc::getppid().cast_unsigned() != parent {
                return Err(std::io::Error::other("the parent is gone"));
            }
            Ok(())
        })
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(command: &mut Command) -> &mut Command {
    command
}

/// Tells every process of the group of `leader` to end.
pub(crate) fn end_group(leader: u32, ending: Ending) {
    let signal = match ending {
        Ending::Asked => libc::SIGTERM,
        Ending::Forced => libc::SIGKILL,
    };
    // SAFETY: kill takes no pointers. The caller has not reaped `leader` yet, so its number, and
    // with it the group's, cannot belong to anybody else. A group already gone is no error here.
    unsafe { libc::kill(-leader.cast_signed(), signal) };
}
