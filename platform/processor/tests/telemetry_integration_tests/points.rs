//! Points of metrics, as a receiver got them.

use oxitel::testing::Receiver;
use oxitel::testing::proto::common::v1::any_value::Value;
use oxitel::testing::proto::common::v1::{AnyValue, KeyValue};
use oxitel::testing::proto::metrics::v1::{
    AggregationTemporality, Metric, NumberDataPoint, metric::Data, number_data_point,
};
use std::fmt;

/// One point of a metric that the processor recorded.
pub(crate) struct Point {
    /// Temporality and kind.
    pub(crate) kind: String,
    name: String,
    unit: String,
    value: String,
    attributes: String,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, unit, value, attributes } = self;
        let line = format!("{kind} {name} in {unit}: {value} {attributes}");
        f.write_str(line.trim_end())
    }
}

/// All points of the meter `processor`, in the order of their arrival.
pub(crate) fn points(receiver: &Receiver) -> Vec<Point> {
    let requests = receiver.metrics();
    let scopes = requests.iter().flat_map(|request| &request.scope_metrics);
    let is_ours = |name: &str| name == "processor";
    scopes
        .filter(|scope| scope.scope.as_ref().is_some_and(|scope| is_ours(&scope.name)))
        .flat_map(|scope| &scope.metrics)
        .flat_map(of_metric)
        .collect()
}

/// The values of a metric, in the order of their arrival.
pub(crate) fn values(receiver: &Receiver, name: &str) -> Vec<String> {
    let of_name = points(receiver).into_iter().filter(|point| point.name == name);
    of_name.map(|point| point.value).collect()
}

/// Attributes in the order of their keys, but for lists and the like.
pub(crate) fn attributes(pairs: &[KeyValue]) -> String {
    let mut shown: Vec<_> =
        pairs.iter().map(|pair| shown(&pair.key, pair.value.as_ref())).collect();
    shown.sort();
    shown.join(" ")
}

fn of_metric(metric: &Metric) -> Vec<Point> {
    let point = |kind: String, value: String, pairs: &[KeyValue]| Point {
        kind,
        name: metric.name.clone(),
        unit: metric.unit.clone(),
        value,
        attributes: attributes(pairs),
    };
    let number = |kind: &str, one: &NumberDataPoint| {
        point(kind.to_owned(), number(one.value.as_ref()), &one.attributes)
    };
    match &metric.data {
        Some(Data::Gauge(gauge)) => {
            gauge.data_points.iter().map(|one| number("gauge", one)).collect()
        }
        Some(Data::Sum(sum)) => {
            assert!(sum.is_monotonic, "{} only grows", metric.name);
            let kind = format!("{} sum", temporality(sum.aggregation_temporality()));
            sum.data_points.iter().map(|one| number(&kind, one)).collect()
        }
        Some(Data::Histogram(histogram)) => {
            let kind = format!("{} histogram", temporality(histogram.aggregation_temporality()));
            let shown = |count: u64, sum: Option<f64>| format!("{count} of {}", sum.unwrap_or(0.0));
            let points = histogram.data_points.iter();
            points
                .map(|one| point(kind.clone(), shown(one.count, one.sum), &one.attributes))
                .collect()
        }
        other => panic!("{} is {other:?}", metric.name),
    }
}

fn number(value: Option<&number_data_point::Value>) -> String {
    match value {
        Some(number_data_point::Value::AsInt(number)) => number.to_string(),
        Some(number_data_point::Value::AsDouble(number)) => number.to_string(),
        None => "nothing".to_owned(),
    }
}

fn temporality(temporality: AggregationTemporality) -> &'static str {
    match temporality {
        AggregationTemporality::Cumulative => "cumulative",
        AggregationTemporality::Delta => "delta",
        AggregationTemporality::Unspecified => "unspecified",
    }
}

fn shown(key: &str, value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => format!("{key}={text}"),
        Some(Value::IntValue(number)) => format!("{key}={number}"),
        other => format!("{key}={other:?}"),
    }
}
