//! What a program can set: explicit argument, then standard variable, then default.

mod env;
mod error;
#[cfg(feature = "otel")]
mod resolve;

pub use error::{EndpointError, InitError};

use crate::context::SpanContext;
use crate::record::{Hooks, Limits, Redaction, Sampler, SpanMut, SpanRef, Verdict};
use std::time::Duration;

/// How telemetry is recorded and where it goes.
///
/// [`Config::new`] and [`Config::from_env`] start from the environment; what is set on the value
/// afterwards wins. [`Config::default`] ignores the environment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// `OTEL_SDK_DISABLED`: nothing is recorded. Default `false`.
    pub disabled: bool,
    /// `OTEL_SERVICE_NAME`: the name of this service. Default `unknown_service:<program>`.
    pub service_name: Option<String>,
    /// `OTEL_RESOURCE_ATTRIBUTES`: what else describes this process.
    pub resource_attributes: Vec<(String, String)>,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: the receiver's base URL; the signal's path is added.
    /// Default: none, and then nothing is recorded.
    pub endpoint: Option<String>,
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`: where traces go, exactly; before `endpoint`.
    pub traces_endpoint: Option<String>,
    /// `OTEL_EXPORTER_OTLP_PROTOCOL`, or `…_TRACES_PROTOCOL`. Default: by the endpoint's port.
    pub protocol: Option<String>,
    /// `OTEL_EXPORTER_OTLP_HEADERS`, or `…_TRACES_HEADERS`: sent with every request.
    pub headers: Headers,
    /// `OTEL_EXPORTER_OTLP_TIMEOUT`, or `…_TRACES_TIMEOUT`: bounds one request with all its
    /// retries; zero is no limit. Default 10 s.
    pub export_timeout: Duration,
    /// `OTEL_BSP_SCHEDULE_DELAY`: the longest a record waits for company. Default 5 s.
    pub schedule_delay: Duration,
    /// `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`: which traces are kept. Default: all,
    /// children follow their parents.
    pub sampler: Sampler,
    /// How much one span may carry.
    pub limits: Limits,
    /// What is replaced before it is sent. Default: secrets, by name and by form.
    pub redaction: Redaction,
    /// Functions that see each span.
    pub hooks: Hooks,
    /// The longest that the end of the program waits for telemetry. Default 2 s.
    pub shutdown_timeout: Duration,
    /// Memory for records on their way; beyond it they are dropped and counted. Default 16 MiB.
    pub queue_bytes: usize,
    /// Memory for spans that have not ended; beyond it new spans are dropped and counted.
    /// Default 64 MiB.
    pub live_bytes: usize,
    /// What the environment says that cannot be followed; `init` prints each line once.
    warnings: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            disabled: false,
            service_name: None,
            resource_attributes: Vec::new(),
            endpoint: None,
            traces_endpoint: None,
            protocol: None,
            headers: Headers::default(),
            export_timeout: Duration::from_secs(10),
            schedule_delay: Duration::from_secs(5),
            sampler: Sampler::default(),
            limits: Limits::default(),
            redaction: Redaction::default(),
            hooks: Hooks::default(),
            shutdown_timeout: Duration::from_secs(2),
            queue_bytes: 16 << 20,
            live_bytes: 64 << 20,
            warnings: Vec::new(),
        }
    }
}

impl Config {
    /// What the environment says, for a service of this name.
    pub fn new(service_name: impl Into<String>) -> Self {
        Self { service_name: Some(service_name.into()), ..Self::from_env() }
    }

    /// What the environment says. Values that make no sense are warned about by `init` and
    /// replaced by the default.
    pub fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// As [`Config::from_env`], with another source of variables.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        env::read(lookup)
    }

    /// Sends to this base URL, whatever the environment says.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self.traces_endpoint = None;
        self
    }

    /// Sends one more header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.0.push((name.into(), value.into()));
        self
    }

    /// Describes this process; the last value of a key wins.
    #[must_use]
    pub fn resource_attribute(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.resource_attributes.push((key.into(), value.into()));
        self
    }

    /// Keeps these traces.
    #[must_use]
    pub fn sampler(mut self, sampler: Sampler) -> Self {
        self.sampler = sampler;
        self
    }

    /// Limits what one span may carry.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Replaces this before anything is sent, instead of the default.
    #[must_use]
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = redaction;
        self
    }

    /// Shows this function each span that has started, after its first attributes were set. The
    /// second argument is the span above it, invalid for a root.
    ///
    /// Hooks run in the order in which they were added, on the thread that starts the span. A
    /// panic is contained and counted. Spans that a hook makes are recorded without hooks.
    #[must_use]
    pub fn on_start(
        mut self,
        hook: impl Fn(&mut SpanMut<'_>, &SpanContext) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.add_on_start(hook);
        self
    }

    /// Shows this function each span that has ended, before it is on its way; it may drop the
    /// span. What one hook drops, the next does not see. Otherwise as [`Config::on_start`].
    #[must_use]
    pub fn on_end(
        mut self,
        hook: impl Fn(&SpanRef<'_>) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        self.hooks.add_on_end(hook);
        self
    }

    /// Sets the entries of the current baggage whose names `allows` lets through as attributes of
    /// each span that starts. What the program sets itself counts more.
    #[must_use]
    pub fn baggage_attributes(
        mut self,
        allows: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.hooks.add_baggage(allows);
        self
    }

    /// Records wait so long for company.
    #[must_use]
    pub fn schedule_delay(mut self, delay: Duration) -> Self {
        self.schedule_delay = delay;
        self
    }

    /// Bounds one request with all its retries.
    #[must_use]
    pub fn export_timeout(mut self, timeout: Duration) -> Self {
        self.export_timeout = timeout;
        self
    }

    /// Bounds the end of the program.
    #[must_use]
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// Bounds the memory for records on their way.
    #[must_use]
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes;
        self
    }

    /// Bounds the memory for spans that have not ended.
    #[must_use]
    pub fn live_bytes(mut self, bytes: usize) -> Self {
        self.live_bytes = bytes;
        self
    }

    /// What the environment says that cannot be followed.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Headers to send; their values may be secrets and are not shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, _)| (name, "…"))).finish()
    }
}
