//! Mixed faults by seed; see the example `simulation`.

use crate::session::run_example;
use std::time::Duration;

#[test]
fn fifty_seeds_of_mixed_faults_break_no_promise() {
    let (output, took) = run_example("simulation", &["0", "50"], "");
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{words}");
    assert!(words.contains("50 seeds, ") && words.contains(", 0 seeds failed"), "{words}");
    assert!(took < Duration::from_secs(180), "{took:?}");
}
