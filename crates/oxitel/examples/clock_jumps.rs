//! The wall clock jumps by a day, forth and back, under running spans; the time that passes does
//! not. The program's own `clock_gettime` stands before the C library's and says so.

#![expect(unsafe_code, reason = "a function of the C library is replaced")]

use oxitel::{Config, Scope};
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

static SCOPE: Scope = Scope::new("clock jumps");

/// How far the wall clock is off, in seconds.
static OFF_BY: AtomicI64 = AtomicI64::new(0);

const DAY: i64 = 86_400;

/// The clock as the kernel has it, the wall clock shifted.
///
/// # Safety
///
/// As for the C library's function of this name.
// SAFETY: name and signature are those of the C library, and it does the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(
    clock: libc::clockid_t,
    time: *mut libc::timespec,
) -> libc::c_int {
    // SAFETY: the caller's pointer is passed on.
    let result = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) };
    if result == 0 && matches!(clock, libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE) {
        // SAFETY: the kernel has just written to it.
        unsafe { (*time).tv_sec += OFF_BY.load(Ordering::Relaxed) };
    }
    result as libc::c_int
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::new("clock-jumps").schedule_delay(Duration::from_millis(50));
    let _guard = oxitel::init(config)?;
    let mut around = SCOPE.span("around all jumps");
    for days in [0, 1, -1, 365 * 40, -365 * 40] {
        OFF_BY.store(days * DAY, Ordering::Relaxed);
        for _ in 0..3 {
            let mut span = SCOPE.span("after a jump");
            span.add_event("soon", &[]);
            // Longer than a second in all, so that the engine reads the clock anew.
            thread::sleep(Duration::from_millis(200));
            span.set_attribute("days", days);
        }
        let across = SCOPE.span("across a jump");
        thread::sleep(Duration::from_millis(50));
        OFF_BY.store(0, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(50));
        drop(across);
    }
    around.add_event("over", &[]);
    drop(around);
    println!("flush: {:?}", oxitel::flush(Duration::from_secs(5)));
    Ok(())
}
