//! What the engine is told: each part of the configuration, over what the environment says.

use super::config::{
    BatchConfiguration, MetricsConfig, OtlpProtocol, TelemetryConfig, TraceConfig,
};
use super::config::{ExportConfig, Temporality};
use super::environment::{DEPLOYMENT, SERVICE_VERSION, attribute, destination};
use oxitel::config::{self, Exporters};
use oxitel::{Config, Headers, Protocol};
use std::collections::HashMap;

/// The engine's configuration. `given` is what the environment says: it holds where ours has no
/// field.
pub(super) fn engine(wanted: &TelemetryConfig, given: &Config) -> Config {
    let config = with_tracing(given.clone(), &wanted.tracing);
    let config = with_metrics(config, wanted, given);
    match Identity::of(wanted) {
        Some(identity) => with_identity(config, &identity),
        None => config,
    }
}

/// Who sends. A process is one service: its name, version and environment are those of the spans,
/// and what these do not say is taken from the metrics.
#[derive(PartialEq)]
struct Identity<'a> {
    name: &'a str,
    version: &'a str,
    environment: Option<&'a str>,
}

impl<'a> Identity<'a> {
    fn of(wanted: &'a TelemetryConfig) -> Option<Self> {
        let TelemetryConfig { tracing, metrics } = wanted;
        match (tracing.enabled, metrics.enabled) {
            (true, true) => Some(Self::of_spans(tracing).or(&Self::of_metrics(metrics))),
            (true, false) => Some(Self::of_spans(tracing)),
            (false, true) => Some(Self::of_metrics(metrics)),
            (false, false) => None,
        }
    }

    fn of_spans(tracing: &'a TraceConfig) -> Self {
        Self {
            name: &tracing.service_name,
            version: &tracing.service_version,
            environment: tracing.environment.as_deref(),
        }
    }

    fn of_metrics(metrics: &'a MetricsConfig) -> Self {
        Self {
            name: &metrics.service_name,
            version: &metrics.service_version,
            environment: metrics.environment.as_deref(),
        }
    }

    /// A name is always said.
    fn or(self, other: &Self) -> Self {
        let version = if self.version.is_empty() { other.version } else { self.version };
        Self { name: self.name, version, environment: self.environment.or(other.environment) }
    }
}

/// Whether metrics are to come from another service than spans. The default name is nobody's
/// wish.
pub(super) fn are_two_services(wanted: &TelemetryConfig) -> bool {
    let TelemetryConfig { tracing, metrics } = wanted;
    let both = tracing.enabled && metrics.enabled;
    let (spans, metrics) = (Identity::of_spans(tracing), Identity::of_metrics(metrics));
    let is_default = metrics.name == MetricsConfig::default().service_name;
    let metrics = Identity { name: if is_default { spans.name } else { metrics.name }, ..metrics };
    both && spans.or(&metrics) != metrics.or(&Identity::of_spans(tracing))
}

fn with_identity(config: Config, Identity { name, version, environment }: &Identity<'_>) -> Config {
    let is_said = DEPLOYMENT.iter().any(|key| attribute(&config, key).is_some());
    let mut config = config.service_name(*name);
    // The engine adds the older name.
    if let Some(environment) = environment.filter(|_| !is_said) {
        config = config.resource_attribute(DEPLOYMENT[0], environment);
    }
    if version.is_empty() { config } else { config.resource_attribute(SERVICE_VERSION, *version) }
}

fn with_tracing(config: Config, tracing: &TraceConfig) -> Config {
    if !tracing.enabled {
        // The engine is started all the same: a trace that comes in goes out again.
        return config.traces(false);
    }
    let config = with_destination(with_batches(config, &tracing.batch_config), tracing);
    let mut config = config.sampler(tracing.sampling.sampler());
    config.traces.exporters = Exporters::default();
    config
}

fn with_batches(mut config: Config, batches: &BatchConfiguration) -> Config {
    let BatchConfiguration { max_queue_size, max_export_batch_size, .. } = *batches;
    let BatchConfiguration { scheduled_delay, export_timeout, .. } = *batches;
    config.max_queue_size = max_queue_size;
    config.max_export_batch_size = max_export_batch_size;
    config.batch_timeout = export_timeout;
    config.schedule_delay(scheduled_delay).export_timeout(export_timeout)
}

fn with_destination(config: Config, tracing: &TraceConfig) -> Config {
    let endpoint = tracing.otlp_endpoint.trim();
    // The variable for traces is used exactly as it stands, also when `new` has copied it.
    let is_exact = is_said(config.traces.endpoint.as_deref(), endpoint)
        || endpoint.trim_end_matches('/').ends_with(TRACES_PATH);
    let asked = config.traces.protocol.or(config.protocol);
    let protocol = on_the_wire(tracing.otlp_protocol, asked);
    let mut config = config.endpoint(endpoint).protocol(protocol);
    config.traces.endpoint = is_exact.then(|| endpoint.to_owned());
    config.headers = sorted(&tracing.headers);
    config.traces.headers = None;
    config
}

fn with_metrics(mut config: Config, wanted: &TelemetryConfig, given: &Config) -> Config {
    let metrics = &wanted.metrics;
    if !metrics.enabled {
        return config.metrics(false);
    }
    if config.metrics.exporters == Exporters::NONE {
        config.metrics.exporters = Exporters::default();
    }
    let protocol = protocol_of_metrics(wanted, given);
    let is_exact = is_said(given.metrics.endpoint.as_deref(), metrics.otlp_endpoint.trim());
    let endpoint = metrics.otlp_endpoint.trim().to_owned();
    let is_base = !is_exact && protocol == OtlpProtocol::Http;
    config.metrics.endpoint = Some(if is_base { below(&endpoint) } else { endpoint });
    let asked = given.metrics.protocol.or(given.protocol);
    config.metrics.protocol = Some(on_the_wire(protocol, asked));
    config.metrics.headers = Some(sorted(&metrics.headers));
    with_reports(config, metrics)
}

fn with_reports(mut config: Config, metrics: &MetricsConfig) -> Config {
    let ExportConfig { export_interval, export_timeout } = metrics.export_config;
    config.metrics.timeout = Some(export_timeout);
    let reader = &mut config.metric_reader;
    (reader.interval, reader.timeout) = (export_interval, export_timeout);
    reader.temporality = match (metrics.temporality, reader.temporality) {
        (Temporality::Cumulative, _) => config::Temporality::Cumulative,
        // A kind of delta that there is no word for here.
        (Temporality::Delta, config::Temporality::LowMemory) => config::Temporality::LowMemory,
        (Temporality::Delta, _) => config::Temporality::Delta,
    };
    config
}

/// Endpoint and protocol travel together. Where metrics go with the spans, they go as these do;
/// elsewhere it is as the environment says that names the place, else by the port.
fn protocol_of_metrics(wanted: &TelemetryConfig, given: &Config) -> OtlpProtocol {
    let TelemetryConfig { tracing, metrics } = wanted;
    let (there, by_environment) = destination(given, &given.metrics);
    let has_own = given.metrics.endpoint.is_some() || given.metrics.protocol.is_some();
    let endpoint = metrics.otlp_endpoint.trim();
    if has_own && there.trim() == endpoint {
        by_environment
    } else if tracing.otlp_endpoint.trim() == endpoint {
        tracing.otlp_protocol
    } else {
        OtlpProtocol::usual_at(endpoint).unwrap_or(tracing.otlp_protocol)
    }
}

/// Of the two ways over HTTP the environment may choose the other one.
fn on_the_wire(protocol: OtlpProtocol, asked: Option<Protocol>) -> Protocol {
    match protocol {
        OtlpProtocol::Grpc => Protocol::Grpc,
        OtlpProtocol::Http if asked == Some(Protocol::HttpJson) => Protocol::HttpJson,
        OtlpProtocol::Http => Protocol::HttpProtobuf,
    }
}

const TRACES_PATH: &str = "/v1/traces";
const METRICS_PATH: &str = "/v1/metrics";

/// Where metrics go below a base. People write whole URLs as well, and those of traces for both.
fn below(endpoint: &str) -> String {
    let (base, query) = endpoint.split_at(endpoint.find('?').unwrap_or(endpoint.len()));
    let base = base.trim_end_matches('/');
    let whole = [METRICS_PATH, TRACES_PATH].iter().find_map(|path| base.strip_suffix(path));
    format!("{}{METRICS_PATH}{query}", whole.unwrap_or(base))
}

/// Whether the variable says this endpoint.
fn is_said(variable: Option<&str>, endpoint: &str) -> bool {
    variable.map(str::trim) == Some(endpoint)
}

fn sorted(headers: &HashMap<String, String>) -> Headers {
    let mut headers: Vec<_> = headers.clone().into_iter().collect();
    headers.sort_unstable();
    Headers(headers)
}
