//! The aggregator by itself: measure, collect, decode by `opentelemetry-proto`, compare.

mod aggregates;
mod cardinality;
mod concurrency;
mod either;
mod exemplars;
mod observables;
mod streams;

use super::Settings;
use crate::config::Temporality;
use crate::testing::metrics;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, Metric, NumberDataPoint, metric::Data, number_data_point,
};
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Metrics of this test alone; off at the end.
pub(in crate::metrics) struct Session(
    #[expect(dead_code, reason = "held")] MutexGuard<'static, ()>,
);

impl Session {
    pub(in crate::metrics) fn with(settings: Settings) -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        metrics::start(settings);
        Self(turn)
    }

    fn start() -> Self {
        Self::with(Settings::default())
    }

    fn delta() -> Self {
        let temporality = Temporality::Delta;
        Self::with(Settings { temporality, ..Settings::default() })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        metrics::stop();
    }
}

/// The metrics of a scope as text, one line for each point, in order.
pub(in crate::metrics) fn shown(scope: &str) -> String {
    let mut lines: Vec<String> = metrics::collect_scope(scope).iter().flat_map(lines).collect();
    lines.sort();
    lines.join("\n")
}

fn lines(metric: &Metric) -> Vec<String> {
    let Metric { name, unit, .. } = metric;
    let unit = if unit.is_empty() { String::new() } else { format!(" [{unit}]") };
    let number = |point: &NumberDataPoint| match point.value {
        Some(number_data_point::Value::AsInt(number)) => number.to_string(),
        Some(number_data_point::Value::AsDouble(number)) => format!("{number:?}"),
        None => "nothing".to_owned(),
    };
    let line = |kind: &str, attributes: &[KeyValue], value: String| {
        format!("{name}{unit} {kind}{} = {value}", text(attributes))
    };
    let temporality = |number| if number == 1 { "delta" } else { "cumulative" };
    match metric.data.as_ref().expect("data") {
        Data::Gauge(data) => {
            data.data_points.iter().map(|it| line("gauge", &it.attributes, number(it))).collect()
        }
        Data::Sum(data) => {
            let grows = if data.is_monotonic { "" } else { " up-down" };
            let kind = format!("{}{grows} sum", temporality(data.aggregation_temporality));
            data.data_points.iter().map(|it| line(&kind, &it.attributes, number(it))).collect()
        }
        Data::Histogram(data) => {
            let kind = format!("{} histogram", temporality(data.aggregation_temporality));
            let value = |it: &opentelemetry_proto::tonic::metrics::v1::HistogramDataPoint| {
                let mut text = format!("count {} sum {:?}", it.count, it.sum);
                let _ = write!(text, " {:?}..{:?} {:?}", it.min, it.max, it.bucket_counts);
                line(&kind, &it.attributes, text)
            };
            data.data_points.iter().map(value).collect()
        }
        Data::ExponentialHistogram(data) => {
            let kind = format!("{} exponential", temporality(data.aggregation_temporality));
            let points = data.data_points.iter();
            points
                .map(|it| {
                    let side = |side: &Option<_>| {
                        let side: Option<
                            &opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets,
                        > = side.as_ref();
                        side.map(|side| (side.offset, side.bucket_counts.clone()))
                    };
                    let value = format!(
                        "count {} zeros {} sum {:?} scale {} {:?} {:?}",
                        it.count,
                        it.zero_count,
                        it.sum,
                        it.scale,
                        side(&it.positive),
                        side(&it.negative)
                    );
                    line(&kind, &it.attributes, value)
                })
                .collect()
        }
        Data::Summary(_) => vec!["a summary, which nobody makes".to_owned()],
    }
}

fn text(attributes: &[KeyValue]) -> String {
    let value = |pair: &KeyValue| match pair.value.as_ref().and_then(|any| any.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        other => format!("{other:?}"),
    };
    let pairs: Vec<_> =
        attributes.iter().map(|pair| format!("{}={}", pair.key, value(pair))).collect();
    format!("{{{}}}", pairs.join(","))
}

/// All exemplars of a metric's points.
fn exemplars(metric: &Metric) -> Vec<Exemplar> {
    match metric.data.as_ref().expect("data") {
        Data::Gauge(data) => data.data_points.iter().flat_map(|it| it.exemplars.clone()).collect(),
        Data::Sum(data) => data.data_points.iter().flat_map(|it| it.exemplars.clone()).collect(),
        Data::Histogram(data) => {
            data.data_points.iter().flat_map(|it| it.exemplars.clone()).collect()
        }
        Data::ExponentialHistogram(data) => {
            data.data_points.iter().flat_map(|it| it.exemplars.clone()).collect()
        }
        Data::Summary(_) => Vec::new(),
    }
}
