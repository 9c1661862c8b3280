//! The same measurements through the OpenTelemetry API, under `opentelemetry_sdk` and under us:
//! the same points.
//!
//! What differs by intent and is not compared: when a point begins (ours with its first
//! measurement, there with the process), the number of points that a limit of attribute sets
//! allows (ours counts the point for the rest), measurements that a counter should never get, and points of
//! bound handles that nobody used (there they are 0, here they are not).

use opentelemetry::KeyValue;
use opentelemetry::metrics::{
    BoundCounter, BoundHistogram, Counter, Gauge, Histogram, Meter, MeterProvider, UpDownCounter,
};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{
    Metric, NumberDataPoint, ScopeMetrics, metric::Data, number_data_point,
};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Stream,
    Temporality,
};
use oxitel::config::Temporality as Ours;
use oxitel::metrics::{Aggregation as OurAggregation, View};
use oxitel::testing::metrics::{self, Settings};
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

#[test]
fn random_measurements_give_the_same_points_as_the_sdk() {
    let _turn = crate::session::turn();
    let temporalities = [
        (Temporality::Cumulative, Ours::Cumulative),
        (Temporality::Delta, Ours::Delta),
        (Temporality::LowMemory, Ours::LowMemory),
    ];
    let mut compared = 0;
    for (theirs, ours) in temporalities {
        for seed in 1..=8 {
            compared += run(theirs, ours, seed);
        }
    }
    assert!(compared > 5_000, "{compared} points");
}

/// One program under both; returns the number of points that were compared.
fn run(theirs: Temporality, ours: Ours, seed: u64) -> usize {
    let reader = Shared(Arc::new(ManualReader::builder().with_temporality(theirs).build()));
    let sdk = SdkMeterProvider::builder()
        .with_reader(reader.clone())
        .with_view(exponential_there)
        .with_view(filtered_there)
        .build();
    let views = vec![
        View::of("exponential.*").aggregation(OurAggregation::exponential()),
        View::of("filtered").keep(["a"]),
    ];
    metrics::start(Settings { temporality: ours, views, ..Settings::default() });
    let name: &'static str = Box::leak(format!("differential {theirs:?} {seed}").into());
    let peer = Program::new(&sdk.meter(name));
    let own = Program::new(&oxitel::bridge::opentelemetry::MeterProvider::new().meter(name));
    let mut random = Random(seed * 0x9e37_79b9 + 1);
    let mut compared = 0;
    for collection in 0..12 {
        for _ in 0..random.below(120) {
            let step = Step::random(&mut random);
            peer.run(&step);
            own.run(&step);
        }
        let mut collected = ResourceMetrics::default();
        reader.collect(&mut collected).expect("collected");
        let there = ExportMetricsServiceRequest::from(&collected);
        let there = there.resource_metrics.into_iter().flat_map(|it| it.scope_metrics);
        let there = points(there.collect(), name);
        let here = points(metrics::collect(), name);
        for (point, value) in &there {
            let found = here.get(point);
            if found.is_none() && is_unused_handle(point, value) {
                continue;
            }
            assert!(
                found.is_some_and(|found| is_close(found, value)),
                "{name}, collection {collection}: {point}\n there {value}\n here  {found:?}"
            );
        }
        let more: Vec<_> = here.keys().filter(|point| !there.contains_key(*point)).collect();
        assert!(more.is_empty(), "{name}, collection {collection}: only here {more:?}");
        compared += there.len();
    }
    metrics::stop();
    compared
}

/// The SDK shows handles that were bound and not used yet, or not in this interval.
fn is_unused_handle(point: &str, value: &Numbers) -> bool {
    point.contains("bound=") && (value.exact == "whole 0" || value.exact.starts_with("(0,"))
}

fn exponential_there(instrument: &Instrument) -> Option<Stream> {
    let is_it = instrument.name().starts_with("exponential.");
    let aggregation = Aggregation::Base2ExponentialHistogram {
        max_size: 160,
        max_scale: 20,
        record_min_max: true,
    };
    let stream = is_it.then(|| Stream::builder().with_aggregation(aggregation))?;
    stream.build().ok()
}

fn filtered_there(instrument: &Instrument) -> Option<Stream> {
    let keys = ["a".into()];
    let stream = (instrument.name() == "filtered")
        .then(|| Stream::builder().with_allowed_attribute_keys(keys))?;
    stream.build().ok()
}

/// A reader that can be asked after the provider took it.
#[derive(Clone, Debug)]
struct Shared(Arc<ManualReader>);

impl MetricReader for Shared {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, target: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(target)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

/// The instruments of one side.
struct Program {
    counter: Counter<u64>,
    float_counter: Counter<f64>,
    filtered: Counter<u64>,
    up_down: UpDownCounter<i64>,
    float_up_down: UpDownCounter<f64>,
    gauge: Gauge<i64>,
    float_gauge: Gauge<f64>,
    histogram: Histogram<f64>,
    whole_histogram: Histogram<u64>,
    bounded: Histogram<f64>,
    exponential: Histogram<f64>,
    bound_counter: BoundCounter<u64>,
    bound_histogram: BoundHistogram<f64>,
}

impl Program {
    fn new(meter: &Meter) -> Self {
        let counter = meter.u64_counter("counter").with_unit("{x}").with_description("d").build();
        let histogram = meter.f64_histogram("histogram").build();
        meter
            .u64_observable_counter("asked")
            .with_callback(|it| {
                it.observe(7, &[KeyValue::new("a", 1)]);
                it.observe(9, &[KeyValue::new("a", 2)]);
            })
            .build();
        meter
            .i64_observable_up_down_counter("asked.up_down")
            .with_callback(|it| it.observe(-7, &[]))
            .build();
        meter.f64_observable_gauge("asked.gauge").with_callback(|it| it.observe(0.5, &[])).build();
        Self {
            float_counter: meter.f64_counter("counter.float").build(),
            filtered: meter.u64_counter("filtered").build(),
            up_down: meter.i64_up_down_counter("up_down").build(),
            float_up_down: meter.f64_up_down_counter("up_down.float").build(),
            gauge: meter.i64_gauge("gauge").build(),
            float_gauge: meter.f64_gauge("gauge.float").build(),
            whole_histogram: meter.u64_histogram("histogram.whole").build(),
            bounded: meter
                .f64_histogram("histogram.bounded")
                .with_boundaries(vec![-1.0, 0.0, 1.0])
                .build(),
            exponential: meter.f64_histogram("exponential.histogram").build(),
            bound_counter: counter.bind(&[KeyValue::new("bound", true)]),
            bound_histogram: histogram.bind(&[KeyValue::new("bound", true)]),
            counter,
            histogram,
        }
    }

    fn run(&self, step: &Step) {
        let Step { instrument, whole, float, wide, attributes } = step;
        match instrument {
            0 => self.counter.add(*whole, attributes),
            1 => self.float_counter.add(float.abs(), attributes),
            2 => self.filtered.add(*whole, attributes),
            3 => self.up_down.add(*whole as i64 - 500, attributes),
            4 => self.float_up_down.add(*float, attributes),
            5 => self.gauge.record(*whole as i64 - 500, attributes),
            6 => self.float_gauge.record(*float, attributes),
            7 => self.histogram.record(float.abs(), attributes),
            8 => self.whole_histogram.record(*whole, attributes),
            9 => self.bounded.record(*float, attributes),
            10 => self.exponential.record(*wide, attributes),
            11 => self.bound_counter.add(*whole),
            _ => self.bound_histogram.record(float.abs()),
        }
    }
}

/// One measurement.
struct Step {
    instrument: u64,
    whole: u64,
    /// A multiple of a quarter: sums of it are exact, in whatever order.
    float: f64,
    /// Anything from very small to very large.
    wide: f64,
    attributes: Vec<KeyValue>,
}

impl Step {
    fn random(random: &mut Random) -> Self {
        let exponent = random.below(40) as i32 - 20;
        let wide = (random.below(1000) as f64 - 100.0) * 2_f64.powi(exponent);
        let attributes = match random.below(6) {
            0 => vec![],
            1 => vec![KeyValue::new("a", 1)],
            2 => vec![KeyValue::new("a", 1), KeyValue::new("b", "text")],
            3 => vec![KeyValue::new("b", "text"), KeyValue::new("a", 1)],
            4 => vec![KeyValue::new("a", 1.5), KeyValue::new("c", true)],
            _ => vec![KeyValue::new("a", 1), KeyValue::new("d", random.below(4) as i64)],
        };
        Self {
            instrument: random.below(13),
            whole: random.below(1000),
            float: random.below(20_000) as f64 / 4.0 - 2500.0,
            wide,
            attributes,
        }
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A point's numbers; sums of any floats are compared with a little slack.
#[derive(Debug, PartialEq)]
struct Numbers {
    exact: String,
    sum: f64,
}

impl std::fmt::Display for Numbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} sum {}", self.exact, self.sum)
    }
}

fn is_close(one: &Numbers, two: &Numbers) -> bool {
    let scale = one.sum.abs().max(two.sum.abs()).max(1.0);
    one.exact == two.exact && (one.sum - two.sum).abs() <= scale * 1e-9
}

/// All points of a scope, by metric and attributes.
fn points(scopes: Vec<ScopeMetrics>, name: &str) -> BTreeMap<String, Numbers> {
    let is_it = |it: &ScopeMetrics| it.scope.as_ref().is_some_and(|scope| scope.name == name);
    let metrics = scopes.into_iter().filter(is_it).flat_map(|it| it.metrics);
    metrics.flat_map(|metric| of_metric(&metric)).collect()
}

fn of_metric(metric: &Metric) -> Vec<(String, Numbers)> {
    let Metric { name, unit, description, .. } = metric;
    let key = |kind: &str, attributes: &[opentelemetry_proto::tonic::common::v1::KeyValue]| {
        let mut pairs: Vec<_> =
            attributes.iter().map(|pair| format!("{}={:?}", pair.key, pair.value)).collect();
        pairs.sort();
        format!("{name} [{unit}] {description} {kind} {}", pairs.join(","))
    };
    let number = |point: &NumberDataPoint| match point.value {
        Some(number_data_point::Value::AsInt(number)) => {
            Numbers { exact: format!("whole {number}"), sum: 0.0 }
        }
        Some(number_data_point::Value::AsDouble(number)) => {
            Numbers { exact: "float".to_owned(), sum: number }
        }
        None => Numbers { exact: "nothing".to_owned(), sum: 0.0 },
    };
    match metric.data.as_ref().expect("data") {
        Data::Gauge(data) => {
            data.data_points.iter().map(|it| (key("gauge", &it.attributes), number(it))).collect()
        }
        Data::Sum(data) => {
            let kind = format!("sum {} {}", data.aggregation_temporality, data.is_monotonic);
            data.data_points.iter().map(|it| (key(&kind, &it.attributes), number(it))).collect()
        }
        Data::Histogram(data) => {
            let kind = format!("histogram {}", data.aggregation_temporality);
            let points = data.data_points.iter().map(|it| {
                let shape = (it.count, it.min, it.max, &it.bucket_counts, &it.explicit_bounds);
                let numbers = Numbers { exact: format!("{shape:?}"), sum: it.sum.unwrap_or(-1.0) };
                (key(&kind, &it.attributes), numbers)
            });
            points.collect()
        }
        Data::ExponentialHistogram(data) => {
            let kind = format!("exponential {}", data.aggregation_temporality);
            let points = data.data_points.iter().map(|it| {
                let side = |side: &Option<_>| {
                    let side: Option<
                        &opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets,
                    > = side.as_ref();
                    // An empty side has any offset.
                    let full = side.filter(|side| !side.bucket_counts.is_empty());
                    full.map(|side| (side.offset, side.bucket_counts.clone()))
                };
                let sides = (side(&it.positive), side(&it.negative));
                let shape = (it.count, it.zero_count, it.scale, it.min, it.max, sides);
                let numbers = Numbers { exact: format!("{shape:?}"), sum: it.sum.unwrap_or(-1.0) };
                (key(&kind, &it.attributes), numbers)
            });
            points.collect()
        }
        Data::Summary(_) => Vec::new(),
    }
}
