//! What a configuration may not say. Each fault names the field, the value and what to write.

use super::config::{BatchConfiguration, MetricsConfig, TelemetryConfig, TraceConfig};
use super::error::TelemetryError;
use super::sampling::SamplingStrategy;
use std::fmt::Debug;

impl TelemetryConfig {
    /// The first fault of a part that is enabled. [`init_telemetry`](super::init_telemetry) asks
    /// this first; endpoint and headers are looked at when it starts.
    pub fn check(&self) -> Result<(), TelemetryError> {
        if self.tracing.enabled {
            check_tracing(&self.tracing)?;
        }
        if self.metrics.enabled { check_metrics(&self.metrics) } else { Ok(()) }
    }
}

fn check_tracing(tracing: &TraceConfig) -> Result<(), TelemetryError> {
    check_name("tracing.service_name", &tracing.service_name)?;
    check_endpoint("tracing.otlp_endpoint", &tracing.otlp_endpoint)?;
    check_sampling(&tracing.sampling)?;
    check_batches(&tracing.batch_config)
}

fn check_metrics(metrics: &MetricsConfig) -> Result<(), TelemetryError> {
    check_name("metrics.service_name", &metrics.service_name)?;
    check_endpoint("metrics.otlp_endpoint", &metrics.otlp_endpoint)?;
    let interval = metrics.export_config.export_interval;
    let is_some = !interval.is_zero();
    let advice = "metrics need time between two reports; 60 s is usual";
    expect(is_some, "metrics.export_config.export_interval", &interval, advice)
}

fn check_name(field: &str, name: &str) -> Result<(), TelemetryError> {
    expect(!name.trim().is_empty(), field, &name, "name the service, such as \"my-processor\"")
}

fn check_endpoint(field: &str, endpoint: &str) -> Result<(), TelemetryError> {
    let advice = "write where the receiver is, such as \"http://localhost:4317\"; \
                  to record nothing set `enabled` to false";
    expect(!endpoint.trim().is_empty(), field, &endpoint, advice)
}

fn check_sampling(sampling: &SamplingStrategy) -> Result<(), TelemetryError> {
    let (mut field, mut strategy) = ("tracing.sampling".to_owned(), sampling);
    while let SamplingStrategy::ParentBased { root } = strategy {
        field += ".root";
        strategy = root;
    }
    let SamplingStrategy::TraceIdRatio { ratio } = strategy else { return Ok(()) };
    let advice = "write a share between 0 and 1, such as 0.1 for a tenth of all traces";
    expect((0.0..=1.0).contains(ratio), &(field + ".ratio"), ratio, advice)
}

fn check_batches(batches: &BatchConfiguration) -> Result<(), TelemetryError> {
    let BatchConfiguration { max_queue_size, max_export_batch_size, .. } = *batches;
    let field = |name: &str| format!("tracing.batch_config.{name}");
    let advice = "a queue needs room for one span at least; 2048 is usual";
    expect(max_queue_size > 0, &field("max_queue_size"), &max_queue_size, advice)?;
    let advice = "a request has one span at least; 512 is usual";
    let is_some = max_export_batch_size > 0;
    expect(is_some, &field("max_export_batch_size"), &max_export_batch_size, advice)
}

fn expect(
    is_fine: bool,
    field: &str,
    value: &impl Debug,
    advice: &'static str,
) -> Result<(), TelemetryError> {
    if is_fine {
        return Ok(());
    }
    Err(TelemetryError::Config { field: field.to_owned(), value: format!("{value:?}"), advice })
}
