//! Requests as the engine's own metrics tell them: how many records are under way, and how long each
//! request took with its retries.

use super::health::{self, OXITEL};
use super::settings::Target;
use crate::export::{Outcome, SignalKind};
use crate::metrics::{Histogram, Meter};
use crate::record::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Seconds, as all durations of the conventions.
pub(super) const BOUNDS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Where durations of one signal's requests are counted.
#[derive(Clone, Debug)]
pub(super) struct Operations {
    component: health::Component,
    durations: Histogram<f64>,
}

impl Operations {
    pub(super) fn of(signal: SignalKind) -> Self {
        let durations = Meter::of(&OXITEL)
            .f64_histogram("otel.sdk.exporter.operation.duration")
            .unit("s")
            .description("How long requests took, with their retries")
            .bounds(BOUNDS)
            .build();
        Self { component: health::exporter(signal), durations }
    }

    /// A request has ended.
    pub(super) fn ended(&self, target: &Target, took: Duration, outcome: Outcome) {
        let mut attributes = health::with_error(&self.component, error_type(outcome));
        if let Target::Receiver(destination) = target {
            let (_, host, port) = destination.place();
            attributes.push(("server.address", Value::Str(host)));
            attributes.push(("server.port", Value::I64(port.into())));
        }
        self.durations.record(took.as_secs_f64(), &attributes);
    }
}

/// As the counters of records have it; empty for a success.
fn error_type(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered { .. } | Outcome::Spooled => "",
        Outcome::Rejected => "rejected",
        Outcome::Unreachable => "unreachable",
        Outcome::QueueFull => "queue_full",
        Outcome::ShutdownDeadline => "shutdown_deadline",
    }
}

/// Records that an exporter has been given and has not answered for.
#[derive(Debug)]
pub(super) struct UnderWay<'a> {
    count: &'a AtomicU64,
    records: u64,
}

impl<'a> UnderWay<'a> {
    pub(super) fn new(count: &'a AtomicU64, records: u64) -> Self {
        // Relaxed: a statistic.
        count.fetch_add(records, Ordering::Relaxed);
        Self { count, records }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(self.records, Ordering::Relaxed);
    }
}
