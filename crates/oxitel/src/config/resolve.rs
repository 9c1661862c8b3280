//! From what the user wrote to what the engine runs with.

use super::origins::Origin;
use super::{Config, Exporters, InitError, TracingEvents};
use crate::bridge::opentelemetry::ApiPropagator;
use crate::context;
use crate::diagnose;
use crate::export::{self, SignalKind};
use crate::pipeline::lifecycle::LONGEST_WAIT;
use crate::pipeline::settings::{Limit, Page, Route, Settings, SpoolAt, Target, Way};
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
        let traces = self.route(SignalKind::Traces)?;
        let logs = self.route_or_none(SignalKind::Logs, traces.is_some())?;
        let others_work = traces.is_some() || logs.is_some();
        let metrics = self.route_or_none(SignalKind::Metrics, others_work)?;
        let page = self.page();
        if traces.is_none() && logs.is_none() && metrics.is_none() && page.is_none() {
            return Ok(None);
        }
        let own_metrics = self.own_metrics && metrics.as_ref().is_some_and(is_sent);
        let rules = Rules::new(self.redaction.clone());
        Ok(Some(Settings { traces, metrics, logs, page, own_metrics, ..self.recording(rules) }))
    }

    /// How records are made, and nothing about where they go.
    pub(super) fn recording(&self, rules: Rules) -> Settings {
        Settings {
            resource: self.resource().redact(&rules),
            sampler: self.sampler.clone(),
            limits: self.limits,
            otel_globals: self.otel_globals,
            activation: self.activate_otel_context,
            rules,
            hooks: self.hooks.clone(),
            baggage: current_baggage,
            traces: None,
            metrics: None,
            page: None,
            logs: None,
            events_of_spans: self.tracing_events == TracingEvents::SpanEvents,
            log_limit: Limit {
                count: self.log_records.attributes,
                value_length: self.log_records.value_length,
            },
            aggregation: self.metric_reader.aggregation(self.metrics.exporters.prometheus),
            own_metrics: false,
            standard_rpc_metrics: self.has_opted_in("rpc"),
            shutdown_timeout: bounded(self.shutdown_timeout),
            live_bytes: self.live_bytes,
            #[cfg(feature = "python")]
            is_joined: false,
            #[cfg(feature = "python")]
            for_guests: self.for_guests.clone(),
        }
    }

    /// Whether newer conventions are asked for in this area; those that were there stay.
    fn has_opted_in(&self, area: &str) -> bool {
        let name = |it: &String| it.strip_suffix("/dup").unwrap_or(it) == area;
        self.semconv_opt_in.iter().any(name)
    }

    /// How a signal leaves; `None` when nobody takes it.
    fn route(&self, signal: SignalKind) -> Result<Option<Route>, InitError> {
        let targets = self.targets(signal)?;
        if targets.is_empty() {
            return Ok(None);
        }
        let timing = self.timing(signal);
        let timeout = bounded(self.timeout(signal, &timing));
        Ok(Some(Route {
            ways: targets.into_iter().map(|target| self.way(signal, target, timeout)).collect(),
            schedule_delay: bounded(timing.schedule_delay).max(SHORTEST_DELAY),
            queue_bytes: self.queue_bytes,
            queue_items: timing.queue_items,
            batch_items: timing.batch_items,
        }))
    }

    /// One exporter; what goes to a receiver may wait on a disk.
    fn way(&self, signal: SignalKind, target: Target, timeout: Duration) -> Way {
        let has_spool = matches!(target, Target::Receiver(_));
        let folder = self.spool.as_ref().filter(|_| has_spool);
        let spool = folder
            .map(|folder| SpoolAt { folder: folder.join(signal.name()), bytes: self.spool_bytes });
        Way { target, timeout, spool }
    }

    /// What Prometheus finds, and where.
    fn page(&self) -> Option<Page> {
        let reader = &self.metric_reader;
        let at = || (reader.prometheus_host.clone(), reader.prometheus_port);
        self.metrics.exporters.prometheus.then(|| Page {
            at: reader.prometheus_listens.then(at),
            translation: reader.prometheus_translation,
            scope_labels: reader.prometheus_scope_labels,
        })
    }

    /// The same for a signal that the program can do without: beside one that works, what is
    /// wrong with it is said and switches it off.
    fn route_or_none(
        &self,
        signal: SignalKind,
        others_work: bool,
    ) -> Result<Option<Route>, InitError> {
        match self.route(signal) {
            Err(error) if others_work => {
                diagnose::say(&format!("{signal} are off, the rest works: {error}"));
                Ok(None)
            }
            route => route,
        }
    }

    fn timing(&self, signal: SignalKind) -> Timing {
        match signal {
            SignalKind::Traces => Timing {
                schedule_delay: self.delay(signal, "schedule_delay", self.schedule_delay),
                batch_timeout: self.asked("batch_timeout", self.batch_timeout),
                queue_items: self.items("max_queue_size", self.max_queue_size),
                batch_items: self.items("max_export_batch_size", self.max_export_batch_size),
            },
            SignalKind::Metrics => Timing {
                schedule_delay: self.metric_reader.interval,
                batch_timeout: self.asked("metric_reader.timeout", self.metric_reader.timeout),
                queue_items: None,
                batch_items: None,
            },
            SignalKind::Logs => {
                let own = &self.log_records;
                Timing {
                    schedule_delay: self.delay(
                        signal,
                        "log_records.schedule_delay",
                        own.schedule_delay,
                    ),
                    batch_timeout: self.asked("log_records.batch_timeout", own.batch_timeout),
                    queue_items: self.items("log_records.max_queue_size", own.max_queue_size),
                    batch_items: self
                        .items("log_records.max_export_batch_size", own.max_export_batch_size),
                }
            }
        }
    }

    /// What somebody asked for, or the default, which is shorter where a person is waiting.
    fn delay(&self, signal: SignalKind, setting: &str, delay: Duration) -> Duration {
        let is_watched = self.signal(signal).exporters.console && !self.is_asked_for(setting);
        if is_watched { delay.min(WATCHED_DELAY) } else { delay }
    }

    /// Makes the formats of headers the process's.
    pub(crate) fn install_propagators(&self) {
        propagate::set(self.propagators);
        if self.otel_globals {
            opentelemetry::global::set_text_map_propagator(ApiPropagator::new());
        }
    }

    /// Everybody who takes the signal.
    fn targets(&self, signal: SignalKind) -> Result<Vec<Target>, InitError> {
        let exporters = self.signal(signal).exporters;
        let mut targets = Vec::new();
        if exporters.otlp
            && let Some(destination) = self.destination_of(signal)?
        {
            if let Some(remark) = destination.remark() {
                diagnose::say(&remark);
            }
            targets.push(Target::Receiver(Box::new(destination)));
        }
        if exporters.console {
            targets.push(Target::Extra(export::console(self.console)));
        }
        if exporters != Exporters::NONE {
            targets.extend(self.extras.0.iter().cloned().map(Target::Extra));
        }
        Ok(targets)
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

    fn asked(&self, setting: &str, time: Duration) -> Option<Duration> {
        self.is_asked_for(setting).then_some(time)
    }

    /// What bounds a request with all its retries. The batch's own timeout does it as well, once
    /// somebody asked for it.
    fn timeout(&self, signal: SignalKind, timing: &Timing) -> Duration {
        let request = unless_zero(self.export_timeout_of(signal));
        timing.batch_timeout.map_or(request, |batch| request.min(unless_zero(batch)))
    }
}

/// Whether the signal leaves the process.
fn is_sent(route: &Route) -> bool {
    route.ways.iter().any(|way| matches!(way.target, Target::Receiver(_)))
}

/// How records of one signal are grouped; what is `None` was not asked for.
struct Timing {
    schedule_delay: Duration,
    batch_timeout: Option<Duration>,
    queue_items: Option<u64>,
    batch_items: Option<u64>,
}

/// Shows the baggage of the place where a span starts.
fn current_baggage(each: &mut dyn FnMut(&str, &str)) {
    for (name, value, _) in context::baggage().iter() {
        each(name, value);
    }
}

/// The schedule delay of a signal with a console.
const WATCHED_DELAY: Duration = Duration::from_millis(500);

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
    use crate::config::{Config, Stream};
    use crate::export::SignalKind;
    use std::time::Duration;

    fn timeout(config: &Config) -> Duration {
        config.timeout(SignalKind::Traces, &config.timing(SignalKind::Traces))
    }

    #[test]
    fn a_program_that_serves_the_page_itself_opens_no_port() {
        let page = |config: &Config| config.page().map(|page| page.at);
        let mut config = Config::default();
        assert_eq!(page(&config), None);
        config.metrics.exporters.prometheus = true;
        assert_eq!(page(&config), Some(Some(("localhost".to_owned(), 9464))));
        assert_eq!(page(&config.own_prometheus_page()), Some(None));
    }

    #[test]
    fn the_batchs_own_timeout_bounds_a_request_once_somebody_asks_for_it() {
        let seconds = Duration::from_secs;
        let minute = Config::default().export_timeout(seconds(60));
        assert_eq!(timeout(&minute), seconds(60), "30 s, the default, is not asked for");
        let mut shorter = minute.clone();
        shorter.batch_timeout = seconds(5);
        assert_eq!(timeout(&shorter), seconds(5));
        shorter.batch_timeout = Duration::ZERO;
        assert_eq!(timeout(&shorter), seconds(60), "0 is no limit");
        let by_variable = Config::from_lookup(|name| {
            (name == "OTEL_BSP_EXPORT_TIMEOUT").then(|| "30000".to_owned())
        });
        assert_eq!(timeout(&by_variable.export_timeout(seconds(60))), seconds(30));
    }

    #[test]
    fn a_console_is_written_to_soon_unless_somebody_says_when() {
        let milliseconds = Duration::from_millis;
        let delay = |config: &Config| config.timing(SignalKind::Traces).schedule_delay;
        let quiet = Config::default();
        assert_eq!(delay(&quiet), milliseconds(5_000));
        let watched = quiet.console(Stream::Error);
        assert_eq!(delay(&watched), milliseconds(500));
        assert_eq!(
            delay(&watched.clone().schedule_delay(milliseconds(3_000))),
            milliseconds(3_000)
        );
        assert_eq!(watched.timing(SignalKind::Logs).schedule_delay, milliseconds(500));
        assert_eq!(delay(&watched.traces(false)), milliseconds(5_000));
    }
}
