//! What a stream processor sets: plain structs, each field public and with a default.
//!
//! A value of these types says everything: [`init_telemetry`](super::init_telemetry) follows it
//! to the letter. The environment comes in when the value is made, by [`TelemetryConfig::new`]
//! and [`TelemetryConfig::from_env`]; `environment` does that.

use super::duration;
use super::environment;
use super::sampling::SamplingStrategy;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

/// Everything about telemetry.
///
/// ```
/// use processor::telemetry::{OtlpProtocol, SamplingStrategy, TelemetryConfig};
///
/// let config = TelemetryConfig::new("my-processor")
///     .with_otlp_endpoint("http://collector:4318")
///     .with_sampling(SamplingStrategy::TraceIdRatio { ratio: 0.1 });
/// assert_eq!(config.tracing.otlp_protocol, OtlpProtocol::Http);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Spans.
    pub tracing: TraceConfig,
    /// Metrics.
    pub metrics: MetricsConfig,
}

/// How spans are recorded and where they go.
///
/// `Debug` shows neither the values of headers nor the credentials of an endpoint. JSON has them:
/// it is what a configuration is kept in.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TraceConfig {
    /// `false`: no span is made, and that is no error. Default `true`.
    pub enabled: bool,
    /// The name of this service, `service.name`. Default `processor`.
    pub service_name: String,
    /// Its version, `service.version`; nothing is said when it is empty. Default: empty.
    pub service_version: String,
    /// The receiver's URL. Over HTTP the path `/v1/traces` is added where it is missing.
    /// Default `http://localhost:4317`.
    pub otlp_endpoint: String,
    /// How OTLP travels. Default gRPC.
    pub otlp_protocol: OtlpProtocol,
    /// Which traces are kept. Default: all, children follow their parents.
    pub sampling: SamplingStrategy,
    /// How spans are grouped into requests.
    pub batch_config: BatchConfiguration,
    /// Sent with every request: HTTP headers, or gRPC metadata.
    pub headers: HashMap<String, String>,
    /// Where this runs: `deployment.environment.name`, and the older `deployment.environment`.
    /// What `OTEL_RESOURCE_ATTRIBUTES` says under either name is never overwritten.
    pub environment: Option<String>,
}

/// How metrics are recorded and where they go.
///
/// A process is one service: beside spans, their name, version and environment count for both
/// parts. [`init_telemetry`](super::init_telemetry) says so once where they differ; a version or
/// an environment that is said here alone counts for both as well.
///
/// Metrics travel by the protocol of [`TraceConfig::otlp_protocol`]. Where they go to another
/// endpoint than the spans, its port decides, if it is 4317 or 4318; and
/// `OTEL_EXPORTER_OTLP_METRICS_PROTOCOL` does where the environment names that endpoint.
///
/// `Debug` shows neither the values of headers nor the credentials of an endpoint.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// `false`: nothing is measured, and that is no error. Default `true`.
    pub enabled: bool,
    /// The name of this service, `service.name`. Default `processor`.
    pub service_name: String,
    /// Its version, `service.version`; nothing is said when it is empty. Default: empty.
    pub service_version: String,
    /// The receiver's URL. Over HTTP the path `/v1/metrics` is added where it is missing.
    /// Default `http://localhost:4317`.
    pub otlp_endpoint: String,
    /// What the numbers count from. Default cumulative.
    pub temporality: Temporality,
    /// When metrics are sent.
    pub export_config: ExportConfig,
    /// Sent with every request: HTTP headers, or gRPC metadata.
    pub headers: HashMap<String, String>,
    /// Where this runs, as [`TraceConfig::environment`].
    pub environment: Option<String>,
}

/// How OTLP travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OtlpProtocol {
    /// gRPC, usually at port 4317. `"grpc"` in JSON.
    #[default]
    #[serde(rename = "grpc")]
    Grpc,
    /// Protobuf over HTTP, usually at port 4318; JSON when the environment asks for `http/json`.
    /// `"http/protobuf"` in JSON; `"http"` is read too.
    #[serde(rename = "http/protobuf", alias = "http")]
    Http,
}

/// What a metric's numbers count from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Temporality {
    /// From the start of the process.
    #[default]
    Cumulative,
    /// From the report before.
    Delta,
}

/// How spans are grouped into requests. In JSON a time is a text such as `"5s"` or `"250ms"`; a
/// number is milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchConfiguration {
    /// Most spans that wait to be sent; what comes on top is dropped and counted. 2048, the
    /// default, leaves the bound to the engine, which counts bytes: 16 MiB.
    pub max_queue_size: usize,
    /// Most spans of one request, and not more than fit into the queue. 512, the default, leaves
    /// the bound to the engine: 2 MiB.
    pub max_export_batch_size: usize,
    /// The longest a span waits for company. Default 5 s.
    #[serde(with = "duration")]
    pub scheduled_delay: Duration,
    /// Bounds one request with all its retries; zero is no limit. Default 30 s.
    #[serde(with = "duration")]
    pub export_timeout: Duration,
}

/// When metrics are sent. In JSON a time is a text such as `"60s"`; a number is milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExportConfig {
    /// Between two reports. Default 60 s.
    #[serde(with = "duration")]
    pub export_interval: Duration,
    /// Bounds one report with all its retries; zero is no limit. Default 30 s.
    #[serde(with = "duration")]
    pub export_timeout: Duration,
}

/// Where both parts go unless something else is said.
pub(super) const DEFAULT_ENDPOINT: &str = "http://localhost:4317";

const DEFAULT_NAME: &str = "processor";

impl Default for TraceConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            service_name: DEFAULT_NAME.to_owned(),
            service_version: String::new(),
            otlp_endpoint: DEFAULT_ENDPOINT.to_owned(),
            otlp_protocol: OtlpProtocol::Grpc,
            sampling: SamplingStrategy::default(),
            batch_config: BatchConfiguration::default(),
            headers: HashMap::new(),
            environment: None,
        }
    }
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            service_name: DEFAULT_NAME.to_owned(),
            service_version: String::new(),
            otlp_endpoint: DEFAULT_ENDPOINT.to_owned(),
            temporality: Temporality::default(),
            export_config: ExportConfig::default(),
            headers: HashMap::new(),
            environment: None,
        }
    }
}

impl Default for BatchConfiguration {
    fn default() -> Self {
        Self {
            max_queue_size: 2048,
            max_export_batch_size: 512,
            scheduled_delay: Duration::from_secs(5),
            export_timeout: Duration::from_secs(30),
        }
    }
}

impl Default for ExportConfig {
    fn default() -> Self {
        Self { export_interval: Duration::from_secs(60), export_timeout: Duration::from_secs(30) }
    }
}

impl TelemetryConfig {
    /// For a service of this name; the rest as the environment says, else the defaults.
    pub fn new(service_name: impl Into<String>) -> Self {
        Self::from_env().with_service_name(service_name)
    }

    /// As the environment says, else the defaults. [`TelemetryConfig::default`] ignores the
    /// environment.
    pub fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// As [`TelemetryConfig::from_env`], with another source of variables.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        environment::read(&lookup)
    }

    /// Names this service.
    #[must_use]
    pub fn with_service_name(mut self, name: impl Into<String>) -> Self {
        self.tracing.service_name = name.into();
        self.metrics.service_name.clone_from(&self.tracing.service_name);
        self
    }

    /// Says which version of the service this is.
    #[must_use]
    pub fn with_service_version(mut self, version: impl Into<String>) -> Self {
        self.tracing.service_version = version.into();
        self.metrics.service_version.clone_from(&self.tracing.service_version);
        self
    }

    /// Sends to this URL. The usual ports bring their protocol along, 4317 gRPC and 4318 HTTP;
    /// at others the protocol stays as it was. To use a port for the other protocol, call
    /// [`with_otlp_protocol`](Self::with_otlp_protocol) afterwards.
    #[must_use]
    pub fn with_otlp_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.tracing.otlp_endpoint = endpoint.into();
        self.metrics.otlp_endpoint.clone_from(&self.tracing.otlp_endpoint);
        if let Some(protocol) = OtlpProtocol::usual_at(&self.tracing.otlp_endpoint) {
            self.tracing.otlp_protocol = protocol;
        }
        self
    }

    /// Sends by this protocol.
    #[must_use]
    pub fn with_otlp_protocol(mut self, protocol: OtlpProtocol) -> Self {
        self.tracing.otlp_protocol = protocol;
        self
    }

    /// Says where this runs, such as `production`.
    #[must_use]
    pub fn with_environment(mut self, environment: impl Into<String>) -> Self {
        self.tracing.environment = Some(environment.into());
        self.metrics.environment.clone_from(&self.tracing.environment);
        self
    }

    /// Sends one more header with every request.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        self.metrics.headers.insert(name.clone(), value.clone());
        self.tracing.headers.insert(name, value);
        self
    }

    /// Keeps these traces.
    #[must_use]
    pub fn with_sampling(mut self, sampling: SamplingStrategy) -> Self {
        self.tracing.sampling = sampling;
        self
    }

    /// Groups spans into requests like this.
    #[must_use]
    pub fn with_batch_config(mut self, batch_config: BatchConfiguration) -> Self {
        self.tracing.batch_config = batch_config;
        self
    }

    /// Records spans, or does not.
    #[must_use]
    pub fn with_tracing_enabled(mut self, enabled: bool) -> Self {
        self.tracing.enabled = enabled;
        self
    }

    /// Records metrics, or does not.
    #[must_use]
    pub fn with_metrics_enabled(mut self, enabled: bool) -> Self {
        self.metrics.enabled = enabled;
        self
    }
}

impl OtlpProtocol {
    /// What the port of this endpoint is usually used for.
    pub(super) fn usual_at(endpoint: &str) -> Option<Self> {
        let authority = endpoint.rsplit("://").next()?.split(['/', '?', '#']).next()?;
        match authority.rsplit_once(':')?.1 {
            "4317" => Some(Self::Grpc),
            "4318" => Some(Self::Http),
            _ => None,
        }
    }
}

impl fmt::Debug for TraceConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceConfig")
            .field("enabled", &self.enabled)
            .field("service_name", &self.service_name)
            .field("service_version", &self.service_version)
            .field("otlp_endpoint", &without_credentials(&self.otlp_endpoint))
            .field("otlp_protocol", &self.otlp_protocol)
            .field("sampling", &self.sampling)
            .field("batch_config", &self.batch_config)
            .field("headers", &Names(&self.headers))
            .field("environment", &self.environment)
            .finish()
    }
}

impl fmt::Debug for MetricsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsConfig")
            .field("enabled", &self.enabled)
            .field("service_name", &self.service_name)
            .field("service_version", &self.service_version)
            .field("otlp_endpoint", &without_credentials(&self.otlp_endpoint))
            .field("temporality", &self.temporality)
            .field("export_config", &self.export_config)
            .field("headers", &Names(&self.headers))
            .field("environment", &self.environment)
            .finish()
    }
}

/// Header values may be secrets.
struct Names<'a>(&'a HashMap<String, String>);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.0.keys().collect();
        names.sort_unstable();
        f.debug_map().entries(names.into_iter().map(|name| (name, "…"))).finish()
    }
}

/// An endpoint as it may be shown: user, password and query stay out of text.
fn without_credentials(endpoint: &str) -> String {
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("", endpoint));
    let separator = if scheme.is_empty() { "" } else { "://" };
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?…"));
    // A password may hold a slash: everything before the last @ goes.
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}{separator}…@{host}{query}"),
        None => format!("{scheme}{separator}{rest}{query}"),
    }
}
