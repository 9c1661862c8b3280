//! Ends a candidate that hangs: a flush that never returns must not hold the whole run.

use std::time::Duration;

/// Many times what the slowest candidate needs.
const LIMIT: Duration = Duration::from_mins(2);

/// Ends the process after [`LIMIT`]. The thread sleeps until then and costs no CPU time.
pub(super) fn start() {
    std::thread::spawn(|| {
        std::thread::sleep(LIMIT);
        eprintln!("not done after {} s", LIMIT.as_secs());
        std::process::exit(1);
    });
}
