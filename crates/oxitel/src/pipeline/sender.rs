//! The sender: one thread with a runtime of its own, never the host's.
//!
//! Flow: record -> chunk -> queue -> **send**. It collects open chunks at the schedule delay,
//! writes whatever is queued, and reports flush tickets. What it gives up, it counts.

use super::buffer::Buffer;
use super::control::StopBy;
use super::engine::Engine;
use super::lane::Lane;
use super::settings::Settings;
use crate::context;
use crate::diagnose::{self, Cause};
use crate::export::{Batch, Exporter, Outcome};
use crate::stats::Dropped;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// How much one request carries; a receiver's default limits are a multiple of it.
const REQUEST_BYTES: usize = 2 << 20;
/// How long the periodic collection waits for a thread that is inside its chunk.
const COLLECT_PATIENCE: Duration = Duration::from_millis(50);

pub(super) fn spawn(engine: &'static Engine, settings: &'static Settings) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("oxitel-send".into());
    let started = thread.spawn(move || {
        let _ended = ReportEnd(engine);
        block_signals();
        context::suppress_thread();
        if let Some(runtime) = runtime(engine) {
            run(&runtime, engine, settings);
            // A resolver that hangs must not hold the thread.
            runtime.shutdown_background();
        }
    });
    started.map(drop)
}

/// Works until the engine ends. A panic costs the batch at hand, counted, and not the sender.
fn run(runtime: &Runtime, engine: &'static Engine, settings: &'static Settings) {
    let session = || runtime.block_on(work(engine, settings));
    while catch_unwind(AssertUnwindSafe(session)).is_err() {
        diagnose::warn(Cause::Panic, &"the sender panicked and starts again; please report it");
    }
}

/// Tells those who wait, also when the thread unwinds.
struct ReportEnd(&'static Engine);

impl Drop for ReportEnd {
    fn drop(&mut self) {
        let lane = &self.0.traces;
        for buffer in lane.take_all() {
            let records = buffer.records;
            drop(InFlight { lane, records, outcome: Outcome::ShutdownDeadline });
            lane.memory.give_back(buffer);
        }
        self.0.control.ended();
    }
}

/// The host's signal handlers run on the host's threads.
fn block_signals() {
    #[cfg(unix)]
    // SAFETY: the set is initialised by `sigfillset` before it is read; the mask is this
    // thread's own.
    unsafe {
        let mut all = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, std::ptr::null_mut());
    }
}

/// The thread's runtime; out of descriptors, it is tried again until there are some or the
/// engine ends.
fn runtime(engine: &Engine) -> Option<Runtime> {
    loop {
        let mut builder = Builder::new_current_thread();
        // The helper, too, records nothing.
        builder.enable_all().max_blocking_threads(1).on_thread_start(context::suppress_thread);
        let built = builder.build();
        engine.control.sender_is_ready();
        match built {
            Ok(runtime) => return Some(runtime),
            Err(error) => {
                diagnose::warn(Cause::NoRuntime, &format_args!("cannot send yet: {error}"));
                if engine.control.stop_asked_within(Duration::from_secs(1)) {
                    return None;
                }
            }
        }
    }
}

async fn work(engine: &'static Engine, settings: &'static Settings) {
    let lane = &engine.traces;
    let mut exporter = Exporter::new(settings, &engine.instance_id);
    let mut collect_at = Instant::now() + settings.schedule_delay;
    let mut ticket = 0;
    let mut dropped = lane.ledger.read().dropped;
    loop {
        if engine.control.ticket() == ticket && lane.is_empty() {
            wait(lane, collect_at).await;
        }
        if Instant::now() >= collect_at || lane.collection_wanted() {
            engine.registry.collect(lane, Instant::now() + COLLECT_PATIENCE);
            collect_at = Instant::now() + settings.schedule_delay;
        }
        report_drops(lane, &mut dropped);
        let asked = engine.control.ticket();
        let stopping = engine.control.stop_by().is_some();
        // What is queued now and no more: a flush ends while others go on recording.
        let mut waiting = lane.len();
        while waiting > 0 {
            let buffers = lane.take(waiting, REQUEST_BYTES);
            waiting = waiting.saturating_sub(buffers.len().max(1));
            deliver(engine, &mut exporter, buffers).await;
        }
        ticket = asked;
        engine.control.finish(ticket);
        if stopping {
            return;
        }
    }
}

async fn wait(lane: &Lane, until: Instant) {
    tokio::select! {
        () = lane.woken() => {}
        () = tokio::time::sleep_until(until.into()) => {}
    }
}

/// Sends the buffers as one request, with retries, and books the outcome.
async fn deliver(engine: &'static Engine, exporter: &mut Exporter, buffers: Vec<Buffer>) {
    let lane = &engine.traces;
    let records = buffers.iter().map(|buffer| buffer.records).sum();
    let mut in_flight = InFlight { lane, records, outcome: Outcome::Unreachable };
    let batch = Batch::new(exporter.resource(), buffers, lane);
    in_flight.outcome = tokio::select! {
        // After the deadline nothing is begun.
        biased;
        () = time_is_over(engine.control.stop_signal()) => Outcome::ShutdownDeadline,
        outcome = exporter.send(&batch, engine.control.stop_signal()) => outcome,
    };
}

/// Records that left the queue; they are booked exactly once, also when the sender unwinds.
struct InFlight<'a> {
    lane: &'a Lane,
    records: u64,
    outcome: Outcome,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let (ledger, records) = (&self.lane.ledger, self.records);
        match self.outcome {
            Outcome::Delivered { rejected } => {
                let rejected = rejected.min(records);
                ledger.rejected(rejected);
                ledger.delivered(records - rejected);
            }
            Outcome::Rejected => ledger.rejected(records),
            Outcome::Unreachable => ledger.dropped_unreachable(records),
            Outcome::ShutdownDeadline => {
                ledger.dropped_at_shutdown(records);
                let text =
                    format_args!("{records} records were not sent before the shutdown deadline");
                diagnose::warn(Cause::ShutdownDeadline, &text);
            }
        }
        // Last: in between the record is seen twice, not never.
        self.lane.settled(records);
    }
}

/// Says what recording threads dropped since `before`; they have no time to say it themselves.
fn report_drops(lane: &Lane, before: &mut Dropped) {
    let now = lane.ledger.read().dropped;
    let full = now.queue_full.saturating_sub(before.queue_full);
    if full > 0 {
        let text = format_args!("{full} records were dropped: the memory for telemetry is full");
        diagnose::warn(Cause::QueueFull, &text);
    }
    let large = now.too_large.saturating_sub(before.too_large);
    if large > 0 {
        let text = format_args!("{large} records were dropped: no request can be so large");
        diagnose::warn(Cause::TooLarge, &text);
    }
    *before = now;
}

/// Resolves at shutdown's deadline; never before shutdown is asked for.
async fn time_is_over(mut stop: watch::Receiver<StopBy>) {
    // The sender of this channel lives as long as the engine: for ever.
    if let Ok(deadline) = stop.wait_for(Option::is_some).await.map(|deadline| *deadline)
        && let Some(deadline) = deadline
    {
        tokio::time::sleep_until(deadline.into()).await;
    }
}
