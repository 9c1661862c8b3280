//! Metrics without a sender: start, measure, collect and look.

/// What can be set.
pub use crate::metrics::Settings;
use crate::metrics::{self};
use crate::pipeline::{clock, fork};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use prost::Message;

/// Begins at zero, with these settings.
pub fn start(settings: Settings) {
    fork::watch();
    metrics::start(settings);
}

/// Ends: measurements are not recorded any more.
pub fn stop() {
    metrics::stop();
}

/// Collects as the sender does.
///
/// # Panics
/// When the bytes are no OTLP.
pub fn collect() -> Vec<ScopeMetrics> {
    let mut bytes = Vec::new();
    let points = metrics::collect(clock::now().wall_ns, &mut bytes);
    let collected = ResourceMetrics::decode(bytes.as_slice()).expect("OTLP");
    let scopes = collected.scope_metrics;
    let told: usize = scopes.iter().flat_map(|scope| &scope.metrics).map(count).sum();
    assert_eq!(told as u64, points, "the number of points that is told");
    scopes
}

/// The metrics of one scope, as the sender would send them.
pub fn collect_scope(name: &str) -> Vec<Metric> {
    let is_it = |scope: &ScopeMetrics| scope.scope.as_ref().is_some_and(|it| it.name == name);
    collect().into_iter().filter(is_it).flat_map(|scope| scope.metrics).collect()
}

fn count(metric: &Metric) -> usize {
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    match &metric.data {
        Some(Data::Gauge(data)) => data.data_points.len(),
        Some(Data::Sum(data)) => data.data_points.len(),
        Some(Data::Histogram(data)) => data.data_points.len(),
        Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(Data::Summary(data)) => data.data_points.len(),
        None => 0,
    }
}
