//! Forks while other threads measure, for the first time and all the time. Each process counts its
//! own measurements, from zero, and judges itself: it ends with an error if a number is wrong.

#![expect(unsafe_code, reason = "`fork` is")]

use oxitel::metrics::{BoundCounter, Counter, Histogram, Meter};
use oxitel::testing::metrics::{self, Settings};
use oxitel::testing::proto::metrics::v1::{Metric, metric::Data, number_data_point};
use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

struct Instruments {
    counter: Counter,
    bound: BoundCounter,
    histogram: Histogram<f64>,
}

impl Instruments {
    fn new(meter: Meter) -> Self {
        let counter = meter.u64_counter("counter").build();
        let asked = meter.u64_observable_counter("asked").callback(|it| it.observe(5, &[]));
        asked.build();
        let histogram = meter.f64_histogram("histogram").build();
        Self { counter, bound: counter.bind(&[("bound", true.into())]), histogram }
    }

    /// Three measurements.
    fn measure(&self) {
        self.counter.add(1, &[("key", "value".into())]);
        self.bound.add(1);
        self.histogram.record(1.5, &[]);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let children: u64 = std::env::args().nth(1).ok_or("how many children?")?.parse()?;
    metrics::start(Settings::default());
    let instruments = Instruments::new(Meter::named("forked"));
    let (done, measured) = (AtomicBool::new(false), AtomicU64::new(0));
    let failed = thread::scope(|threads| {
        threads.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                instruments.measure();
                measured.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut failed = 0;
        for _ in 0..children {
            // Measures for the first time, at the moment of the fork.
            let fresh = threads.spawn(|| {
                instruments.measure();
                measured.fetch_add(1, Ordering::Relaxed);
            });
            failed += u64::from(!in_child(|| judged(&instruments))?);
            fresh.join().map_err(|_| io::Error::other("a thread panicked"))?;
        }
        done.store(true, Ordering::Relaxed);
        Ok::<_, io::Error>(failed)
    })?;
    let all = measured.load(Ordering::Relaxed);
    let own = numbers();
    if failed > 0 || own != expected(all) {
        return Err(format!("{failed} children failed; {own:?} after {all} rounds").into());
    }
    Ok(())
}

/// Whether a child counts its own and nothing else. It starts no thread: the standard library's
/// would wait for ever for one that was just starting in the parent.
fn judged(instruments: &Instruments) -> bool {
    instruments.measure();
    let first = numbers() == expected(1);
    instruments.measure();
    first && numbers() == expected(2)
}

fn expected(rounds: u64) -> Vec<(String, u64)> {
    let named = |name: &str, number| (name.to_owned(), number);
    vec![named("asked", 5), named("counter", 2 * rounds), named("histogram", rounds)]
}

/// Sums, and counts of histograms, by name.
fn numbers() -> Vec<(String, u64)> {
    let mut numbers: Vec<_> = metrics::collect_scope("forked").iter().map(number).collect();
    numbers.sort();
    numbers
}

fn number(metric: &Metric) -> (String, u64) {
    let number = match &metric.data {
        Some(Data::Sum(sum)) => {
            let numbers = sum.data_points.iter().map(|point| match point.value {
                Some(number_data_point::Value::AsInt(number)) => number as u64,
                _ => 0,
            });
            numbers.sum()
        }
        Some(Data::Histogram(data)) => data.data_points.iter().map(|point| point.count).sum(),
        _ => 0,
    };
    (metric.name.clone(), number)
}

/// Runs `work` in a child; whether it said yes.
fn in_child(work: impl FnOnce() -> bool) -> io::Result<bool> {
    // SAFETY: the child runs `work` and ends at once.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            let code = i32::from(!work());
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(code) }
        }
        child => {
            let mut status = 0;
            // SAFETY: the pointer is valid for the call.
            let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
            if waited < 0 { Err(io::Error::last_os_error()) } else { Ok(status == 0) }
        }
    }
}
