//! Random measurements of two threads, while the process forks: `measurements COUNT`. Each process
//! adds up what it measures beside the engine, and prints the sums as a line of its own.

#![expect(unsafe_code, reason = "`fork` is")]

use oxitel::Config;
use oxitel::metrics::{Aggregation, BoundCounter, Counter, Histogram, Meter, UpDownCounter, View};
use std::error::Error;
use std::fmt;
use std::io;
use std::thread;
use std::time::Duration;

/// Attribute sets, and the most points of a metric: the rest is in one for all.
const SETS: u64 = 40;
const LIMIT: usize = 25;
const CHILDREN: u64 = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let count: u64 = std::env::args().nth(1).ok_or("how many measurements?")?.parse()?;
    let mut config = Config::new("measurements")
        .view(View::of("counter").cardinality_limit(LIMIT))
        .view(View::of("up_down").cardinality_limit(LIMIT))
        .view(View::of("histogram").cardinality_limit(LIMIT))
        .view(View::of("sizes").cardinality_limit(LIMIT).aggregation(Aggregation::exponential()));
    // Many collections in the middle of it.
    config.metric_reader.interval = Duration::from_millis(20);
    let _telemetry = oxitel::init(config.own_metrics(false))?;
    let instruments = Instruments::new(Meter::named("measurements"));
    // A half for the two threads of this process, a half for its children.
    let (of_a_thread, of_a_child) = (count / 4, count / 2 / CHILDREN);
    let sums = thread::scope(|threads| {
        let both = [1, 2].map(|seed| {
            let instruments = &instruments;
            threads.spawn(move || instruments.measure(of_a_thread, seed))
        });
        for child in 1..=CHILDREN {
            fork(|| println!("{}", instruments.measure(of_a_child, 100 + child)))?;
        }
        let mut sums = Sums::default();
        for thread in both {
            sums.add(&thread.join().map_err(|_| io::Error::other("a thread panicked"))?);
        }
        Ok::<_, io::Error>(sums)
    })?;
    println!("{sums}");
    Ok(())
}

struct Instruments {
    counter: Counter,
    bound: BoundCounter,
    up_down: UpDownCounter<i64>,
    histogram: Histogram<f64>,
    sizes: Histogram,
}

/// Of all attribute sets together: exact, as values are whole numbers.
#[derive(Default)]
struct Sums {
    counter: u64,
    up_down: i64,
    count: u64,
    sum: u64,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.counter += other.counter;
        self.up_down += other.up_down;
        self.count += other.count;
        self.sum += other.sum;
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { counter, up_down, count, sum } = self;
        write!(f, "sums {counter} {up_down} {count} {sum}")
    }
}

impl Instruments {
    fn new(meter: Meter) -> Self {
        let counter = meter.u64_counter("counter").build();
        Self {
            counter,
            bound: counter.bind(&[("set", 3.into())]),
            up_down: meter.i64_up_down_counter("up_down").build(),
            histogram: meter.f64_histogram("histogram").build(),
            sizes: meter.u64_histogram("sizes").build(),
        }
    }

    /// Measures at random, and adds up along.
    fn measure(&self, times: u64, seed: u64) -> Sums {
        let mut sums = Sums::default();
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for _ in 0..times {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let (set, value) = ((random >> 8) % SETS, (random >> 16) % 1000);
            let attributes = [("set", set.into())];
            match random % 4 {
                0 => {
                    self.counter.add(value, &attributes);
                    sums.counter += value;
                }
                1 => {
                    self.bound.add(value);
                    sums.counter += value;
                }
                2 => {
                    self.up_down.add(value as i64 - 500, &attributes);
                    sums.up_down += value as i64 - 500;
                }
                _ => {
                    self.histogram.record(value as f64, &attributes);
                    self.sizes.record(value, &attributes);
                    sums.count += 1;
                    sums.sum += value;
                }
            }
        }
        sums
    }
}

/// Runs `work` in a child and waits for it.
fn fork(work: impl FnOnce()) -> io::Result<()> {
    // SAFETY: the child measures, sends and exits, as programs with forked workers do.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            work();
            // Rust's own `exit` takes a lock that another thread may have held at the fork.
            // SAFETY: the C library's `exit` runs the handlers and ends the process.
            unsafe { libc::exit(0) };
        }
        child => {
            let mut status = 0;
            // SAFETY: the pointer is valid for the call.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            if status == 0 { Ok(()) } else { Err(io::Error::other(format!("child: {status:#x}"))) }
        }
    }
}
