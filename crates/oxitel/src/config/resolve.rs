//! From what the user wrote to what the engine runs with.

use super::origins::Origin;
use super::{Config, Exporters, InitError};
use crate::bridge::opentelemetry::Propagator;
use crate::context;
use crate::diagnose;
use crate::export::{self, SignalKind};
use crate::pipeline::lifecycle::LONGEST_WAIT;
use crate::pipeline::settings::{Route, Settings, Target, Way};
use crate::propagate;
use crate::record::redact::Rules;
use crate::resource::{Given, Resource, detect};
use std::time::Duration;

impl Config {
    /// Settings for the engine; `None` when there is nothing to send to.
    pub(crate) fn resolve(&self) -> Result<Option<Settings>, InitError> {
        diagnose::set_level(self.log_level);
        for warning in self.warnings() {
            diagnose::say(&warning);
        }
        if self.disabled {
            return Ok(None);
        }
        let ways = self.ways(SignalKind::Traces)?;
        if ways.is_empty() {
            return Ok(None);
        }
        let rules = Rules::new(self.redaction.clone());
        Ok(Some(Settings {
            resource: self.resource().redact(&rules),
            sampler: self.sampler.clone(),
            limits: self.limits,
            otel_globals: self.otel_globals,
            activation: self.activate_otel_context,
            rules,
            hooks: self.hooks.clone(),
            baggage: current_baggage,
            traces: Some(Route {
                ways,
                schedule_delay: bounded(self.schedule_delay).max(SHORTEST_DELAY),
                queue_bytes: self.queue_bytes,
                queue_items: self.items("max_queue_size", self.max_queue_size),
                batch_items: self.items("max_export_batch_size", self.max_export_batch_size),
            }),
            metrics: None,
            logs: None,
            shutdown_timeout: bounded(self.shutdown_timeout),
            live_bytes: self.live_bytes,
        }))
    }

    /// Makes the formats of headers the process's.
    pub(crate) fn install_propagators(&self) {
        propagate::set(self.propagators);
        if self.otel_globals {
            opentelemetry::global::set_text_map_propagator(Propagator::new());
        }
    }

    /// Everybody who takes the signal.
    fn ways(&self, signal: SignalKind) -> Result<Vec<Way>, InitError> {
        let exporters = match signal {
            SignalKind::Traces => self.traces.exporters,
            SignalKind::Metrics => self.metrics.exporters,
            SignalKind::Logs => self.logs.exporters,
        };
        let mut targets = Vec::new();
        if exporters.otlp
            && let Some(destination) = self.destination_of(signal)?
        {
            if let Some(remark) = destination.remark() {
                diagnose::say(&remark);
            }
            targets.push(Target::Receiver(destination));
        }
        if exporters.console {
            targets.push(Target::Extra(export::console(self.console)));
        }
        if exporters != Exporters::NONE {
            targets.extend(self.extras.0.iter().cloned().map(Target::Extra));
        }
        let timeout = bounded(self.timeout());
        Ok(targets.into_iter().map(|target| Way { target, timeout }).collect())
    }

    fn resource(&self) -> Resource {
        let attributes = &self.resource_attributes;
        let from_variable = self.origins.attributes_from_variable.min(attributes.len());
        let (variable, arguments) = attributes.split_at(from_variable);
        let service_name = self.service_name.as_deref();
        let is_name_explicit = self.origin_of("service_name") == Some(Origin::Argument);
        let given = Given { service_name, is_name_explicit, variable, arguments };
        Resource::new(given, &detect::here(&self.detectors))
    }

    /// A limit by number, once somebody asked for it: at the default the bytes alone count.
    fn items(&self, setting: &str, number: usize) -> Option<u64> {
        self.is_asked_for(setting).then_some(number as u64)
    }

    /// What bounds a request with all its retries. The batch's own timeout does it as well, once
    /// somebody asked for it.
    fn timeout(&self) -> Duration {
        let request = unless_zero(self.export_timeout_of(SignalKind::Traces));
        if self.is_asked_for("batch_timeout") {
            return request.min(unless_zero(self.batch_timeout));
        }
        request
    }
}

/// Shows the baggage of the place where a span starts.
fn current_baggage(each: &mut dyn FnMut(&str, &str)) {
    for (name, value, _) in context::baggage().iter() {
        each(name, value);
    }
}

/// A shorter delay would keep the sender awake without bringing anything out sooner.
const SHORTEST_DELAY: Duration = Duration::from_millis(10);

/// Zero means: no limit, as in the variable.
fn unless_zero(timeout: Duration) -> Duration {
    if timeout.is_zero() { Duration::MAX } else { timeout }
}

/// A time that can be added to any instant.
fn bounded(time: Duration) -> Duration {
    time.min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, EndpointError, InitError, Protocol};
    use crate::export::SignalKind;
    use std::time::Duration;

    #[test]
    fn the_batchs_own_timeout_bounds_a_request_once_somebody_asks_for_it() {
        let seconds = Duration::from_secs;
        let minute = Config::default().export_timeout(seconds(60));
        assert_eq!(minute.timeout(), seconds(60), "30 s, the default, is not asked for");
        let mut shorter = minute.clone();
        shorter.batch_timeout = seconds(5);
        assert_eq!(shorter.timeout(), seconds(5));
        shorter.batch_timeout = Duration::ZERO;
        assert_eq!(shorter.timeout(), seconds(60), "0 is no limit");
        let by_variable = Config::from_lookup(|name| {
            (name == "OTEL_BSP_EXPORT_TIMEOUT").then(|| "30000".to_owned())
        });
        assert_eq!(by_variable.export_timeout(seconds(60)).timeout(), seconds(30));
    }

    #[test]
    fn a_grpc_endpoint_without_a_scheme_is_plain_unless_somebody_wants_it_otherwise() {
        let told = |endpoint: &str, insecure| {
            let mut config = Config::default().endpoint(endpoint);
            config.tls.insecure = insecure;
            config.destination_of(SignalKind::Traces).map(|found| found.map(|to| to.shown()))
        };
        let plain = Ok(Some("http://h:4317 over gRPC".to_owned()));
        assert_eq!(told("h:4317", None), plain);
        assert_eq!(told("h:4317", Some(true)), plain);
        assert_eq!(told("http://h:4317", Some(false)), plain, "the scheme decides");
        let refused = Err(InitError::from(EndpointError::Tls("https://h:4317".to_owned())));
        assert_eq!(told("h:4317", Some(false)), refused, "never plain where TLS was asked for");
        assert_eq!(told("h:4318", Some(false)), Ok(Some("http://h:4318/v1/traces".to_owned())));
    }

    #[test]
    fn what_is_asked_for_wins_over_the_port() {
        let shown = |config: Config| {
            config.destination_of(SignalKind::Traces).map(|to| to.map(|to| to.shown()))
        };
        let base = Config::default().endpoint("http://h:4317");
        assert_eq!(shown(base.clone()), Ok(Some("http://h:4317 over gRPC".to_owned())));
        let http = base.protocol(Protocol::HttpProtobuf);
        assert_eq!(shown(http.clone()), Ok(Some("http://h:4317/v1/traces".to_owned())));
        assert!(matches!(
            shown(http.protocol(Protocol::HttpJson)),
            Err(InitError::Endpoint(EndpointError::Protocol { .. }))
        ));
    }
}
