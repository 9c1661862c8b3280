//! What the environment says, as a configuration. `oxitel` reads the variables, by the standard's
//! rules, and warns about what makes no sense when telemetry starts; here the values only move.

use super::config::{
    BatchConfiguration, DEFAULT_ENDPOINT, ExportConfig, MetricsConfig, OtlpProtocol,
    TelemetryConfig, Temporality, TraceConfig,
};
use super::sampling::SamplingStrategy;
use oxitel::config::{self, Exporters, Signal};
use oxitel::{Config, Protocol};
use std::collections::HashMap;
use std::time::Duration;

/// The standard's names, old and new, of where a service runs.
pub(super) const DEPLOYMENT: [&str; 2] = ["deployment.environment.name", "deployment.environment"];

pub(super) const SERVICE_VERSION: &str = "service.version";

/// Where OTLP over HTTP goes unless something else is said.
const DEFAULT_HTTP_ENDPOINT: &str = "http://localhost:4318";

/// What the environment says, else the defaults.
pub(super) fn read(lookup: &dyn Fn(&str) -> Option<String>) -> TelemetryConfig {
    let given = Config::from_lookup(lookup);
    let defaults = TraceConfig::default();
    let (otlp_endpoint, otlp_protocol) = destination(&given, &given.traces);
    let tracing = TraceConfig {
        enabled: given.traces.exporters.otlp,
        service_name: service_name(&given).unwrap_or(defaults.service_name),
        service_version: attribute(&given, SERVICE_VERSION).unwrap_or_default(),
        otlp_endpoint,
        otlp_protocol,
        sampling: sampling(lookup),
        batch_config: batches(&given),
        headers: headers(&given, &given.traces),
        environment: DEPLOYMENT.iter().find_map(|key| attribute(&given, key)),
    };
    TelemetryConfig { metrics: metrics(&given, &tracing), tracing }
}

/// The attribute of the resource, as far as the environment says it.
pub(super) fn attribute(given: &Config, key: &str) -> Option<String> {
    let last = given.resource_attributes.iter().rev().find(|(known, _)| known == key);
    last.map(|(_, value)| value.clone())
}

fn service_name(given: &Config) -> Option<String> {
    given.service_name.clone().or_else(|| attribute(given, "service.name"))
}

/// Where a signal goes. Endpoint and protocol travel together: what one does not say, the other
/// does.
pub(super) fn destination(given: &Config, signal: &Signal) -> (String, OtlpProtocol) {
    let endpoint = signal.endpoint.as_ref().or(given.endpoint.as_ref());
    let said = signal.protocol.or(given.protocol).map(protocol);
    let Some(endpoint) = endpoint else {
        let protocol = said.unwrap_or_default();
        let endpoint = match protocol {
            OtlpProtocol::Grpc => DEFAULT_ENDPOINT,
            OtlpProtocol::Http => DEFAULT_HTTP_ENDPOINT,
        };
        return (endpoint.to_owned(), protocol);
    };
    let usual = || OtlpProtocol::usual_at(endpoint).unwrap_or(OtlpProtocol::Http);
    (endpoint.clone(), said.unwrap_or_else(usual))
}

/// Of those over HTTP there is one.
fn protocol(said: Protocol) -> OtlpProtocol {
    if said == Protocol::Grpc { OtlpProtocol::Grpc } else { OtlpProtocol::Http }
}

fn headers(given: &Config, signal: &Signal) -> HashMap<String, String> {
    signal.headers.as_ref().unwrap_or(&given.headers).0.iter().cloned().collect()
}

fn batches(given: &Config) -> BatchConfiguration {
    BatchConfiguration {
        max_queue_size: given.max_queue_size,
        max_export_batch_size: given.max_export_batch_size,
        scheduled_delay: given.schedule_delay,
        export_timeout: timeout(given, &given.traces, given.batch_timeout),
    }
}

/// Two variables bound a request: the exporter's, where it is set, and the batch's or the
/// report's. The default of the latter bounds nothing that somebody set.
fn timeout(given: &Config, signal: &Signal, batch: Duration) -> Duration {
    let usual = Config::default();
    let general = given.export_timeout;
    let request = signal.timeout.or((general != usual.export_timeout).then_some(general));
    match request {
        Some(request) if batch == usual.batch_timeout => request,
        Some(request) if request.is_zero() || batch.is_zero() => request.max(batch),
        Some(request) => request.min(batch),
        None => batch,
    }
}

fn sampling(lookup: &dyn Fn(&str) -> Option<String>) -> SamplingStrategy {
    let argument = lookup("OTEL_TRACES_SAMPLER_ARG").and_then(|text| share(&text));
    let name = lookup("OTEL_TRACES_SAMPLER").unwrap_or_default();
    // A bare share is a common mistake, and understood.
    let bare = || Some(SamplingStrategy::TraceIdRatio { ratio: share(&name)? }.parent_based());
    SamplingStrategy::named(&name, argument.unwrap_or(1.0)).or_else(bare).unwrap_or_default()
}

/// A share of all traces.
fn share(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|share| (0.0..=1.0).contains(share))
}

fn metrics(given: &Config, tracing: &TraceConfig) -> MetricsConfig {
    let reader = &given.metric_reader;
    let (otlp_endpoint, _) = destination(given, &given.metrics);
    MetricsConfig {
        enabled: given.metrics.exporters != Exporters::NONE,
        service_name: tracing.service_name.clone(),
        service_version: tracing.service_version.clone(),
        otlp_endpoint,
        temporality: match reader.temporality {
            config::Temporality::Cumulative => Temporality::Cumulative,
            _ => Temporality::Delta,
        },
        export_config: ExportConfig {
            export_interval: reader.interval,
            export_timeout: timeout(given, &given.metrics, reader.timeout),
        },
        headers: headers(given, &given.metrics),
        environment: tracing.environment.clone(),
    }
}
