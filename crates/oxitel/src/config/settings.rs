//! Every setting of a [`Config`], once: how its value is shown, and whether this build has what
//! it asks for.

#![expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "each row shows a reference to its field"
)]

use super::{Config, Headers, url};
#[cfg(feature = "otel")]
use crate::record::redact;
use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

/// One setting.
pub(super) struct Setting {
    pub(super) name: &'static str,
    /// The value, without secrets.
    pub(super) shown: fn(&Config) -> String,
    /// The value, with them.
    pub(super) exact: fn(&Config) -> String,
    /// What this build would need for it.
    pub(super) needs: Option<Need>,
}

/// What this build does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Zstd,
    ConfigFile,
    Entities,
    Conventions,
}

impl Need {
    pub(super) const ALL: [Self; 4] =
        [Self::Zstd, Self::ConfigFile, Self::Entities, Self::Conventions];

    /// Why a setting has no effect.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Zstd => "this build has no zstd: it needs the feature `zstd`",
            Self::ConfigFile => "configuration files are not read; variables and arguments count",
            Self::Entities => "entities are not supported",
            Self::Conventions => {
                "this build has one form of the conventions, but that rpc adds metrics"
            }
        }
    }

    /// Values that ask for nothing.
    pub(super) fn is_met_by(self, value: &str) -> bool {
        match self {
            Self::Zstd => cfg!(feature = "zstd") || value != "zstd",
            Self::Conventions => {
                value.split(',').all(|area| area.strip_suffix("/dup").unwrap_or(area) == "rpc")
            }
            Self::ConfigFile | Self::Entities => false,
        }
    }
}

/// All settings, in the order in which they are shown.
pub(super) fn all() -> impl Iterator<Item = &'static Setting> {
    [GENERAL, OTLP, TRACES, SPANS, METRICS, METRIC_READER, LOGS, LOG_RECORDS].into_iter().flatten()
}

/// The setting of this name.
pub(super) fn named(name: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.name == name)
}

/// A row: how the field is shown, the field, and what is missing for it.
macro_rules! row {
    ($show:ident, $first:ident $(.$rest:ident)* $(, $need:ident)?) => {
        row!($show / $show, $first $(.$rest)* $(, $need)?)
    };
    ($show:ident / $exact:ident, $first:ident $(.$rest:ident)* $(, $need:ident)?) => {
        Setting {
            name: concat!(stringify!($first) $(, ".", stringify!($rest))*),
            shown: |config| $show(&config.$first$(.$rest)*),
            exact: |config| $exact(&config.$first$(.$rest)*),
            needs: [None $(, Some(Need::$need))?][row!(@count $($need)?)],
        }
    };
    (@count) => { 0 };
    (@count $need:ident) => { 1 };
}

const GENERAL: &[Setting] = &[
    row!(plain, disabled),
    row!(optional_path, declarative_file, ConfigFile),
    row!(optional, service_name),
    row!(attributes / pairs, resource_attributes),
    row!(list, detectors),
    row!(optional, entities, Entities),
    row!(plain, propagators),
    row!(plain, log_level),
    row!(list, semconv_opt_in, Conventions),
    row!(optional, exception_signal, Conventions),
    row!(plain, tracing_events),
    row!(plain, own_metrics),
    row!(plain, otel_globals),
    row!(debug, activate_otel_context),
    row!(time, shutdown_timeout),
    row!(plain, console),
    row!(debug, extras),
];

const OTLP: &[Setting] = &[
    row!(optional_url / optional, endpoint),
    row!(optional, protocol),
    row!(header_names / header_values, headers),
    row!(timeout, export_timeout),
    row!(plain, compression, Zstd),
    row!(optional_path, tls.certificate),
    row!(optional_path, tls.client_key),
    row!(optional_path, tls.client_certificate),
    row!(optional, tls.insecure),
    row!(optional_url / optional, proxies.http),
    row!(optional_url / optional, proxies.https),
    row!(optional, proxies.except),
];

/// One signal's own; `$exporters` is what some of its exporters wait for.
macro_rules! signal {
    ($signal:ident, $compression:ident) => {
        &[
            row!(plain, $signal.exporters),
            row!(optional_url / optional, $signal.endpoint),
            row!(optional, $signal.protocol),
            row!(optional_header_names / optional_header_values, $signal.headers),
            row!(optional_timeout, $signal.timeout),
            row!(optional, $signal.compression, $compression),
            row!(optional_path, $signal.tls.certificate),
            row!(optional_path, $signal.tls.client_key),
            row!(optional_path, $signal.tls.client_certificate),
            row!(optional, $signal.tls.insecure),
        ]
    };
}

const TRACES: &[Setting] = signal!(traces, Zstd);
const METRICS: &[Setting] = signal!(metrics, Zstd);
const LOGS: &[Setting] = signal!(logs, Zstd);

const SPANS: &[Setting] = &[
    row!(debug, sampler),
    row!(debug, redaction),
    row!(debug, hooks),
    row!(plain, limits.attributes),
    row!(plain, limits.events),
    row!(plain, limits.links),
    row!(plain, limits.attributes_per_event),
    row!(plain, limits.attributes_per_link),
    row!(length, limits.value_length),
    row!(time, schedule_delay),
    row!(timeout, batch_timeout),
    row!(plain, max_queue_size),
    row!(plain, max_export_batch_size),
    row!(plain, queue_bytes),
    row!(plain, live_bytes),
    row!(optional_path, spool),
    row!(plain, spool_bytes),
];

const METRIC_READER: &[Setting] = &[
    row!(time, metric_reader.interval),
    row!(timeout, metric_reader.timeout),
    row!(plain, metric_reader.exemplar_filter),
    row!(plain, metric_reader.temporality),
    row!(plain, metric_reader.histogram_aggregation),
    row!(debug, metric_reader.views),
    row!(plain, metric_reader.prometheus_host),
    row!(plain, metric_reader.prometheus_port),
    row!(plain, metric_reader.prometheus_listens),
    row!(plain, metric_reader.prometheus_translation),
    row!(plain, metric_reader.prometheus_scope_labels),
];

const LOG_RECORDS: &[Setting] = &[
    row!(time, log_records.schedule_delay),
    row!(timeout, log_records.batch_timeout),
    row!(plain, log_records.max_queue_size),
    row!(plain, log_records.max_export_batch_size),
    row!(plain, log_records.attributes),
    row!(length, log_records.value_length),
];

/// How a setting without a value is shown.
const UNSET: &str = "–";

fn plain(value: &impl Display) -> String {
    value.to_string()
}

fn debug(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

fn optional(value: &Option<impl Display>) -> String {
    value.as_ref().map_or_else(|| UNSET.to_owned(), ToString::to_string)
}

fn optional_path(path: &Option<PathBuf>) -> String {
    optional(&path.as_ref().map(|path| path.display()))
}

fn optional_url(endpoint: &Option<String>) -> String {
    optional(&endpoint.as_deref().map(url::masked))
}

fn list(values: &[impl Display]) -> String {
    let values: Vec<_> = values.iter().map(ToString::to_string).collect();
    if values.is_empty() { UNSET.to_owned() } else { values.join(",") }
}

fn pairs(pairs: &[(String, String)]) -> String {
    list(&pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>())
}

fn attributes(pairs: &[(String, String)]) -> String {
    list(&pairs.iter().map(|(key, value)| attribute(key, value)).collect::<Vec<_>>())
}

/// One attribute, without its value where that is a secret by the default rules.
fn attribute(key: &str, value: &str) -> String {
    #[cfg(feature = "otel")]
    let value = redact::or_itself(redact::UNUSED.attribute(key, value), value);
    format!("{key}={value}")
}

fn header_values(headers: &Headers) -> String {
    pairs(&headers.0)
}

fn header_names(headers: &Headers) -> String {
    list(&headers.0.iter().map(|(name, _)| format!("{name}=…")).collect::<Vec<_>>())
}

fn optional_header_values(headers: &Option<Headers>) -> String {
    optional(&headers.as_ref().map(header_values))
}

fn optional_header_names(headers: &Option<Headers>) -> String {
    optional(&headers.as_ref().map(header_names))
}

fn time(time: &Duration) -> String {
    format!("{time:?}")
}

fn timeout(timeout: &Duration) -> String {
    if timeout.is_zero() { "no limit".to_owned() } else { time(timeout) }
}

fn optional_timeout(time: &Option<Duration>) -> String {
    optional(&time.as_ref().map(timeout))
}

fn length(length: &usize) -> String {
    if *length == usize::MAX { "no limit".to_owned() } else { length.to_string() }
}
