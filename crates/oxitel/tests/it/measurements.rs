//! Random measurements over the whole road: what each process measured is what a receiver got.

use crate::session::run_example_with;
use oxitel::testing::Receiver;
use oxitel::testing::proto::common::v1::{KeyValue, any_value::Value};
use oxitel::testing::proto::metrics::v1::{
    AggregationTemporality, Metric, NumberDataPoint, ResourceMetrics, metric::Data,
    number_data_point,
};
use std::collections::{BTreeMap, BTreeSet};

/// So many points has each metric at most; see the example `measurements`.
const LIMIT: usize = 25;
const PROCESSES: usize = 5;

/// How many are measured with each temporality.
const MEASUREMENTS: &str = "1000000";

#[test]
fn a_million_of_two_threads_and_forked_children_arrive_exactly() {
    for temporality in ["cumulative", "delta", "lowmemory"] {
        let receiver = Receiver::start();
        let variables = [("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", temporality)];
        let (output, _) =
            run_example_with("measurements", &[MEASUREMENTS], &receiver.endpoint(), &variables);
        assert!(output.status.success(), "{temporality}: {output:?}");
        let said = String::from_utf8_lossy(&output.stdout);
        let mut measured: Vec<_> = said.lines().map(str::to_owned).collect();
        measured.sort();
        assert_eq!(measured.len(), PROCESSES);

        let mut processes = BTreeMap::<String, Process>::new();
        for request in receiver.metrics() {
            processes.entry(instance(&request)).or_default().take(&request);
        }
        let mut told: Vec<_> = processes.values().map(Process::sums).collect();
        told.sort();
        assert_eq!(told, measured, "{temporality}");
        assert!(processes.values().all(|process| process.overflows), "{temporality}");
    }
}

/// Who sent it: a forked child is another instance.
fn instance(request: &ResourceMetrics) -> String {
    let resource = request.resource.as_ref().expect("a resource");
    let id = resource.attributes.iter().find(|it| it.key == "service.instance.id");
    key(id.as_slice())
}

/// Attributes as a key.
fn key(attributes: &[impl std::borrow::Borrow<KeyValue>]) -> String {
    let text = |it: &KeyValue| match it.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => format!("{}={text}", it.key),
        Some(Value::IntValue(number)) => format!("{}={number}", it.key),
        other => format!("{}={other:?}", it.key),
    };
    attributes.iter().map(|it| text(it.borrow())).collect::<Vec<_>>().join(",")
}

/// What one process has told so far: values by metric and attribute set.
#[derive(Default)]
struct Process {
    values: BTreeMap<(String, String), [i128; 2]>,
    overflows: bool,
}

impl Process {
    fn take(&mut self, request: &ResourceMetrics) {
        for metric in request.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            let (points, temporality) = points(metric);
            let is_delta = temporality == AggregationTemporality::Delta as i32;
            let sets: BTreeSet<_> = points.iter().map(|(set, _)| set).collect();
            assert!(points.len() <= LIMIT && sets.len() == points.len(), "{}", metric.name);
            for (set, value) in points {
                self.overflows |= set.starts_with("otel.metric.overflow");
                let known = self.values.entry((metric.name.clone(), set)).or_default();
                *known = if is_delta { [known[0] + value[0], known[1] + value[1]] } else { value };
            }
        }
    }

    /// As the example writes them.
    fn sums(&self) -> String {
        let of = |name: &str| {
            let own = self.values.iter().filter(|((of, _), _)| of == name);
            own.fold([0, 0], |sum, (_, value)| [sum[0] + value[0], sum[1] + value[1]])
        };
        let ([counter, _], [up_down, _], [count, sum]) =
            (of("counter"), of("up_down"), of("histogram"));
        assert_eq!(of("sizes"), [count, sum], "the exponential histogram has the same");
        format!("sums {counter} {up_down} {count} {sum}")
    }
}

/// Points by attribute set, and their temporality: numbers, or counts and sums. All are whole.
fn points(metric: &Metric) -> (Vec<(String, [i128; 2])>, i32) {
    match metric.data.as_ref().expect("data") {
        Data::Sum(data) => {
            let points = data.data_points.iter().map(|it| (key(&it.attributes), [whole(it), 0]));
            (points.collect(), data.aggregation_temporality)
        }
        Data::Histogram(data) => {
            let points = data.data_points.iter().map(|it| {
                assert_eq!(it.bucket_counts.iter().sum::<u64>(), it.count);
                (key(&it.attributes), pair(it.count, it.sum))
            });
            (points.collect(), data.aggregation_temporality)
        }
        Data::ExponentialHistogram(data) => {
            let points = data.data_points.iter();
            let points = points.map(|it| (key(&it.attributes), pair(it.count, it.sum)));
            (points.collect(), data.aggregation_temporality)
        }
        other => panic!("{other:?}"),
    }
}

fn pair(count: u64, sum: Option<f64>) -> [i128; 2] {
    let sum = sum.expect("a sum");
    assert!(sum.fract() == 0.0 && sum < 2f64.powi(53), "exact: {sum}");
    [count.into(), sum as i128]
}

fn whole(point: &NumberDataPoint) -> i128 {
    match point.value {
        Some(number_data_point::Value::AsInt(number)) => number.into(),
        ref other => panic!("{other:?}"),
    }
}
