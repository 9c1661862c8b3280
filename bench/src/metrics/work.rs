//! What every candidate does, and how long that takes.

use super::Costs;
use crate::measure::thread_ns;
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;

/// Series of each instrument: a power of two, so that taking the next one costs no division.
pub(super) const SERIES: usize = 8;
pub(super) const ROUTES: [&str; SERIES] =
    ["/", "/orders", "/orders/{id}", "/users", "/users/{id}", "/carts", "/health", "/metrics"];

/// Measurements in one burst, and bursts.
const BURST: u64 = 20_000;
const BURSTS: usize = 15;

/// One way to measure; told the number of the measurement.
pub(super) type Step<'a> = &'a (dyn Burst + Sync);

/// A stretch of measurements, compiled for each candidate.
pub(super) trait Burst {
    fn run(&self, measurements: u64);
}

impl<F: Fn(u64)> Burst for F {
    #[inline(never)]
    fn run(&self, measurements: u64) {
        for number in 0..measurements {
            self(black_box(number));
        }
    }
}

/// Runs each step by one thread and by two. Its name tells instrument and way.
pub(super) fn measure(steps: &[(&str, Step<'_>)]) -> Costs {
    let mut costs = Costs::new();
    for (name, step) in steps {
        for threads in [1, 2] {
            costs.insert(format!("{name}/{threads}"), cost(*step, threads));
        }
    }
    costs
}

/// CPU time of one measurement: the median of all bursts of all threads.
fn cost(step: Step<'_>, threads: usize) -> f64 {
    let together = Barrier::new(threads);
    let timed = || {
        step.run(BURST);
        let burst = |_| {
            together.wait();
            let begun = thread_ns();
            step.run(BURST);
            thread_ns() - begun
        };
        (0..BURSTS).map(burst).collect::<Vec<_>>()
    };
    let mut all: Vec<u64> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(timed)).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    all.sort_unstable();
    all.get(all.len() / 2).map_or(0.0, |median| *median as f64 / BURST as f64)
}
