//! What a program sets by a call: it wins over any variable.

use super::{
    Compression, Config, Detector, Exporters, LogLevel, Protocol, Signal, Stream, TracingEvents,
};
use crate::bridge::Activation;
use crate::context::SpanContext;
use crate::export::{Exporter, Extra, Files, Memory, SignalKind};
use crate::metrics::View;
use crate::propagate::Propagators;
use crate::record::{Limits, Redaction, Sampler, SpanMut, SpanRef, Verdict};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

impl Config {
    /// Names this service.
    #[must_use]
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = Some(name.into());
        self.argument("service_name")
    }

    /// Describes this process; the last value of a key wins.
    #[must_use]
    pub fn resource_attribute(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.resource_attributes.push((key.into(), value.into()));
        self.argument("resource_attributes")
    }

    /// The version of this service: `service.version`.
    #[must_use]
    pub fn service_version(self, version: impl Into<String>) -> Self {
        self.resource_attribute("service.version", version)
    }

    /// What this service is a part of: `service.namespace`.
    #[must_use]
    pub fn service_namespace(self, namespace: impl Into<String>) -> Self {
        self.resource_attribute("service.namespace", namespace)
    }

    /// Where this service runs, for instance `production` or `staging`:
    /// `deployment.environment.name`, and `deployment.environment`, its name before.
    #[must_use]
    pub fn deployment_environment(self, environment: impl Into<String>) -> Self {
        self.resource_attribute("deployment.environment.name", environment)
    }

    /// Finds out these things about the process, and no others.
    #[must_use]
    pub fn detectors(mut self, detectors: &[Detector]) -> Self {
        self.detectors = detectors.to_vec();
        self.argument("detectors")
    }

    /// Sends to this base URL, whatever the environment says.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self.for_all_signals(|signal| signal.endpoint = None).argument("endpoint")
    }

    /// Sends by this protocol, whatever the environment or the endpoint's port says.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self.for_all_signals(|signal| signal.protocol = None).argument("protocol")
    }

    /// Compresses the bodies of requests so, whatever the environment says.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self.for_all_signals(|signal| signal.compression = None).argument("compression")
    }

    /// Sends one more header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let header = (name.into(), value.into());
        self.headers.0.push(header.clone());
        let more = |signal: &mut Signal| {
            if let Some(headers) = &mut signal.headers {
                headers.0.push(header.clone());
            }
        };
        self.for_all_signals(more).argument("headers")
    }

    /// Bounds one request with all its retries.
    #[must_use]
    pub fn export_timeout(mut self, timeout: Duration) -> Self {
        self.export_timeout = timeout;
        self.for_all_signals(|signal| signal.timeout = None).argument("export_timeout")
    }

    /// Writes each signal that is exported to this stream as well, as text for people:
    /// `console` in `OTEL_TRACES_EXPORTER` and its sisters.
    #[must_use]
    pub fn console(mut self, stream: Stream) -> Self {
        self.console = stream;
        let switch = |signal: &mut Signal| {
            signal.exporters.console = signal.exporters != Exporters::NONE;
        };
        self.for_all_signals(switch)
            .argument("console")
            .argument("traces.exporters")
            .argument("metrics.exporters")
            .argument("logs.exporters")
    }

    /// Gives each signal that is exported to this exporter as well, beside OTLP if there is an
    /// endpoint, and beside those added before.
    ///
    /// `make` is called for each signal, with the signal, when there is something to export for
    /// the first time; in a forked child again. `name` is for messages.
    #[must_use]
    pub fn exporter<E: Exporter + 'static>(
        mut self,
        name: impl Into<String>,
        make: impl Fn(SignalKind) -> E + Send + Sync + 'static,
    ) -> Self {
        let make = Arc::new(move |signal| Box::new(make(signal)) as Box<dyn Exporter>);
        self.extras.0.push(Extra { name: name.into(), make });
        self.argument("extras")
    }

    /// Writes each signal that is exported to a file as well, in OTLP's JSON: see [`Files`].
    #[must_use]
    pub fn files(self, files: impl Into<Files>) -> Self {
        let files = files.into();
        self.exporter("files", move |signal| files.exporter(signal))
    }

    /// Keeps what is exported in memory as well: see [`Memory`].
    #[must_use]
    pub fn memory(self, memory: &Memory) -> Self {
        let memory = memory.clone();
        self.exporter("memory", move |_| memory.clone())
    }

    /// `false`: no span is exported, whatever the environment says. `true` changes nothing.
    #[must_use]
    pub fn traces(mut self, are_wanted: bool) -> Self {
        switch(&mut self.traces, are_wanted);
        if are_wanted { self } else { self.argument("traces.exporters") }
    }

    /// `false`: no metric is exported, whatever the environment says. `true` changes nothing.
    #[must_use]
    pub fn metrics(mut self, are_wanted: bool) -> Self {
        switch(&mut self.metrics, are_wanted);
        if are_wanted { self } else { self.argument("metrics.exporters") }
    }

    /// `false`: no log record is exported, whatever the environment says. `true` changes nothing.
    #[must_use]
    pub fn logs(mut self, are_wanted: bool) -> Self {
        switch(&mut self.logs, are_wanted);
        if are_wanted { self } else { self.argument("logs.exporters") }
    }

    /// Changes what instruments give; views count in the order in which they were added.
    #[must_use]
    pub fn view(mut self, view: View) -> Self {
        self.metric_reader.views.push(view);
        self.argument("metric_reader.views")
    }

    /// The program serves the page for Prometheus itself: metrics are kept for it, and no port is
    /// opened. See [`PrometheusPage`](crate::metrics::PrometheusPage).
    #[must_use]
    pub fn own_prometheus_page(mut self) -> Self {
        self.metrics.exporters.prometheus = true;
        self.metric_reader.prometheus_listens = false;
        self.argument("metrics.exporters").argument("metric_reader.prometheus_listens")
    }

    /// Whether the engine's own health is among the metrics.
    #[must_use]
    pub fn own_metrics(mut self, are_wanted: bool) -> Self {
        self.own_metrics = are_wanted;
        self.argument("own_metrics")
    }

    /// What `tracing` events become.
    #[must_use]
    pub fn tracing_events(mut self, events: TracingEvents) -> Self {
        self.tracing_events = events;
        self.argument("tracing_events")
    }

    /// Keeps these traces.
    #[must_use]
    pub fn sampler(mut self, sampler: Sampler) -> Self {
        self.sampler = sampler;
        self.argument("sampler")
    }

    /// Limits what one span may carry.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self.argument("limits")
    }

    /// Replaces this before anything is sent, instead of the default.
    #[must_use]
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = redaction;
        self.argument("redaction")
    }

    /// Shows this function each span that has started, after its first attributes were set. The
    /// second argument is the span above it, invalid for a root.
    ///
    /// Hooks run in the order in which they were added, on the thread that starts the span. A
    /// panic is contained and counted. Spans that a hook makes are recorded without hooks.
    ///
    /// A span that ends through the OpenTelemetry API's Context is locked by that API meanwhile: a
    /// hook that asks `Context::current().span()` for it would wait for itself.
    #[must_use]
    pub fn on_start(
        mut self,
        hook: impl Fn(&mut SpanMut<'_>, &SpanContext) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.add_on_start(hook);
        self.argument("hooks")
    }

    /// Shows this function each span that has ended, before it is on its way; it may drop the
    /// span. What one hook drops, the next does not see. Otherwise as [`Config::on_start`].
    #[must_use]
    pub fn on_end(
        mut self,
        hook: impl Fn(&SpanRef<'_>) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        self.hooks.add_on_end(hook);
        self.argument("hooks")
    }

    /// Sets the entries of the current baggage whose names `allows` lets through as attributes of
    /// each span that starts. What the program sets itself counts more.
    #[must_use]
    pub fn baggage_attributes(
        mut self,
        allows: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.hooks.add_baggage(allows);
        self.argument("hooks")
    }

    /// Records wait so long for company.
    #[must_use]
    pub fn schedule_delay(mut self, delay: Duration) -> Self {
        self.schedule_delay = delay;
        self.argument("schedule_delay")
    }

    /// Lets so many records wait at most. 2048, the default, leaves it to the bytes.
    #[must_use]
    pub fn max_queue_size(mut self, records: usize) -> Self {
        self.max_queue_size = records;
        self.argument("max_queue_size")
    }

    /// Sends so many records in one request at most. 512, the default, leaves it to the bytes.
    #[must_use]
    pub fn max_export_batch_size(mut self, records: usize) -> Self {
        self.max_export_batch_size = records;
        self.argument("max_export_batch_size")
    }

    /// Writes these of the engine's own lines.
    #[must_use]
    pub fn log_level(mut self, level: LogLevel) -> Self {
        self.log_level = level;
        self.argument("log_level")
    }

    /// Leaves the OpenTelemetry API's global tracer provider and propagator alone, or not.
    #[must_use]
    pub fn otel_globals(mut self, install: bool) -> Self {
        self.otel_globals = install;
        self.argument("otel_globals")
    }

    /// Whether our spans show themselves in the OpenTelemetry API's Context.
    #[must_use]
    pub fn activate_otel_context(mut self, activation: Activation) -> Self {
        self.activate_otel_context = activation;
        self.argument("activate_otel_context")
    }

    /// Reads and writes these formats of headers, in this order.
    #[must_use]
    pub fn propagators(mut self, propagators: Propagators) -> Self {
        self.propagators = propagators;
        self.argument("propagators")
    }

    /// Bounds the end of the program.
    #[must_use]
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self.argument("shutdown_timeout")
    }

    /// Bounds the memory for records on their way.
    #[must_use]
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes;
        self.argument("queue_bytes")
    }

    /// Bounds the memory for spans that have not ended.
    #[must_use]
    pub fn live_bytes(mut self, bytes: usize) -> Self {
        self.live_bytes = bytes;
        self.argument("live_bytes")
    }

    /// Puts each request to a receiver into this folder before it counts as accepted, and keeps it
    /// there until the receiver has it, also over the end of this process.
    ///
    /// The folder is made if it is not there. Processes that send to the same receiver may share
    /// one; it belongs on a disk that survives what the records are to survive.
    #[must_use]
    pub fn spool(mut self, folder: impl Into<PathBuf>) -> Self {
        self.spool = Some(folder.into());
        self.argument("spool")
    }

    /// Bounds what each signal of this process may hold in the spool.
    #[must_use]
    pub fn spool_bytes(mut self, bytes: u64) -> Self {
        self.spool_bytes = bytes;
        self.argument("spool_bytes")
    }

    fn argument(mut self, setting: &'static str) -> Self {
        self.origins.argument(setting);
        self
    }

    fn for_all_signals(mut self, change: impl Fn(&mut Signal)) -> Self {
        [&mut self.traces, &mut self.metrics, &mut self.logs].into_iter().for_each(change);
        self
    }
}

fn switch(signal: &mut Signal, is_wanted: bool) {
    if !is_wanted {
        signal.exporters = Exporters::NONE;
    }
}
