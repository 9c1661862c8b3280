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
        line(SIGNALS, &signals.join(",")) + &self.for_guests
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
        let mut config = Self::from_lookup(said);
        // Who sends is the host.
        config.detectors.clear();
        config.activate_otel_context = Activation::Auto;
        config.install_propagators();
        diagnose::set_level(config.log_level);
        config.as_guest(is_wanted)
    }

    fn as_guest(&self, is_wanted: impl Fn(SignalKind) -> bool) -> Settings {
        let route = |signal| is_wanted(signal).then(|| self.route_to_host());
        let rules = Rules::new(self.redaction.clone());
        Settings {
            traces: route(SignalKind::Traces),
            metrics: route(SignalKind::Metrics),
            logs: route(SignalKind::Logs),
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
