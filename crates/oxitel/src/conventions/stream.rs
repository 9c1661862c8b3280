//! A stream processor: what its metrics and their attributes are called.

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
