//! What the environment says, as a configuration. `oxitel` reads the variables, by the standard's
//! rules, and warns about what makes no sense when telemetry starts; here the values only move.

use super::config::{
    BatchConfiguration, MetricsConfig, OtlpProtocol, TelemetryConfig, TraceConfig,
};
use super::sampling::SamplingStrategy;
use oxitel::Config;
use std::collections::HashMap;

/// The standard's names, old and new, of where a service runs.
pub(super) const DEPLOYMENT: [&str; 2] = ["deployment.environment.name", "deployment.environment"];

pub(super) const SERVICE_VERSION: &str = "service.version";

/// Where OTLP over HTTP goes unless something else is said.
const DEFAULT_HTTP_ENDPOINT: &str = "http://localhost:4318";

/// What the environment says, else the defaults.
pub(super) fn read(lookup: &dyn Fn(&str) -> Option<String>) -> TelemetryConfig {
    let given = Config::from_lookup(lookup);
    let defaults = TraceConfig::default();
    let (otlp_endpoint, otlp_protocol) = destination(&given);
    let tracing = TraceConfig {
        service_name: service_name(&given).unwrap_or(defaults.service_name),
        service_version: attribute(&given, SERVICE_VERSION).unwrap_or_default(),
        otlp_endpoint,
        otlp_protocol,
        sampling: sampling(lookup),
        batch_config: batches(&given),
        headers: given.headers.0.iter().cloned().collect(),
        environment: DEPLOYMENT.iter().find_map(|key| attribute(&given, key)),
        ..defaults
    };
    TelemetryConfig { metrics: metrics(&tracing), tracing }
}

/// The attribute of the resource, as far as the environment says it.
pub(super) fn attribute(given: &Config, key: &str) -> Option<String> {
    let last = given.resource_attributes.iter().rev().find(|(known, _)| known == key);
    last.map(|(_, value)| value.clone())
}

fn service_name(given: &Config) -> Option<String> {
    given.service_name.clone().or_else(|| attribute(given, "service.name"))
}

/// Endpoint and protocol travel together: what one does not say, the other does.
fn destination(given: &Config) -> (String, OtlpProtocol) {
    let endpoint = given.traces_endpoint.as_ref().or(given.endpoint.as_ref());
    let said = given.protocol.as_deref().map(protocol);
    let Some(endpoint) = endpoint else {
        return match said.unwrap_or_default() {
            OtlpProtocol::Grpc => (TraceConfig::default().otlp_endpoint, OtlpProtocol::Grpc),
            OtlpProtocol::Http => (DEFAULT_HTTP_ENDPOINT.to_owned(), OtlpProtocol::Http),
        };
    };
    let usual = || OtlpProtocol::usual_at(endpoint).unwrap_or(OtlpProtocol::Http);
    (endpoint.clone(), said.unwrap_or_else(usual))
}

fn protocol(name: &str) -> OtlpProtocol {
    if name.trim().eq_ignore_ascii_case("grpc") { OtlpProtocol::Grpc } else { OtlpProtocol::Http }
}

fn batches(given: &Config) -> BatchConfiguration {
    let defaults = BatchConfiguration::default();
    let is_set = given.export_timeout != Config::default().export_timeout;
    BatchConfiguration {
        scheduled_delay: given.schedule_delay,
        export_timeout: if is_set { given.export_timeout } else { defaults.export_timeout },
        ..defaults
    }
}

fn sampling(lookup: &dyn Fn(&str) -> Option<String>) -> SamplingStrategy {
    let share = lookup("OTEL_TRACES_SAMPLER_ARG").and_then(|text| text.trim().parse().ok());
    let share = share.filter(|share| (0.0..=1.0).contains(share)).unwrap_or(1.0);
    let name = lookup("OTEL_TRACES_SAMPLER").unwrap_or_default();
    SamplingStrategy::named(&name, share).unwrap_or_default()
}

fn metrics(tracing: &TraceConfig) -> MetricsConfig {
    MetricsConfig {
        service_name: tracing.service_name.clone(),
        service_version: tracing.service_version.clone(),
        otlp_endpoint: tracing.otlp_endpoint.clone(),
        headers: HashMap::clone(&tracing.headers),
        environment: tracing.environment.clone(),
        ..MetricsConfig::default()
    }
}
