//! What a program can set: explicit argument, then standard variable, then default.
//!
//! `variables` lists what can be read, `settings` what can be set, `env` takes the one to the
//! other, `origins` knows who said what, `resolve` makes the engine's settings of it.

mod choices;
mod draft;
mod env;
mod error;
#[cfg(feature = "python")]
mod joined;
mod notes;
mod origins;
#[cfg(feature = "otel")]
mod otlp;
mod parse;
mod proxies;
#[cfg(feature = "otel")]
mod resolve;
mod resolved;
mod setters;
mod settings;
mod signals;
pub(crate) mod url;
mod variables;

pub use choices::{
    Compression, ExemplarFilter, HistogramAggregation, LogLevel, Protocol, Stream, Temporality,
    TracingEvents,
};
pub use error::{EndpointError, InitError, TlsError};
pub use origins::Origin;
pub use proxies::Proxies;
pub use resolved::{Resolved, ResolvedSetting};
pub use signals::{Exporters, LogRecords, MetricReader, Signal, Tls};

use crate::bridge::Activation;
use crate::export::Extras;
use crate::propagate::Propagators;
use crate::record::{Hooks, Limits, Redaction, Sampler};
use origins::Origins;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How telemetry is recorded and where it goes.
///
/// [`Config::new`] and [`Config::from_env`] start from the environment; what is set on the value
/// afterwards wins. [`Config::default`] ignores the environment. [`Config::resolved`] shows what
/// holds and why.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// `OTEL_SDK_DISABLED`: nothing is recorded. Default `false`.
    pub disabled: bool,
    /// `OTEL_SERVICE_NAME`: the name of this service. Default `unknown_service:<program>`.
    pub service_name: Option<String>,
    /// `OTEL_RESOURCE_ATTRIBUTES`: what else describes this process.
    pub resource_attributes: Vec<(String, String)>,
    /// What is found out about this process and added to its description. Default: everything.
    pub detectors: Vec<Detector>,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: the receiver's base URL; the signal's path is added.
    /// Default: none, and then nothing is recorded.
    pub endpoint: Option<String>,
    /// `OTEL_EXPORTER_OTLP_PROTOCOL`. Default: by the endpoint's port.
    pub protocol: Option<Protocol>,
    /// `OTEL_EXPORTER_OTLP_HEADERS`: sent with every request.
    pub headers: Headers,
    /// `OTEL_EXPORTER_OTLP_TIMEOUT`: bounds one request with all its retries; zero is no limit.
    /// Default 10 s.
    pub export_timeout: Duration,
    /// `OTEL_EXPORTER_OTLP_COMPRESSION`. Default none.
    pub compression: Compression,
    /// `OTEL_EXPORTER_OTLP_CERTIFICATE` and what belongs to it.
    pub tls: Tls,
    /// `http_proxy`, `https_proxy`, `no_proxy` and their like: who passes requests on.
    pub proxies: Proxies,
    /// `OTEL_TRACES_EXPORTER`, and `OTEL_EXPORTER_OTLP_TRACES_…`: traces' own settings.
    pub traces: Signal,
    /// `OTEL_METRICS_EXPORTER`, and `OTEL_EXPORTER_OTLP_METRICS_…`: metrics' own settings.
    pub metrics: Signal,
    /// `OTEL_LOGS_EXPORTER`, and `OTEL_EXPORTER_OTLP_LOGS_…`: logs' own settings.
    pub logs: Signal,
    /// `OTEL_BSP_SCHEDULE_DELAY`: the longest a record waits for company. Default 5 s.
    pub schedule_delay: Duration,
    /// `OTEL_BSP_EXPORT_TIMEOUT`: bounds one request with all its retries as well, when it is set;
    /// zero is no limit. Default 30 s.
    pub batch_timeout: Duration,
    /// `OTEL_BSP_MAX_QUEUE_SIZE`: so many records wait at most, when the variable is set or the
    /// number is not the default; else `queue_bytes` alone counts. Default 2048.
    pub max_queue_size: usize,
    /// `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`: so many records travel in one request at most, under the
    /// same condition. Default 512.
    pub max_export_batch_size: usize,
    /// `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`: which traces are kept. Default: all,
    /// children follow their parents.
    pub sampler: Sampler,
    /// `OTEL_SPAN_…_LIMIT` and their sisters: how much one span may carry.
    pub limits: Limits,
    /// What is replaced before it is sent. Default: secrets, by name and by form.
    pub redaction: Redaction,
    /// Functions that see each span.
    pub hooks: Hooks,
    /// `OTEL_PROPAGATORS`: how context travels, in and out. Default
    /// `tracecontext,baggage`.
    pub propagators: Propagators,
    /// `OTEL_LOG_LEVEL`: which of the engine's own lines are written. Default `info`.
    pub log_level: LogLevel,
    /// `OTEL_METRIC_…` and their sisters.
    pub metric_reader: MetricReader,
    /// `OTEL_BLRP_…` and `OTEL_LOGRECORD_…`.
    pub log_records: LogRecords,
    /// Whether the engine's own health (`otel.sdk.…`) is among the metrics that are sent to a
    /// receiver. Default `true`.
    pub own_metrics: bool,
    /// What `tracing` events become: log records (the default), or events of their spans.
    pub tracing_events: TracingEvents,
    /// Whether `init` makes us the OpenTelemetry API's global tracer provider and propagator.
    /// Default `true`.
    pub otel_globals: bool,
    /// Whether our spans show themselves in the OpenTelemetry API's Context. Default: from the
    /// first use of that API.
    pub activate_otel_context: Activation,
    /// The longest that the end of the program waits for telemetry. Default 2 s.
    pub shutdown_timeout: Duration,
    /// Memory for records on their way; beyond it they are dropped and counted. Default 16 MiB.
    pub queue_bytes: usize,
    /// Memory for spans that have not ended; beyond it new spans are dropped and counted.
    /// Default 64 MiB.
    pub live_bytes: usize,
    /// Where requests to a receiver wait on a disk until they are delivered; see
    /// [`Config::spool`]. Default: nowhere, they wait in memory.
    pub spool: Option<PathBuf>,
    /// How much each signal of this process may hold there. Default 256 MiB.
    pub spool_bytes: u64,
    /// Where the exporter `console` writes. Default: standard output.
    pub console: Stream,
    /// Exporters beside OTLP and the console.
    extras: Extras,
    /// `OTEL_CONFIG_FILE`.
    declarative_file: Option<PathBuf>,
    /// `OTEL_ENTITIES`.
    entities: Option<String>,
    /// `OTEL_SEMCONV_STABILITY_OPT_IN`.
    semconv_opt_in: Vec<String>,
    /// `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN`.
    exception_signal: Option<String>,
    /// What the environment says that cannot be followed.
    warnings: Vec<String>,
    /// What guests of this engine are told; see `joined`.
    #[cfg(feature = "python")]
    for_guests: String,
    origins: Origins,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            disabled: false,
            service_name: None,
            resource_attributes: Vec::new(),
            detectors: Detector::ALL.to_vec(),
            endpoint: None,
            protocol: None,
            headers: Headers::default(),
            export_timeout: Duration::from_secs(10),
            compression: Compression::None,
            tls: Tls::default(),
            proxies: Proxies::default(),
            traces: Signal::default(),
            metrics: Signal::default(),
            logs: Signal::default(),
            schedule_delay: Duration::from_secs(5),
            batch_timeout: Duration::from_secs(30),
            max_queue_size: 2048,
            max_export_batch_size: 512,
            sampler: Sampler::default(),
            limits: Limits::default(),
            redaction: Redaction::default(),
            hooks: Hooks::default(),
            propagators: Propagators::DEFAULT,
            log_level: LogLevel::Info,
            metric_reader: MetricReader::default(),
            log_records: LogRecords::default(),
            own_metrics: true,
            tracing_events: TracingEvents::LogRecords,
            otel_globals: true,
            activate_otel_context: Activation::Auto,
            shutdown_timeout: Duration::from_secs(2),
            queue_bytes: 16 << 20,
            live_bytes: 64 << 20,
            spool: None,
            spool_bytes: 256 << 20,
            console: Stream::Output,
            extras: Extras::default(),
            declarative_file: None,
            entities: None,
            semconv_opt_in: Vec::new(),
            exception_signal: None,
            warnings: Vec::new(),
            #[cfg(feature = "python")]
            for_guests: String::new(),
            origins: Origins::default(),
        }
    }
}

impl Config {
    /// What the environment says, for a service of this name.
    pub fn new(service_name: impl Into<String>) -> Self {
        Self::from_env().service_name(service_name)
    }

    /// What the environment says. Values that make no sense are warned about by `init` and
    /// replaced by the default.
    pub fn from_env() -> Self {
        env::of_this_process()
    }

    /// As [`Config::from_env`], with another source of variables.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        env::read(lookup)
    }

    /// What cannot be followed: in the environment, and in what is set now. `init` prints each
    /// line once.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.iter().cloned().chain(self.notes()).collect()
    }
}

/// Headers to send; their values may be secrets and are not shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, _)| (name, "…"))).finish()
    }
}

choices::choices! {
    /// What can be found out about a process, without asking the network.
    Detector {
        /// `process.*`: id, executable, runtime.
        Process = "process",
        /// `host.*`: name, architecture, id.
        Host = "host",
        /// `os.*`: type, name, version.
        Os = "os",
        /// `container.id`.
        Container = "container",
        /// `k8s.*`: namespace, pod, container, node, as far as the pod itself knows.
        Kubernetes = "kubernetes",
    }
}
