//! The engine's own health as metrics: `otel.sdk.*`, from the ledgers of spans and log records.
//!
//! Each report adds what the ledger counted since the report before, so that own metrics have the
//! program's temporality and views.

use super::engine::Engine;
use super::lane::Lane;
use super::operations::BOUNDS;
use crate::export::SignalKind;
use crate::metrics::{BoundCounter, BoundHistogram, BoundUpDownCounter, Meter, UpDownCounter};
use crate::record::Scope;
use crate::stats::Stats;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub(super) static OXITEL: Scope = Scope::new("oxitel").version(env!("CARGO_PKG_VERSION"));

/// What was reported, and where reports go.
#[derive(Debug)]
pub(super) struct Health {
    spans: Processor,
    logs: Processor,
    points: Exporter,
    live: Level,
    created: Growth,
    started: Growth,
    collections: BoundHistogram<f64>,
}

impl Health {
    /// What earlier sessions counted is not told again.
    pub(super) fn new(engine: &Engine) -> Self {
        let meter = Meter::of(&OXITEL);
        let started = meter
            .u64_counter("otel.sdk.span.started")
            .unit("{span}")
            .description("Spans that were started and sampled")
            .build();
        let sampled = [("otel.span.sampling_result", "RECORD_AND_SAMPLE".into())];
        let live = meter
            .i64_up_down_counter("otel.sdk.span.live")
            .unit("{span}")
            .description("Spans that were started and have not ended")
            .build();
        let created = meter
            .u64_counter("otel.sdk.log.created")
            .unit("{log_record}")
            .description("Log records that were made")
            .build();
        let reader = Component::new("periodic_metric_reader".to_owned());
        let collections = meter
            .f64_histogram("otel.sdk.metric_reader.collection.duration")
            .unit("s")
            .description("How long it took to collect what was measured")
            .bounds(BOUNDS)
            .build();
        Self {
            spans: Processor::new(meter, SignalKind::Traces),
            logs: Processor::new(meter, SignalKind::Logs),
            points: Exporter::new(meter, SignalKind::Metrics),
            live: Level::new(live.bind(&sampled)),
            created: Growth::new(created.bind(&[])),
            started: Growth::new(started.bind(&sampled)),
            collections: collections.bind(&with_error(&reader, "")),
        }
        .since(engine)
    }

    fn since(mut self, engine: &Engine) -> Self {
        self.each_growth(&engine.before(), Growth::begin_at);
        self
    }

    /// Adds what happened since the last report.
    pub(super) fn report(&mut self, engine: &Engine) {
        let now = SignalKind::ALL.map(|signal| engine.stats_of(signal));
        self.each_growth(&now, Growth::reach);
        let [spans, _, logs] = now;
        self.live.reach(spans.live);
        self.spans.reach(engine.lane(SignalKind::Traces), spans.queued);
        self.logs.reach(engine.lane(SignalKind::Logs), logs.queued);
        self.points.reach(engine.lane(SignalKind::Metrics));
    }

    /// A collection is over: the next one tells.
    pub(super) fn collected(&self, took: Duration) {
        self.collections.record(took.as_secs_f64());
    }

    fn each_growth(&mut self, [spans, points, logs]: &[Stats; 3], visit: Visit) {
        visit(&mut self.started, spans.recorded + spans.live);
        visit(&mut self.created, logs.recorded);
        self.spans.each_growth(spans, visit);
        self.logs.each_growth(logs, visit);
        self.points.each_growth(points, visit);
    }
}

/// What is done with a number that only grows, and with where it stands.
type Visit = fn(&mut Growth, u64);

/// A number that only grows.
#[derive(Debug)]
struct Growth {
    counter: BoundCounter<u64>,
    reported: u64,
}

impl Growth {
    fn new(counter: BoundCounter<u64>) -> Self {
        Self { counter, reported: 0 }
    }

    fn begin_at(&mut self, before: u64) {
        self.reported = before;
    }

    fn reach(&mut self, now: u64) {
        // The parts of a sum are read one after the other, so that it may seem to shrink.
        if now > self.reported {
            self.counter.add(now - self.reported);
            self.reported = now;
        }
    }
}

/// A number that grows and shrinks.
#[derive(Debug)]
struct Level {
    counter: BoundUpDownCounter<i64>,
    reported: u64,
}

impl Level {
    fn new(counter: BoundUpDownCounter<i64>) -> Self {
        Self { counter, reported: 0 }
    }

    fn reach(&mut self, now: u64) {
        self.counter.add(now as i64 - self.reported as i64);
        self.reported = now;
    }
}

/// Chunks and queue of one signal, which stand for the standard's batch processor, and the
/// exporter behind them.
#[derive(Debug)]
struct Processor {
    waiting: Level,
    room: Level,
    processed: Growth,
    queue_full: Growth,
    too_large: Growth,
    already_shutdown: Growth,
    exporter: Exporter,
}

impl Processor {
    fn new(meter: Meter, signal: SignalKind) -> Self {
        let (word, unit) = words(signal);
        let component = Component::new(format!("batching_{word}_processor"));
        let waiting: UpDownCounter<i64> = meter
            .i64_up_down_counter(&format!("otel.sdk.processor.{word}.queue.size"))
            .unit(unit)
            .description("Records that wait to be sent")
            .build();
        let room: UpDownCounter<i64> = meter
            .i64_up_down_counter(&format!("otel.sdk.processor.{word}.queue.capacity"))
            .unit(unit)
            .description("Records that may wait, where their number is limited")
            .build();
        let processed = meter
            .u64_counter(&format!("otel.sdk.processor.{word}.processed"))
            .unit(unit)
            .description("Records that were dealt with; with error.type, those that were dropped")
            .build();
        let outcome = |error: &str| Growth::new(processed.bind(&with_error(&component, error)));
        Self {
            waiting: Level::new(waiting.bind(&with_error(&component, ""))),
            room: Level::new(room.bind(&with_error(&component, ""))),
            processed: outcome(""),
            queue_full: outcome("queue_full"),
            too_large: outcome("too_large"),
            already_shutdown: outcome("already_shutdown"),
            exporter: Exporter::new(meter, signal),
        }
    }

    fn reach(&mut self, lane: &Lane, queued: u64) {
        self.waiting.reach(queued);
        if let Some(room) = lane.items.queue() {
            self.room.reach(room);
        }
        self.exporter.reach(lane);
    }

    fn each_growth(&mut self, stats: &Stats, visit: Visit) {
        let dropped = &stats.dropped;
        let sent = stats.delivered + stats.rejected;
        visit(&mut self.processed, sent + dropped.unreachable + dropped.shutdown_deadline);
        visit(&mut self.queue_full, dropped.queue_full);
        visit(&mut self.too_large, dropped.too_large);
        visit(&mut self.already_shutdown, dropped.already_shutdown);
        self.exporter.each_growth(stats, visit);
    }
}

/// What became of a signal's records at the receiver.
#[derive(Debug)]
struct Exporter {
    under_way: Level,
    delivered: Growth,
    rejected: Growth,
    unreachable: Growth,
    shutdown_deadline: Growth,
}

impl Exporter {
    fn new(meter: Meter, signal: SignalKind) -> Self {
        let (word, unit) = words(signal);
        let component = exporter(signal);
        let under_way: UpDownCounter<i64> = meter
            .i64_up_down_counter(&format!("otel.sdk.exporter.{word}.inflight"))
            .unit(unit)
            .description("Records in requests that nobody has answered yet")
            .build();
        let exported = meter
            .u64_counter(&format!("otel.sdk.exporter.{word}.exported"))
            .unit(unit)
            .description("Records that were sent; with error.type, those that were lost")
            .build();
        let outcome = |error: &str| Growth::new(exported.bind(&with_error(&component, error)));
        Self {
            under_way: Level::new(under_way.bind(&with_error(&component, ""))),
            delivered: outcome(""),
            rejected: outcome("rejected"),
            unreachable: outcome("unreachable"),
            shutdown_deadline: outcome("shutdown_deadline"),
        }
    }

    fn reach(&mut self, lane: &Lane) {
        // Relaxed: a statistic.
        self.under_way.reach(lane.under_way.load(Ordering::Relaxed));
    }

    fn each_growth(&mut self, stats: &Stats, visit: Visit) {
        visit(&mut self.delivered, stats.delivered);
        visit(&mut self.rejected, stats.rejected);
        visit(&mut self.unreachable, stats.dropped.unreachable);
        visit(&mut self.shutdown_deadline, stats.dropped.shutdown_deadline);
    }
}

/// What a signal's records are called, and counted in.
fn words(signal: SignalKind) -> (&'static str, &'static str) {
    match signal {
        SignalKind::Traces => ("span", "{span}"),
        SignalKind::Metrics => ("metric_data_point", "{data_point}"),
        SignalKind::Logs => ("log", "{log_record}"),
    }
}

/// The type and the name of a component: there is one of each.
#[derive(Clone, Debug)]
pub(super) struct Component {
    kind: String,
    name: String,
}

impl Component {
    fn new(kind: String) -> Self {
        Self { name: format!("{kind}/0"), kind }
    }
}

/// Who sends a signal.
pub(super) fn exporter(signal: SignalKind) -> Component {
    Component::new(format!("oxitel_{}_exporter", words(signal).0))
}

pub(super) fn with_error<'a>(
    component: &'a Component,
    error: &'a str,
) -> Vec<(&'a str, crate::Value<'a>)> {
    let mut attributes = vec![
        ("otel.component.type", component.kind.as_str().into()),
        ("otel.component.name", component.name.as_str().into()),
    ];
    if !error.is_empty() {
        attributes.push(("error.type", error.into()));
    }
    attributes
}
