//! A recording makes no instrument: it allocates what its caller gives, and nothing of its own.

#[path = "../../../crates/oxitel/tests/support/allocations.rs"]
mod allocations;

use oxitel::testing::Receiver;
use processor::OtelKeyValue;
use processor::telemetry::{
    MetricsRecorder, OtlpProtocol, TelemetryConfig, init_telemetry, metric_attributes, metric_names,
};
use std::time::Instant;

/// So many recordings in each of so many rounds.
const TIMES: u64 = 100;

/// What each recording allocates once it is known, and how many nanoseconds it takes in the best
/// round: other programs do not count.
fn cost(record: impl Fn()) -> (u64, u128) {
    record();
    let before = allocations::so_far();
    let round = || {
        let begun = Instant::now();
        (0..TIMES).for_each(|_| record());
        begun.elapsed().as_nanos() / u128::from(TIMES)
    };
    let best = (0..TIMES).map(|_| round()).min().unwrap_or_default();
    ((allocations::so_far() - before) / (TIMES * TIMES), best)
}

#[test]
fn a_recording_allocates_what_it_is_given_and_nothing_else() {
    let receiver = Receiver::start();
    let config = TelemetryConfig::default()
        .with_otlp_endpoint(receiver.endpoint())
        .with_otlp_protocol(OtlpProtocol::Http);
    let _providers = init_telemetry(config).expect("telemetry starts");
    let alone = MetricsRecorder::new();
    let common = MetricsRecorder::new().with_attribute("service", "processor");
    let attribute = || OtelKeyValue::new(metric_attributes::EVENT_TYPE, "metric");
    let costs = [
        ("the list of its caller", 1, cost(|| drop(vec![attribute()]))),
        (
            "a counter",
            0,
            cost(|| {
                alone.record_counter("processor", metric_names::EVENTS_PROCESSED, 1, vec![]);
            }),
        ),
        (
            "a histogram",
            0,
            cost(|| {
                alone.record_histogram("processor", metric_names::PROCESSING_DURATION, 1.5, vec![]);
            }),
        ),
        (
            "a gauge",
            0,
            cost(|| alone.record_gauge("processor", metric_names::WATERMARK_LAG, 1, vec![])),
        ),
        ("a common attribute", 1, cost(|| alone_with(&common, vec![]))),
        ("an attribute", 1, cost(|| alone_with(&alone, vec![attribute()]))),
        ("both, in a list that grows", 2, cost(|| alone_with(&common, vec![attribute()]))),
        ("an unknown name", 0, cost(|| alone.record_counter("other", "of.nobody", 1, vec![]))),
        ("no name", 0, cost(|| alone.record_counter("other", "no name", 1, vec![]))),
    ];
    for (what, expected, (allocations, nanoseconds)) in costs {
        println!("{what}: {allocations} allocations, {nanoseconds} ns");
        assert_eq!(allocations, expected, "{what}");
    }
}

fn alone_with(recorder: &MetricsRecorder, attributes: Vec<OtelKeyValue>) {
    recorder.record_counter("processor", metric_names::EVENTS_DROPPED, 1, attributes);
}
