//! The configuration of a guest: what the host says about how records are made. Where they go is the
//! host's business, and stays there.

use super::Config;
use crate::bridge::Activation;
use crate::diagnose;
use crate::export::SignalKind;
use crate::pipeline::settings::{Route, Settings};
use crate::record::redact::Rules;

/// The variables that change what a record looks like, or whether it is made.
const VARIABLES: &[&str] = &[
    "OTEL_LOG_LEVEL",
    "OTEL_PROPAGATORS",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_SEMCONV_STABILITY_OPT_IN",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_METRICS_EXEMPLAR_FILTER",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
];

/// The signals that are recorded at all, as another line.
const SIGNALS: &str = "signals";

/// Whether there is a page for Prometheus, as another line.
const PAGE: &str = "page";

/// What the variables say, for guests: `NAME=value`, each with a zero behind it.
pub(super) fn lines(lookup: &impl Fn(&str) -> Option<String>) -> String {
    // Empty is unset.
    let value = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
    VARIABLES.iter().filter_map(|name| Some(line(name, &value(name)?))).collect()
}

fn line(name: &str, value: &str) -> String {
    format!("{name}={value}\0")
}

impl Settings {
    /// All that guests are told.
    pub(crate) fn told(&self) -> String {
        let signals: Vec<_> = self.routes().map(|(signal, _)| signal.name()).collect();
        let page = self.page.as_ref().map(|_| line(PAGE, "1")).unwrap_or_default();
        line(SIGNALS, &signals.join(",")) + &page + &self.for_guests
    }
}

impl Config {
    /// The settings of a guest whose host says this.
    pub(crate) fn of_host(told: &str) -> Settings {
        let said = |wanted: &str| {
            let mut pairs = told.split('\0').filter_map(|line| line.split_once('='));
            pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
        };
        let signals = said(SIGNALS).unwrap_or_default();
        let is_wanted = |signal: SignalKind| signals.split(',').any(|it| it == signal.name());
        let has_page = said(PAGE).is_some();
        let mut config = Self::from_lookup(said);
        // Who sends is the host.
        config.detectors.clear();
        config.activate_otel_context = Activation::Auto;
        config.install_propagators();
        diagnose::set_level(config.log_level);
        config.as_guest(is_wanted, has_page)
    }

    fn as_guest(&self, is_wanted: impl Fn(SignalKind) -> bool, has_page: bool) -> Settings {
        let route = |is_wanted: bool| is_wanted.then(|| self.route_to_host());
        let rules = Rules::new(self.redaction.clone());
        Settings {
            traces: route(is_wanted(SignalKind::Traces)),
            // The page is the host's, and what is on it is measured here.
            metrics: route(is_wanted(SignalKind::Metrics) || has_page),
            logs: route(is_wanted(SignalKind::Logs)),
            aggregation: self.metric_reader.aggregation(has_page),
            is_joined: true,
            ..self.recording(rules)
        }
    }

    /// Nobody here sends; open chunks have the usual memory.
    fn route_to_host(&self) -> Route {
        Route {
            ways: Vec::new(),
            schedule_delay: self.schedule_delay,
            queue_bytes: self.queue_bytes,
            queue_items: None,
            batch_items: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{VARIABLES, lines};
    use crate::Config;
    use crate::config::variables;
    use crate::export::SignalKind;

    #[test]
    fn guests_are_told_how_records_are_made_and_not_where_they_go() {
        let environment = |name: &str| match name {
            "OTEL_TRACES_SAMPLER" => Some("always_off".to_owned()),
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT" => Some("7".to_owned()),
            "OTEL_EXPORTER_OTLP_HEADERS" => Some("authorization=hunter2".to_owned()),
            "OTEL_EXPORTER_OTLP_ENDPOINT" => Some("http://localhost:4318".to_owned()),
            "OTEL_PROPAGATORS" => Some(" ".to_owned()),
            "OTEL_LOGS_EXPORTER" => Some("none".to_owned()),
            _ => None,
        };
        let told = lines(&environment);
        assert_eq!(told, "OTEL_TRACES_SAMPLER=always_off\0OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=7\0");
        let host = Config::from_lookup(environment).resolve().expect("it is fine");
        let told = host.expect("it sends").told();
        let guest = Config::of_host(&told);
        assert_eq!(guest.limits.attributes, 7);
        assert!(guest.is_joined && guest.traces.is_some() && guest.metrics.is_some());
        assert!(guest.route(SignalKind::Logs).is_none());
        assert!(guest.traces.is_some_and(|route| route.ways.is_empty()));
    }

    #[test]
    fn a_guest_measures_for_a_page_alone() {
        let exporter = |name: &str| (name == "OTEL_METRICS_EXPORTER").then(|| "prometheus".into());
        let told = Config::from_lookup(exporter).resolve().expect("it is fine");
        let guest = Config::of_host(&told.expect("there is a page").told());
        assert!(guest.measures() && guest.aggregation.pulled && guest.page.is_none());
        let pushed = Config::from_lookup(|_| None)
            .endpoint("http://localhost:1")
            .resolve()
            .expect("it is fine");
        let guest = Config::of_host(&pushed.expect("it sends").told());
        assert!(guest.measures() && !guest.aggregation.pulled);
    }

    #[test]
    fn what_guests_are_told_are_variables_that_are_read() {
        for name in VARIABLES {
            assert!(variables::all().any(|known| known.name == *name), "{name}");
        }
    }

    #[test]
    fn a_host_that_says_nothing_records_nothing() {
        let guest = Config::of_host("\0=\0what");
        assert!(guest.routes().next().is_none());
    }
}
