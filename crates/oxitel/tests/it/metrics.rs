//! Metrics as a whole: a million measurements, and forks.

use crate::session::{run_example, turn};
use oxitel::config::Temporality;
use oxitel::metrics::Meter;
use oxitel::testing::metrics::{self, Settings};
use oxitel::testing::proto::metrics::v1::{
    HistogramDataPoint, Metric, NumberDataPoint, metric::Data, number_data_point,
};
use std::thread;
use std::time::Duration;

const MEASUREMENTS: u64 = 1_000_000;
/// Attribute sets of each instrument; more than the limit.
const SETS: u64 = 40;
const LIMIT: usize = 25;

#[test]
fn a_million_random_measurements_of_two_threads_are_all_told_once() {
    let _turn = turn();
    for temporality in [Temporality::Cumulative, Temporality::Delta, Temporality::LowMemory] {
        let name = format!("million {temporality}");
        metrics::start(Settings { temporality, cardinality_limit: LIMIT, ..Settings::default() });
        let meter = Meter::named(&name);
        let mut told = Told::default();
        let mut expected = Totals::default();
        for round in 0..4 {
            let measured = thread::scope(|threads| {
                let each = MEASUREMENTS / 8;
                let both = [1, 2]
                    .map(|thread| threads.spawn(move || measure(meter, each, round * 2 + thread)));
                both.map(|thread| thread.join().expect("no panic"))
            });
            for one in &measured {
                expected.add(one);
            }
            told.add(&metrics::collect_scope(&name), temporality);
        }
        metrics::stop();
        assert_eq!(told.totals, expected, "{temporality}");
        assert!(told.most_points <= LIMIT && told.overflows > 0, "{temporality}");
    }
}

/// All measurements of all sets together: exact, as values are whole numbers.
#[derive(Debug, Default, PartialEq)]
struct Totals {
    counter: u64,
    up_down: i64,
    count: u64,
    sum: f64,
}

impl Totals {
    fn add(&mut self, other: &Self) {
        self.counter += other.counter;
        self.up_down += other.up_down;
        self.count += other.count;
        self.sum += other.sum;
    }
}

/// Measures at random, and counts along.
fn measure(meter: Meter, times: u64, seed: u64) -> Totals {
    let counter = meter.u64_counter("counter").build();
    let up_down = meter.i64_up_down_counter("up_down").build();
    let histogram = meter.f64_histogram("histogram").build();
    let bound = counter.bind(&[("set", 3.into())]);
    let mut totals = Totals::default();
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for _ in 0..times {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let (set, value) = ((random >> 8) % SETS, (random >> 16) % 1000);
        let attributes = [("set", set.into())];
        match random % 4 {
            0 => {
                counter.add(value, &attributes);
                totals.counter += value;
            }
            1 => {
                bound.add(value);
                totals.counter += value;
            }
            2 => {
                up_down.add(value as i64 - 500, &attributes);
                totals.up_down += value as i64 - 500;
            }
            _ => {
                histogram.record(value as f64, &attributes);
                totals.count += 1;
                totals.sum += value as f64;
            }
        }
    }
    totals
}

/// What collections have told so far.
#[derive(Debug, Default)]
struct Told {
    totals: Totals,
    most_points: usize,
    overflows: usize,
}

impl Told {
    fn add(&mut self, metrics: &[Metric], temporality: Temporality) {
        let mut now = Totals::default();
        for metric in metrics {
            match metric.data.as_ref().expect("data") {
                Data::Sum(data) => {
                    let sum: i64 = data.data_points.iter().map(whole).sum();
                    self.look(data.data_points.iter().map(|it| it.attributes[0].key.as_str()));
                    if metric.name == "counter" {
                        now.counter = sum as u64;
                    } else {
                        now.up_down = sum;
                    }
                }
                Data::Histogram(data) => {
                    self.look(data.data_points.iter().map(|it| it.attributes[0].key.as_str()));
                    now.count = data.data_points.iter().map(count).sum();
                    now.sum = data.data_points.iter().filter_map(|it| it.sum).sum();
                }
                other => panic!("{other:?}"),
            }
        }
        if temporality != Temporality::Cumulative {
            now.counter += self.totals.counter;
            now.count += self.totals.count;
            now.sum += self.totals.sum;
        }
        self.totals = now;
    }

    fn look<'a>(&mut self, keys: impl Iterator<Item = &'a str>) {
        let keys: Vec<_> = keys.collect();
        self.most_points = self.most_points.max(keys.len());
        self.overflows += keys.iter().filter(|key| **key == "otel.metric.overflow").count();
    }
}

fn whole(point: &NumberDataPoint) -> i64 {
    match point.value {
        Some(number_data_point::Value::AsInt(number)) => number,
        other => panic!("{other:?}"),
    }
}

fn count(point: &HistogramDataPoint) -> u64 {
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
    point.count
}

#[test]
fn forked_children_count_from_zero_and_the_parent_goes_on() {
    let (output, took) = run_example("forked_metrics", &["100"], "http://127.0.0.1:1");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert!(took < Duration::from_secs(30), "{took:?}");
}

/// Only the first fork of a process meets a thread that is just making the first measurement.
#[test]
fn fresh_processes_that_fork_at_the_first_measurement_never_hang() {
    for round in 0..30 {
        let (output, took) = run_example("forked_metrics", &["1"], "http://127.0.0.1:1");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "round {round}: {words}");
        assert!(took < Duration::from_secs(15), "round {round}: {took:?}");
    }
}
