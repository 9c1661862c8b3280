//! A stream processor: its metrics, what they and their attributes are called, and instruments
//! that are ready.
//!
//! ```
//! use oxitel::conventions::stream;
//! use oxitel::conventions::stream::metric_attributes::{DROP_REASON, EVENT_TYPE};
//!
//! let stream = stream::instruments();
//! stream.events_processed.add(1, &[(EVENT_TYPE, "metric".into())]);
//! stream.events_dropped.add(1, &[(DROP_REASON, "late".into())]);
//! stream.watermark_lag.record(1000, &[]);
//! ```

use super::Metric;
use super::made::Made;
use crate::metrics::{Counter, Gauge, Histogram, InstrumentKind, Meter};
use crate::record::Scope;

/// Names of the metrics.
pub mod metric_names {
    /// Events that were processed: a counter, in `{event}`.
    pub const EVENTS_PROCESSED: &str = "processor.events.processed";
    /// Events that were dropped, each with its
    /// [`DROP_REASON`](super::metric_attributes::DROP_REASON): a counter, in `{event}`.
    pub const EVENTS_DROPPED: &str = "processor.events.dropped";
    /// Windows that fired: a counter, in `{trigger}`.
    pub const WINDOW_TRIGGERS: &str = "processor.window.triggers";
    /// Events that were there before: a counter, in `{event}`.
    pub const DEDUPLICATION_COUNT: &str = "processor.deduplication.count";
    /// How long an event took: a histogram, in milliseconds.
    pub const PROCESSING_DURATION: &str = "processor.processing.duration";
    /// How long an aggregation took: a histogram, in milliseconds.
    pub const AGGREGATION_DURATION: &str = "processor.aggregation.duration";
    /// How long the state took to answer: a histogram, in milliseconds.
    pub const STATE_OPERATION_DURATION: &str = "processor.state.operation.duration";
    /// How far the watermark is behind: a gauge, in milliseconds.
    pub const WATERMARK_LAG: &str = "processor.watermark.lag";
}

/// Keys of the attributes.
pub mod metric_attributes {
    /// What kind of event it was.
    pub const EVENT_TYPE: &str = "event.type";
    /// What was done: an aggregation, a join, an access to the state.
    pub const OPERATION_TYPE: &str = "operation.type";
    /// Which partition of the stream it was.
    pub const PARTITION_ID: &str = "partition.id";
    /// Why an event was dropped.
    pub const DROP_REASON: &str = "drop.reason";
}

use metric_attributes::{DROP_REASON, EVENT_TYPE, OPERATION_TYPE, PARTITION_ID};

/// Milliseconds, from a tenth to ten seconds.
const MILLISECONDS: &[f64] = &[
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0,
    10_000.0,
];

const fn events(name: &'static str) -> Metric {
    Metric::new(name, InstrumentKind::Counter).unit("{event}")
}

const fn duration(name: &'static str) -> Metric {
    let metric = Metric::new(name, InstrumentKind::Histogram).unit("ms").bounds(MILLISECONDS);
    metric.labels(&[OPERATION_TYPE])
}

const EVENTS_PROCESSED: Metric =
    events(metric_names::EVENTS_PROCESSED).says("Events that were processed").labels(&[EVENT_TYPE]);
const EVENTS_DROPPED: Metric = events(metric_names::EVENTS_DROPPED)
    .says("Events that were dropped")
    .labels(&[EVENT_TYPE, DROP_REASON]);
const WINDOW_TRIGGERS: Metric = Metric::new(metric_names::WINDOW_TRIGGERS, InstrumentKind::Counter)
    .unit("{trigger}")
    .says("Windows that fired");
const DEDUPLICATION_COUNT: Metric = events(metric_names::DEDUPLICATION_COUNT)
    .says("Events that were there before")
    .labels(&[EVENT_TYPE]);
const PROCESSING_DURATION: Metric =
    duration(metric_names::PROCESSING_DURATION).says("How long an event took");
const AGGREGATION_DURATION: Metric =
    duration(metric_names::AGGREGATION_DURATION).says("How long an aggregation took");
const STATE_OPERATION_DURATION: Metric =
    duration(metric_names::STATE_OPERATION_DURATION).says("How long the state took to answer");
const WATERMARK_LAG: Metric = Metric::new(metric_names::WATERMARK_LAG, InstrumentKind::Gauge)
    .unit("ms")
    .says("How far the watermark is behind")
    .labels(&[PARTITION_ID]);

/// All metrics of a stream processor. A recorder that makes instruments by their names finds unit
/// and description here: two descriptions of one name would be two metrics.
pub const METRICS: &[Metric] = &[
    EVENTS_PROCESSED,
    EVENTS_DROPPED,
    WINDOW_TRIGGERS,
    DEDUPLICATION_COUNT,
    PROCESSING_DURATION,
    AGGREGATION_DURATION,
    STATE_OPERATION_DURATION,
    WATERMARK_LAG,
];

/// The instruments of a stream processor, to copy around.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Instruments {
    /// Counts events that were processed.
    pub events_processed: Counter<u64>,
    /// Counts events that were dropped.
    pub events_dropped: Counter<u64>,
    /// Counts windows that fired.
    pub window_triggers: Counter<u64>,
    /// Counts events that were there before.
    pub deduplication_count: Counter<u64>,
    /// Milliseconds that an event took.
    pub processing_duration: Histogram<f64>,
    /// Milliseconds that an aggregation took.
    pub aggregation_duration: Histogram<f64>,
    /// Milliseconds that the state took to answer.
    pub state_operation_duration: Histogram<f64>,
    /// Milliseconds that the watermark is behind.
    pub watermark_lag: Gauge<i64>,
}

impl Instruments {
    /// Those of this meter.
    pub fn of(meter: Meter) -> Self {
        Self {
            events_processed: EVENTS_PROCESSED.u64_counter(meter),
            events_dropped: EVENTS_DROPPED.u64_counter(meter),
            window_triggers: WINDOW_TRIGGERS.u64_counter(meter),
            deduplication_count: DEDUPLICATION_COUNT.u64_counter(meter),
            processing_duration: PROCESSING_DURATION.f64_histogram(meter),
            aggregation_duration: AGGREGATION_DURATION.f64_histogram(meter),
            state_operation_duration: STATE_OPERATION_DURATION.f64_histogram(meter),
            watermark_lag: WATERMARK_LAG.i64_gauge(meter),
        }
    }
}

static SCOPE: Scope = Scope::new("processor");
static MADE: Made<Instruments> = Made::none();

/// Those of the scope `processor`, made at the first call.
pub fn instruments() -> &'static Instruments {
    MADE.get(|| Instruments::of(Meter::of(&SCOPE)))
}
