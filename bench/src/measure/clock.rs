//! CPU time instead of wall time: what other processes do meanwhile does not count.

#![expect(unsafe_code, reason = "the standard library does not read CPU clocks")]

/// CPU time of this thread.
pub(crate) fn thread_ns() -> u64 {
    read(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// CPU time of this process, all threads together, those that ended too.
pub(crate) fn process_ns() -> u64 {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is valid for the call. Both clocks exist on every Linux, so the call
    // cannot fail.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_another_thread_counts_for_the_process_alone() {
        let (thread, process) = (thread_ns(), process_ns());
        let busy = std::thread::spawn(|| {
            let begun = thread_ns();
            while thread_ns() - begun < 20_000_000 {
                std::hint::spin_loop();
            }
        });
        busy.join().expect("the thread only spins");
        assert!(process_ns() - process >= 20_000_000);
        assert!(thread_ns() - thread < 20_000_000);
    }
}
