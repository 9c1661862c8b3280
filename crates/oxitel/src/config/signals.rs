//! What can be set for each signal: who exports it, and how its OTLP travels.

use super::{Compression, ExemplarFilter, Headers, HistogramAggregation, Protocol, Temporality};
#[cfg(feature = "otel")]
use crate::metrics;
use crate::metrics::{Translation, View};
use std::path::PathBuf;
use std::time::Duration;

/// One signal's own settings; what is `None` is as for all signals.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Signal {
    /// `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER`, `OTEL_LOGS_EXPORTER`. Default `otlp`,
    /// which sends when there is an endpoint.
    pub exporters: Exporters,
    /// `OTEL_EXPORTER_OTLP_<SIGNAL>_ENDPOINT`: where the signal goes, exactly.
    pub endpoint: Option<String>,
    /// `OTEL_EXPORTER_OTLP_<SIGNAL>_PROTOCOL`.
    pub protocol: Option<Protocol>,
    /// `OTEL_EXPORTER_OTLP_<SIGNAL>_HEADERS`, in the place of the general ones.
    pub headers: Option<Headers>,
    /// `OTEL_EXPORTER_OTLP_<SIGNAL>_TIMEOUT`.
    pub timeout: Option<Duration>,
    /// `OTEL_EXPORTER_OTLP_<SIGNAL>_COMPRESSION`.
    pub compression: Option<Compression>,
    /// `OTEL_EXPORTER_OTLP_<SIGNAL>_CERTIFICATE` and what belongs to it.
    pub tls: Tls,
}

/// Files for TLS, and whether a connection goes without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// `OTEL_EXPORTER_OTLP_CERTIFICATE`: whom to trust, a PEM file.
    pub certificate: Option<PathBuf>,
    /// `OTEL_EXPORTER_OTLP_CLIENT_KEY`: our private key, a PEM file.
    pub client_key: Option<PathBuf>,
    /// `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`: our certificate and its chain, a PEM file.
    pub client_certificate: Option<PathBuf>,
    /// `OTEL_EXPORTER_OTLP_INSECURE`: for gRPC endpoints without a scheme; `false` asks for TLS.
    pub insecure: Option<bool>,
}

/// Who exports a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exporters {
    /// OTLP, to the endpoint. Without an endpoint nothing is dialled.
    pub otlp: bool,
    /// Text for people, on standard output or where [`Config::console`](super::Config::console)
    /// says.
    pub console: bool,
    /// A page for Prometheus to scrape; metrics only.
    pub prometheus: bool,
}

impl Exporters {
    /// Nobody: the signal is off.
    pub const NONE: Self = Self { otlp: false, console: false, prometheus: false };
}

impl Default for Exporters {
    fn default() -> Self {
        Self { otlp: true, ..Self::NONE }
    }
}

impl std::fmt::Display for Exporters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = [(self.otlp, "otlp"), (self.console, "console"), (self.prometheus, "prometheus")];
        let names: Vec<_> = all.iter().filter(|(is_on, _)| *is_on).map(|(_, name)| *name).collect();
        f.write_str(if names.is_empty() { "none".into() } else { names.join(",") }.as_str())
    }
}

/// How metrics are collected.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MetricReader {
    /// `OTEL_METRIC_EXPORT_INTERVAL`: between two reports. Default 60 s.
    pub interval: Duration,
    /// `OTEL_METRIC_EXPORT_TIMEOUT`: bounds one report; zero is no limit. Default 30 s.
    pub timeout: Duration,
    /// `OTEL_METRICS_EXEMPLAR_FILTER`. Default `trace_based`.
    pub exemplar_filter: ExemplarFilter,
    /// `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`. Default `cumulative`.
    pub temporality: Temporality,
    /// `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`. Default explicit buckets.
    pub histogram_aggregation: HistogramAggregation,
    /// Changes to what instruments give; see [`View`].
    pub views: Vec<View>,
    /// `OTEL_EXPORTER_PROMETHEUS_HOST`. Default `localhost`.
    pub prometheus_host: String,
    /// `OTEL_EXPORTER_PROMETHEUS_PORT`. Default 9464.
    pub prometheus_port: u16,
    /// Whether the page for Prometheus is served there. Default `true`; `false`: the program
    /// serves it itself, see [`PrometheusPage`](crate::metrics::PrometheusPage).
    pub prometheus_listens: bool,
    /// How names become names for Prometheus. Default `UnderscoreEscapingWithSuffixes`.
    pub prometheus_translation: Translation,
    /// Whether Prometheus gets a point's scope as labels, `otel_scope_…`. Default `true`.
    pub prometheus_scope_labels: bool,
}

impl Default for MetricReader {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(30),
            exemplar_filter: ExemplarFilter::TraceBased,
            temporality: Temporality::Cumulative,
            histogram_aggregation: HistogramAggregation::ExplicitBuckets,
            views: Vec::new(),
            prometheus_host: "localhost".to_owned(),
            prometheus_port: 9464,
            prometheus_listens: true,
            prometheus_translation: Translation::default(),
            prometheus_scope_labels: true,
        }
    }
}

impl MetricReader {
    /// The same in the words of the aggregator; `pulled`: somebody asks for what was measured.
    #[cfg(feature = "otel")]
    pub(crate) fn aggregation(&self, pulled: bool) -> metrics::Settings {
        metrics::Settings {
            temporality: self.temporality,
            exemplars: self.exemplar_filter,
            histograms: match self.histogram_aggregation {
                HistogramAggregation::ExplicitBuckets => metrics::Aggregation::explicit(),
                HistogramAggregation::Base2Exponential => metrics::Aggregation::exponential(),
            },
            views: self.views.clone(),
            pulled,
            ..metrics::Settings::default()
        }
    }
}

/// How log records are grouped and limited.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogRecords {
    /// `OTEL_BLRP_SCHEDULE_DELAY`. Default 1 s.
    pub schedule_delay: Duration,
    /// `OTEL_BLRP_EXPORT_TIMEOUT`; zero is no limit. Default 30 s.
    pub batch_timeout: Duration,
    /// `OTEL_BLRP_MAX_QUEUE_SIZE`. Default 2048.
    pub max_queue_size: usize,
    /// `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE`. Default 512.
    pub max_export_batch_size: usize,
    /// `OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT`, else `OTEL_ATTRIBUTE_COUNT_LIMIT`. Default 128.
    pub attributes: u32,
    /// `OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT`, else
    /// `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`. Default: no limit.
    pub value_length: usize,
}

impl Default for LogRecords {
    fn default() -> Self {
        Self {
            schedule_delay: Duration::from_secs(1),
            batch_timeout: Duration::from_secs(30),
            max_queue_size: 2048,
            max_export_batch_size: 512,
            attributes: 128,
            value_length: usize::MAX,
        }
    }
}
