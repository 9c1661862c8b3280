//! What every candidate does, and how long that takes.

use super::Sample;
use crate::measure::{allocations, process_ns, thread_ns};
use crate::workload::Inputs;
use std::time::{Duration, Instant};

/// The ids of the span in which everything is said: one of another process, so that no candidate
/// sends spans.
pub(super) const TRACE: [u8; 16] = [7; 16];
pub(super) const SPAN: [u8; 8] = [9; 8];

/// Records in one burst: half of what the peer's queue holds.
const BURST: u64 = 1_000;
/// Timed bursts.
const BURSTS: u64 = 100;
/// Bursts for the count of allocations; they are not timed.
const COUNTED_BURSTS: u64 = 5;
const WARM_UP: Duration = Duration::from_millis(100);

/// Measures `say`, which says the event once; `flush` sends what was said.
pub(super) fn measure(
    mut say: impl FnMut(&mut Inputs),
    mut flush: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<Sample> {
    let mut inputs = Inputs::new();
    let mut records = 0;
    let mut burst = || {
        records += BURST;
        stretch(&mut say, &mut inputs);
    };
    let begun = Instant::now();
    while begun.elapsed() < WARM_UP {
        burst();
        flush()?;
    }
    let mut caller_ns = Vec::with_capacity(BURSTS as usize);
    let process_begun = process_ns();
    for _ in 0..BURSTS {
        let begun = thread_ns();
        burst();
        caller_ns.push(thread_ns() - begun);
        flush()?;
    }
    let total_ns = process_ns() - process_begun;
    let mut allocations = 0;
    for _ in 0..COUNTED_BURSTS {
        allocations += allocations::during(&mut burst);
        flush()?;
    }
    caller_ns.sort_unstable();
    Ok(Sample {
        records,
        caller_ns: caller_ns[caller_ns.len() / 2] as f64 / BURST as f64,
        total_ns: total_ns as f64 / (BURSTS * BURST) as f64,
        allocations: allocations as f64 / (COUNTED_BURSTS * BURST) as f64,
        wire_bytes: 0.0,
    })
}

/// One burst, compiled the same way for every candidate.
#[inline(never)]
fn stretch(say: &mut impl FnMut(&mut Inputs), inputs: &mut Inputs) {
    for _ in 0..BURST {
        say(inputs);
    }
}

/// The event through the macros of `tracing`, whatever listens.
pub(super) fn event(inputs: &mut Inputs) {
    let values = inputs.next();
    tracing::info!(
        http.request.method = values.method,
        user.id = values.user,
        http.response.status_code = values.status,
        cache.hit = values.cache_hit,
        "the request was served"
    );
}
