//! Many threads, many collections: each measurement in exactly one point, none twice.

use super::{Session, shown};
use crate::config::Temporality;
use crate::metrics::{Aggregation, Meter, Settings};
use crate::testing::metrics::collect_scope;
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data, number_data_point};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Counts and sums of all points of a metric.
fn totals(metric: &Metric) -> (u64, f64) {
    let (mut count, mut sum) = (0, 0.0);
    match metric.data.as_ref().expect("data") {
        Data::Sum(data) => {
            for point in &data.data_points {
                sum += match point.value {
                    Some(number_data_point::Value::AsInt(number)) => number as f64,
                    Some(number_data_point::Value::AsDouble(number)) => number,
                    None => 0.0,
                };
            }
        }
        Data::Histogram(data) => {
            for point in &data.data_points {
                assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
                count += point.count;
                sum += point.sum.unwrap_or(0.0);
            }
        }
        Data::ExponentialHistogram(data) => {
            for point in &data.data_points {
                count += point.count;
                sum += point.sum.unwrap_or(0.0);
            }
        }
        _ => {}
    }
    (count, sum)
}

#[test]
fn what_threads_measure_while_others_collect_is_counted_once() {
    const EACH: u64 = 100_000;
    for exponential in [false, true] {
        let histograms =
            if exponential { Aggregation::exponential() } else { Aggregation::explicit() };
        let temporality = Temporality::Delta;
        let _session = Session::with(Settings {
            histograms,
            temporality,
            cardinality_limit: 5,
            ..Settings::default()
        });
        let meter = Meter::named("race");
        let whole = meter.u64_counter("whole").build();
        let float = meter.f64_counter("float").build();
        let histogram = meter.u64_histogram("histogram").build();
        let ended = AtomicBool::new(false);
        let mut told: Vec<Metric> = Vec::new();
        thread::scope(|threads| {
            let measure = |bound: bool| {
                let handles =
                    (whole.bind(&[]), float.bind(&[]), histogram.bind(&[("user", 1.into())]));
                for at in 0..EACH {
                    if bound {
                        handles.0.add(1);
                        handles.1.add(0.5);
                        handles.2.record(at % 100);
                    } else {
                        whole.add(1, &[("user", (at % 8).into())]);
                        float.add(0.5, &[("user", (at % 8).into())]);
                        histogram.record(at % 100, &[("user", (at % 8).into())]);
                    }
                }
            };
            let workers =
                [threads.spawn(move || measure(true)), threads.spawn(move || measure(false))];
            let ended = &ended;
            let collector = threads.spawn(move || {
                let mut seen = Vec::new();
                while !ended.load(Ordering::Acquire) {
                    seen.extend(collect_scope("race"));
                }
                seen
            });
            for worker in workers {
                worker.join().expect("no panic");
            }
            ended.store(true, Ordering::Release);
            told = collector.join().expect("no panic");
        });
        told.extend(collect_scope("race"));
        told.extend(collect_scope("race"));
        let of = |name: &str| {
            let all = told.iter().filter(|metric| metric.name == name).map(totals);
            all.fold((0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
        };
        assert_eq!(of("whole"), (0, (2 * EACH) as f64));
        assert_eq!(of("float"), (0, EACH as f64));
        assert_eq!(of("histogram"), (2 * EACH, (2 * (EACH / 100) * 4950) as f64));
    }
}

#[test]
fn threads_that_end_leave_their_values() {
    let _session = Session::start();
    let meter = Meter::named("ends");
    let counter = meter.u64_counter("c").build();
    let histogram = meter.f64_histogram("h").bounds(&[]).build();
    for _ in 0..20 {
        thread::spawn(move || {
            counter.add(1, &[]);
            histogram.bind(&[]).record(2.0);
        })
        .join()
        .expect("no panic");
    }
    assert_eq!(
        shown("ends"),
        "c cumulative sum{} = 20\n\
         h cumulative histogram{} = count 20 sum Some(40.0) Some(2.0)..Some(2.0) []"
    );
}

#[test]
fn a_destructor_of_a_thread_local_may_still_measure() {
    struct AtTheEnd(crate::metrics::Counter);
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            self.0.add(1, &[]);
        }
    }
    thread_local! {
        static EARLY: std::cell::RefCell<Option<AtTheEnd>> = const { std::cell::RefCell::new(None) };
    }
    let _session = Session::start();
    let counter = Meter::named("late").u64_counter("c").build();
    thread::spawn(move || {
        EARLY.with(|early| *early.borrow_mut() = Some(AtTheEnd(counter)));
        // Made later, so dropped before.
        counter.add(1, &[]);
    })
    .join()
    .expect("no panic");
    assert_eq!(shown("late"), "c cumulative sum{} = 2");
}
