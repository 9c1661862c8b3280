//! Times and ids that are the same in every run, for snapshots that show them.

use crate::pipeline::{clock, local};

/// From now on the clock of this process reads `start_ns`, then one step more at each reading.
/// A span reads it twice: when it starts and when it ends. Call it after [`init`](crate::init),
/// which chooses the clock.
pub fn fix_clock(start_ns: u64, step_ns: u64) {
    clock::fix(start_ns, step_ns);
}

/// From now on the ids that this thread makes follow from `seed`. Call it after
/// [`init`](crate::init).
pub fn fix_ids(seed: u64) {
    local::fix_random(seed);
}
