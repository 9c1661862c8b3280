//! The configuration of a running engine: resolved once by `init`, read-only from then on.

pub(crate) use super::scratch::Limit;
use crate::bridge::Activation;
use crate::export::{Destination, Extra, SignalKind};
use crate::metrics::{self, Translation};
use crate::record::redact::Rules;
use crate::record::{Hooks, Limits, Sampler};
use crate::resource::Resource;
use std::path::PathBuf;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

/// Shows each entry of the current baggage, its name and its value.
pub(crate) type Baggage = fn(&mut dyn FnMut(&str, &str));

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub(crate) struct Settings {
    pub(crate) resource: Resource,
    pub(crate) sampler: Sampler,
    pub(crate) limits: Limits,
    pub(crate) otel_globals: bool,
    pub(crate) activation: Activation,
    pub(crate) rules: Rules,
    pub(crate) hooks: Hooks,
    pub(crate) baggage: Baggage,
    /// How each signal leaves; one without a route is not recorded.
    pub(crate) traces: Option<Route>,
    pub(crate) metrics: Option<Route>,
    pub(crate) logs: Option<Route>,
    /// `tracing` events become events of their spans.
    pub(crate) events_of_spans: bool,
    pub(crate) log_limit: Limit,
    /// What Prometheus finds.
    pub(crate) page: Option<Page>,
    /// How metrics are aggregated.
    pub(crate) aggregation: metrics::Settings,
    /// Whether the engine's own health is among the metrics.
    pub(crate) own_metrics: bool,
    /// Whether calls are measured as OpenTelemetry's conventions want it, too.
    pub(crate) standard_rpc_metrics: bool,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) live_bytes: usize,
    /// Records go to the engine of another copy of this crate.
    #[cfg(feature = "python")]
    pub(crate) is_joined: bool,
    /// What guests are told: variables, `NAME=value`, each with a zero behind it.
    #[cfg(feature = "python")]
    pub(crate) for_guests: String,
}

/// The page for Prometheus.
#[derive(Debug)]
pub(crate) struct Page {
    /// Host and port where it is served; `None`: the program does it.
    pub(crate) at: Option<(String, u16)>,
    pub(crate) translation: Translation,
    /// Whether each point says which scope it is of.
    pub(crate) scope_labels: bool,
}

/// How one signal leaves: the records wait in one place and go every way.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) ways: Vec<Way>,
    pub(crate) schedule_delay: Duration,
    pub(crate) queue_bytes: usize,
    /// So many records wait, and travel in one request, at most.
    pub(crate) queue_items: Option<u64>,
    pub(crate) batch_items: Option<u64>,
}

/// One exporter.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) target: Target,
    /// Bounds one request with all its retries.
    pub(crate) timeout: Duration,
    /// Where requests wait on a disk until they are delivered.
    pub(crate) spool: Option<SpoolAt>,
}

/// A place on a disk.
#[derive(Clone, Debug)]
pub(crate) struct SpoolAt {
    pub(crate) folder: PathBuf,
    pub(crate) bytes: u64,
}

/// Who takes the requests.
#[derive(Debug)]
pub(crate) enum Target {
    /// A receiver of OTLP.
    Receiver(Box<Destination>),
    /// An exporter in this process.
    Extra(Extra),
}

impl Target {
    /// For people.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Receiver(destination) => destination.shown(),
            Self::Extra(extra) => format!("the exporter {:?}", extra.name),
        }
    }
}

impl Settings {
    /// Whether somebody takes metrics.
    pub(crate) fn measures(&self) -> bool {
        self.metrics.is_some() || self.page.is_some()
    }

    /// How the signal leaves.
    pub(crate) fn route(&self, signal: SignalKind) -> Option<&Route> {
        match signal {
            SignalKind::Traces => self.traces.as_ref(),
            SignalKind::Metrics => self.metrics.as_ref(),
            SignalKind::Logs => self.logs.as_ref(),
        }
    }

    /// The signals that leave, and how.
    pub(crate) fn routes(&self) -> impl Iterator<Item = (SignalKind, &Route)> {
        SignalKind::ALL.into_iter().filter_map(|signal| Some((signal, self.route(signal)?)))
    }

    /// Whether code of the program has a say when a span starts.
    pub(crate) fn starts_are_asked(&self) -> bool {
        self.sampler.asks() || self.hooks.see_starts() || self.rules.ask()
    }

    /// How long the end of the program may wait.
    pub(crate) fn shutdown_timeout(&self) -> Duration {
        self.shutdown_timeout
    }
}

/// The last `init`'s settings. They are never freed: a thread, or a forked child, may read them
/// at any time, and programs start telemetry a few times at most.
static CURRENT: AtomicPtr<Settings> = AtomicPtr::new(std::ptr::null_mut());

pub(crate) fn publish(settings: Settings) -> &'static Settings {
    let settings = Box::into_raw(Box::new(settings));
    // Release: the fields are visible to whoever loads the pointer.
    CURRENT.store(settings, Ordering::Release);
    // SAFETY: just allocated, never freed.
    unsafe { &*settings }
}

pub(crate) fn current() -> Option<&'static Settings> {
    // SAFETY: null, or from `publish` and never freed.
    unsafe { CURRENT.load(Ordering::Acquire).as_ref() }
}
