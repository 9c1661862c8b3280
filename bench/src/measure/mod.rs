//! The candidate's side of a measurement: warm up, wait for the word, measure, tell.
//!
//! Order: setup by `candidates` -> warm-up -> `ready` -> timed bursts -> counted bursts -> sample
//! as one JSON line. `clock` reads CPU times, `allocations` counts.

pub(crate) mod allocations;
mod clock;
mod watchdog;

pub(crate) use clock::{process_ns, thread_ns};

use crate::engine::{Candidate, Case};
use crate::workload::{self, Inputs};
use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::io::{self, BufRead, Write};
use std::time::{Duration, Instant};

/// What a candidate says when it is warm.
pub(crate) const READY: &str = "ready";

/// Long enough for clocks to calibrate and pools to fill.
const WARM_UP: Duration = Duration::from_millis(100);
const WARM_UP_BURSTS: u32 = 10;
/// Bursts for the count of allocations; they are not timed.
const COUNTED_BURSTS: u32 = 5;

/// What one process is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) case: Case,
    pub(crate) candidate: Candidate,
    /// The receiver's base URL.
    pub(crate) endpoint: String,
    /// How many bursts are timed.
    pub(crate) bursts: u32,
}

impl Order {
    /// As words on the command line.
    pub(crate) fn arguments(&self) -> [String; 4] {
        let Self { case, candidate, endpoint, bursts } = self;
        [case.name().into(), candidate.name().into(), endpoint.clone(), bursts.to_string()]
    }
}

/// What one process found, per span.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Recorded since [`READY`].
    pub(crate) spans: u64,
    /// CPU time of the recording thread: the median of all bursts.
    pub(crate) caller_ns: f64,
    /// CPU time of the process over all bursts with their flushes.
    pub(crate) total_ns: f64,
    /// On the recording thread; not counted at saturation, where counting would be timed.
    pub(crate) allocations: Option<f64>,
}

/// Measures `iterate`, which records the workload once; `flush` sends what was recorded.
pub(crate) fn measure(
    order: &Order,
    mut iterate: impl FnMut(&mut Inputs),
    mut flush: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    watchdog::start();
    let mut inputs = Inputs::new();
    warm_up(&mut || burst(&mut iterate, &mut inputs, Case::Exported.iterations()), &mut flush)?;
    wait_for_the_word()?;
    let mut record = || burst(&mut iterate, &mut inputs, order.case.iterations());
    let sample = match order.case {
        Case::Saturation => tight_loop(order, &mut record, &mut flush),
        Case::Exported => bursts(order, &mut record, &mut flush)?,
        Case::SampledOut | Case::Disabled => {
            let sample = bursts(order, &mut record, &mut || Ok(()))?;
            // Nothing should be there to flush: the receiver would count it.
            flush()?;
            sample
        }
    };
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string(&sample)?).context("standard output")
}

/// One stretch of work, compiled the same way for every candidate.
#[inline(never)]
fn burst(iterate: &mut impl FnMut(&mut Inputs), inputs: &mut Inputs, iterations: u64) {
    for _ in 0..iterations {
        iterate(inputs);
    }
    black_box(inputs);
}

fn warm_up(
    record: &mut impl FnMut(),
    flush: &mut impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut bursts = 0;
    while bursts < WARM_UP_BURSTS || begun.elapsed() < WARM_UP {
        record();
        flush()?;
        bursts += 1;
    }
    Ok(())
}

/// The conductor first takes note of what the warm-up sent.
fn wait_for_the_word() -> anyhow::Result<()> {
    println!("{READY}");
    let mut word = String::new();
    let length = io::stdin().lock().read_line(&mut word).context("standard input")?;
    ensure!(length > 0, "the conductor is gone");
    Ok(())
}

fn bursts(
    order: &Order,
    record: &mut impl FnMut(),
    flush: &mut impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<Sample> {
    let mut caller_ns = Vec::with_capacity(order.bursts as usize);
    let process_begun = clock::process_ns();
    for _ in 0..order.bursts {
        let begun = clock::thread_ns();
        record();
        caller_ns.push(clock::thread_ns() - begun);
        flush()?;
    }
    let total_ns = clock::process_ns() - process_begun;
    let mut allocations = 0;
    for _ in 0..COUNTED_BURSTS {
        allocations += allocations::during(&mut *record);
        flush()?;
    }
    caller_ns.sort_unstable();
    let in_burst = order.case.iterations() * workload::SPANS;
    Ok(Sample {
        spans: u64::from(order.bursts + COUNTED_BURSTS) * in_burst,
        caller_ns: caller_ns[caller_ns.len() / 2] as f64 / in_burst as f64,
        total_ns: total_ns as f64 / (u64::from(order.bursts) * in_burst) as f64,
        allocations: Some(allocations as f64 / (u64::from(COUNTED_BURSTS) * in_burst) as f64),
    })
}

fn tight_loop(
    order: &Order,
    record: &mut impl FnMut(),
    flush: &mut impl FnMut() -> anyhow::Result<()>,
) -> Sample {
    let process_begun = clock::process_ns();
    let begun = clock::thread_ns();
    record();
    let caller_ns = clock::thread_ns() - begun;
    let flushed = flush();
    let total_ns = clock::process_ns() - process_begun;
    if let Err(error) = flushed {
        // Here a loss is a result: the receiver's count says how much.
        eprintln!("{}: {error:#}", order.candidate.name());
    }
    let spans = order.case.iterations() * workload::SPANS;
    Sample {
        spans,
        caller_ns: caller_ns as f64 / spans as f64,
        total_ns: total_ns as f64 / spans as f64,
        allocations: None,
    }
}
