//! Every standard variable, once: what it looks like, what it feeds, and what holds without it.
//!
//! `env` reads by this table, and `docs/reference/configuration.md` is held against it. What is
//! general comes before what is particular, so that the particular wins.

#![expect(clippy::unnecessary_wraps, reason = "one signature for every parser")]

use super::choices::{
    Compression, ExemplarFilter, HistogramAggregation, LogLevel, Protocol, Temporality,
};
use super::draft::Draft;
use super::parse::{Fault, Parsed, choice, headers, milliseconds, number};
use super::{Headers, url};
use std::path::PathBuf;
use std::time::Duration;

/// One variable.
pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// What holds without it.
    pub(super) default: &'static str,
    /// The settings that it feeds, by their names in `settings`.
    pub(super) feeds: &'static [&'static str],
    /// Takes the trimmed text.
    pub(super) take: fn(&mut Draft, &str) -> Parsed<()>,
}

/// What a variable's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Text,
    Url,
    Path,
    /// One of a few words.
    Word,
    /// Words with commas between.
    Words,
    /// `key=value` with commas between.
    Pairs,
    /// The same, and never shown.
    SecretPairs,
    /// Whole milliseconds.
    Milliseconds,
    /// Whole milliseconds; 0 is no limit.
    Timeout,
    Count,
    Ratio,
}

#[cfg(test)]
impl Kind {
    /// In the words of the reference page.
    fn described(self) -> &'static str {
        match self {
            Self::Boolean => "`true` or `false`",
            Self::Text => "text",
            Self::Url => "URL",
            Self::Path => "path",
            Self::Word => "one word",
            Self::Words => "words with commas between",
            Self::Pairs => "`key=value` with commas between",
            Self::SecretPairs => "`key=value` with commas between, never shown",
            Self::Milliseconds => "milliseconds",
            Self::Timeout => "milliseconds, 0 is no limit",
            Self::Count => "number",
            Self::Ratio => "ratio",
        }
    }
}

/// All 75 live names of the specification.
pub(super) fn all() -> impl Iterator<Item = &'static Variable> {
    [GENERAL, BATCHES, LIMITS, OTLP, TRACES, METRICS, LOGS, EXPORT].into_iter().flatten()
}

/// The variable of this name, unless the name is an obsolete one.
pub(super) fn named(name: &str) -> Option<&'static Variable> {
    all().find(|variable| variable.name == name)
}

/// Names that the standard has given up, and what took their place.
pub(super) const OBSOLETE: [(&str, &str); 2] = [
    ("OTEL_EXPORTER_OTLP_SPAN_INSECURE", "OTEL_EXPORTER_OTLP_TRACES_INSECURE"),
    ("OTEL_EXPORTER_OTLP_METRIC_INSECURE", "OTEL_EXPORTER_OTLP_METRICS_INSECURE"),
];

/// Names that were once proposed for this platform, are not used, and what to set instead.
pub(super) const UNUSED: [(&str, &str); 3] = [
    ("OAAS_OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ("OAAS_SERVICE_NAME", "OTEL_SERVICE_NAME"),
    ("OAAS_OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER"),
];

/// A row: name, kind and default; then a parser and the setting that its value becomes, or a
/// method of the draft and the settings that it changes.
macro_rules! row {
    ($name:expr, $kind:ident, $default:expr, $parse:ident => $first:ident $(.$rest:ident)*) => {
        Variable {
            name: $name,
            kind: Kind::$kind,
            default: $default,
            feeds: &[concat!(stringify!($first) $(, ".", stringify!($rest))*)],
            take: |draft, text| {
                draft.config.$first$(.$rest)* = $parse(text)?;
                Ok(())
            },
        }
    };
    ($name:expr, $kind:ident, $default:expr, $method:ident() => $($feeds:literal),+) => {
        Variable {
            name: $name,
            kind: Kind::$kind,
            default: $default,
            feeds: &[$($feeds),+],
            take: Draft::$method,
        }
    };
}

const GENERAL: &[Variable] = &[
    row!("OTEL_SDK_DISABLED", Boolean, "false", disabled() => "disabled"),
    row!("OTEL_CONFIG_FILE", Path, "none", some_path => declarative_file),
    row!("OTEL_SERVICE_NAME", Text, "unknown_service:<program>", some_text => service_name),
    row!("OTEL_RESOURCE_ATTRIBUTES", Pairs, "none", resource_attributes() => "resource_attributes"),
    row!("OTEL_ENTITIES", Text, "none", some_text => entities),
    row!("OTEL_LOG_LEVEL", Word, "info", log_level => log_level),
    row!("OTEL_PROPAGATORS", Words, "tracecontext,baggage", propagators() => "propagators"),
    row!("OTEL_TRACES_SAMPLER", Word, "parentbased_always_on", sampler() => "sampler"),
    row!("OTEL_TRACES_SAMPLER_ARG", Ratio, "1", sampler_argument() => "sampler"),
    row!("OTEL_SEMCONV_STABILITY_OPT_IN", Words, "none", semconv() => "semconv_opt_in"),
    row!(
        "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", Word, "none",
        exception_signal() => "exception_signal"
    ),
];

#[rustfmt::skip]
const BATCHES: &[Variable] = &[
    row!("OTEL_BSP_SCHEDULE_DELAY", Milliseconds, "5000", time => schedule_delay),
    row!("OTEL_BSP_EXPORT_TIMEOUT", Timeout, "30000", time => batch_timeout),
    row!("OTEL_BSP_MAX_QUEUE_SIZE", Count, "2048", size => max_queue_size),
    row!("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", Count, "512", size => max_export_batch_size),
    row!("OTEL_BLRP_SCHEDULE_DELAY", Milliseconds, "1000", time => log_records.schedule_delay),
    row!("OTEL_BLRP_EXPORT_TIMEOUT", Timeout, "30000", time => log_records.batch_timeout),
    row!("OTEL_BLRP_MAX_QUEUE_SIZE", Count, "2048", size => log_records.max_queue_size),
    row!(
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", Count, "512",
        size => log_records.max_export_batch_size
    ),
];

#[rustfmt::skip]
const LIMITS: &[Variable] = &[
    row!(
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", Count, "no limit",
        value_length() => "limits.value_length", "log_records.value_length"
    ),
    row!(
        "OTEL_ATTRIBUTE_COUNT_LIMIT", Count, "128",
        attribute_count() => "limits.attributes", "log_records.attributes"
    ),
    row!(
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", Count, GENERAL_ONE,
        length => limits.value_length
    ),
    row!("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", Count, GENERAL_ONE, count => limits.attributes),
    row!("OTEL_SPAN_EVENT_COUNT_LIMIT", Count, "128", count => limits.events),
    row!("OTEL_SPAN_LINK_COUNT_LIMIT", Count, "128", count => limits.links),
    row!("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", Count, "128", count => limits.attributes_per_event),
    row!("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", Count, "128", count => limits.attributes_per_link),
    row!(
        "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", Count, GENERAL_ONE,
        length => log_records.value_length
    ),
    row!(
        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", Count, GENERAL_ONE,
        count => log_records.attributes
    ),
];

/// What holds without a variable that has a general sister.
pub(super) const GENERAL_ONE: &str = "the general one";

#[rustfmt::skip]
const OTLP: &[Variable] = &[
    row!("OTEL_EXPORTER_OTLP_ENDPOINT", Url, "none", some_text => endpoint),
    row!("OTEL_EXPORTER_OTLP_PROTOCOL", Word, "the one of the port", some_protocol => protocol),
    row!("OTEL_EXPORTER_OTLP_HEADERS", SecretPairs, "none", header_list => headers),
    row!("OTEL_EXPORTER_OTLP_TIMEOUT", Timeout, "10000", time => export_timeout),
    row!("OTEL_EXPORTER_OTLP_COMPRESSION", Word, "none", compression => compression),
    row!("OTEL_EXPORTER_OTLP_CERTIFICATE", Path, "none", some_path => tls.certificate),
    row!("OTEL_EXPORTER_OTLP_CLIENT_KEY", Path, "none", some_path => tls.client_key),
    row!("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", Path, "none", some_path => tls.client_certificate),
    row!("OTEL_EXPORTER_OTLP_INSECURE", Boolean, "not set", insecure() => "tls.insecure"),
];

/// The nine of one signal.
macro_rules! signal {
    ($prefix:literal, $signal:ident, $endpoint:ident, $insecure:ident() => $feeds:literal) => {
        &[
            row!(concat!($prefix, "ENDPOINT"), Url, GENERAL_ONE, $endpoint => $signal.endpoint),
            row!(
                concat!($prefix, "PROTOCOL"), Word, GENERAL_ONE,
                some_protocol => $signal.protocol
            ),
            row!(
                concat!($prefix, "HEADERS"), SecretPairs, GENERAL_ONE,
                some_headers => $signal.headers
            ),
            row!(concat!($prefix, "TIMEOUT"), Timeout, GENERAL_ONE, some_time => $signal.timeout),
            row!(
                concat!($prefix, "COMPRESSION"), Word, GENERAL_ONE,
                some_compression => $signal.compression
            ),
            row!(
                concat!($prefix, "CERTIFICATE"), Path, GENERAL_ONE,
                some_path => $signal.tls.certificate
            ),
            row!(
                concat!($prefix, "CLIENT_KEY"), Path, GENERAL_ONE,
                some_path => $signal.tls.client_key
            ),
            row!(
                concat!($prefix, "CLIENT_CERTIFICATE"), Path, GENERAL_ONE,
                some_path => $signal.tls.client_certificate
            ),
            row!(concat!($prefix, "INSECURE"), Boolean, GENERAL_ONE, $insecure() => $feeds),
        ]
    };
}

const TRACES: &[Variable] = signal!(
    "OTEL_EXPORTER_OTLP_TRACES_", traces, some_text,
    traces_insecure() => "traces.tls.insecure"
);
const METRICS: &[Variable] = signal!(
    "OTEL_EXPORTER_OTLP_METRICS_", metrics, some_endpoint,
    metrics_insecure() => "metrics.tls.insecure"
);
const LOGS: &[Variable] = signal!(
    "OTEL_EXPORTER_OTLP_LOGS_", logs, some_endpoint,
    logs_insecure() => "logs.tls.insecure"
);

#[rustfmt::skip]
const EXPORT: &[Variable] = &[
    row!("OTEL_TRACES_EXPORTER", Words, "otlp", traces_exporters() => "traces.exporters"),
    row!("OTEL_METRICS_EXPORTER", Words, "otlp", metrics_exporters() => "metrics.exporters"),
    row!("OTEL_LOGS_EXPORTER", Words, "otlp", logs_exporters() => "logs.exporters"),
    row!("OTEL_METRIC_EXPORT_INTERVAL", Milliseconds, "60000", interval => metric_reader.interval),
    row!("OTEL_METRIC_EXPORT_TIMEOUT", Timeout, "30000", time => metric_reader.timeout),
    row!(
        "OTEL_METRICS_EXEMPLAR_FILTER", Word, "trace_based",
        exemplar_filter => metric_reader.exemplar_filter
    ),
    row!(
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", Word, "cumulative",
        temporality => metric_reader.temporality
    ),
    row!(
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", Word,
        "explicit_bucket_histogram",
        histogram => metric_reader.histogram_aggregation
    ),
    row!("OTEL_EXPORTER_PROMETHEUS_HOST", Text, "localhost", text => metric_reader.prometheus_host),
    row!("OTEL_EXPORTER_PROMETHEUS_PORT", Count, "9464", port => metric_reader.prometheus_port),
];

fn text(text: &str) -> Parsed<String> {
    Ok(text.to_owned())
}

fn some_text(text: &str) -> Parsed<Option<String>> {
    Ok(Some(text.to_owned()))
}

fn some_path(text: &str) -> Parsed<Option<PathBuf>> {
    Ok(Some(text.into()))
}

fn time(text: &str) -> Parsed<Duration> {
    milliseconds(text, 0)
}

fn some_time(text: &str) -> Parsed<Option<Duration>> {
    time(text).map(Some)
}

/// Reports without a pause are none.
fn interval(text: &str) -> Parsed<Duration> {
    milliseconds(text, 1)
}

pub(super) fn count(text: &str) -> Parsed<u32> {
    number(text, &(0..=u32::MAX))
}

pub(super) fn length(text: &str) -> Parsed<usize> {
    count(text).map(|length| length as usize)
}

/// Of a queue or a batch.
fn size(text: &str) -> Parsed<usize> {
    number(text, &(1..=u32::MAX)).map(|size| size as usize)
}

fn port(text: &str) -> Parsed<u16> {
    number(text, &(1..=u16::MAX))
}

fn log_level(text: &str) -> Parsed<LogLevel> {
    choice(LogLevel::known_as(text), "level")
}

fn some_protocol(text: &str) -> Parsed<Option<Protocol>> {
    choice(Protocol::named(text), "protocol").map(Some)
}

fn compression(text: &str) -> Parsed<Compression> {
    choice(Compression::named(text), "compression")
}

fn some_compression(text: &str) -> Parsed<Option<Compression>> {
    compression(text).map(Some)
}

fn exemplar_filter(text: &str) -> Parsed<ExemplarFilter> {
    choice(ExemplarFilter::named(text), "filter")
}

fn temporality(text: &str) -> Parsed<Temporality> {
    choice(Temporality::named(text), "temporality")
}

fn histogram(text: &str) -> Parsed<HistogramAggregation> {
    choice(HistogramAggregation::named(text), "aggregation")
}

fn header_list(text: &str) -> Parsed<Headers> {
    headers(text).map(Headers)
}

fn some_headers(text: &str) -> Parsed<Option<Headers>> {
    header_list(text).map(Some)
}

/// For signals that nobody dials yet; an endpoint that is dialled is judged by `init`.
fn some_endpoint(text: &str) -> Parsed<Option<String>> {
    if url::is_endpoint(text) {
        return some_text(text);
    }
    Err(Fault::Said("is no URL of a receiver and is ignored".to_owned()))
}

#[cfg(test)]
mod tests;
