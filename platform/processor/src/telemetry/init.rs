//! Starting and ending telemetry: the configuration of this crate becomes the engine's.

use super::config::{BatchConfiguration, OtlpProtocol, TelemetryConfig, TraceConfig};
use super::environment::{DEPLOYMENT, SERVICE_VERSION, attribute};
use super::error::TelemetryError;
use super::notice;
use oxitel::config::Exporters;
use oxitel::{Config, FlushError, Guard, Protocol};
use std::thread;
use std::time::Duration;

/// Starts telemetry for this process, and makes it the OpenTelemetry API's own: its global
/// tracers and propagators are those of this engine from now on.
///
/// - A part that is not `enabled` does nothing, and that is no error; neither is a receiver that
///   is not there (yet): spans wait for it, and losses are counted and told on standard error.
/// - What cannot be followed is an error, and nothing starts.
/// - While telemetry runs, a second start changes nothing and returns
///   [`TelemetryError::AlreadyRunning`].
/// - `OTEL_SDK_DISABLED=true` keeps everything off. Other variables count here only for what the
///   configuration has no field for, such as `OTEL_RESOURCE_ATTRIBUTES`; see
///   [`TelemetryConfig::new`].
#[expect(clippy::needless_pass_by_value, reason = "a configuration is used once")]
pub fn init_telemetry(config: TelemetryConfig) -> Result<TelemetryProviders, TelemetryError> {
    config.check()?;
    let given = Config::from_env();
    if config.metrics.enabled && !given.disabled {
        notice::NO_METRICS.say();
    }
    let engine = engine(&config.tracing, given);
    let deadline = engine.shutdown_timeout;
    let answered_before = answered();
    let guard = oxitel::init(engine)?;
    let running = guard.is_recording().then_some(Running { guard, deadline, answered_before });
    Ok(TelemetryProviders { running })
}

/// Starts telemetry as the environment says: [`init_telemetry`] of [`TelemetryConfig::from_env`].
pub fn init() -> Result<TelemetryProviders, TelemetryError> {
    init_telemetry(TelemetryConfig::from_env())
}

/// Telemetry that runs. Dropping it ends telemetry as well; that waits for the last spans, two
/// seconds at most, on the thread that drops it.
#[derive(Debug)]
#[must_use = "dropping it ends telemetry"]
pub struct TelemetryProviders {
    /// `None` when there was nothing to start.
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    guard: Guard,
    /// How long the end may take.
    deadline: Duration,
    /// What receivers had answered for when it started.
    answered_before: u64,
}

impl TelemetryProviders {
    /// Whether spans are recorded.
    pub fn is_recording(&self) -> bool {
        self.running.is_some()
    }

    /// Sends what was recorded before the call and waits for it, at most so long. `Ok` says that
    /// all of it was delivered, and that nothing was lost since the last flush.
    ///
    /// It waits on a thread of its own, never on the caller's runtime.
    pub async fn flush(&self, timeout: Duration) -> Result<(), TelemetryError> {
        if self.running.is_none() {
            return Ok(());
        }
        Ok(off_the_runtime(move || oxitel::flush(timeout)).await?)
    }

    /// Sends what is left and ends telemetry, within two seconds.
    ///
    /// The wait is on a thread of its own: it works on any runtime, and on none. `Ok` when all
    /// was delivered, and also when nobody ever answered at the endpoint, which is no fault of
    /// this program: it was told on standard error and is counted in `oxitel::stats()`.
    pub async fn shutdown(self) -> Result<(), TelemetryError> {
        let Some(Running { guard, deadline, answered_before }) = self.running else {
            return Ok(());
        };
        let ended = off_the_runtime(move || oxitel::shutdown(deadline)).await;
        // Nothing is left for it to do.
        drop(guard);
        match ended {
            Err(lost) if answered() > answered_before => Err(lost.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// How many records receivers have answered for.
fn answered() -> u64 {
    let stats = oxitel::stats();
    stats.delivered + stats.rejected
}

/// Waits on a thread of its own. A runtime's pool of blocking threads would do as well, if there
/// were a runtime, and if the pool were never full.
async fn off_the_runtime<W>(wait: W) -> Result<(), FlushError>
where
    W: FnOnce() -> Result<(), FlushError> + Copy + Send + 'static,
{
    let (tell, told) = tokio::sync::oneshot::channel();
    let apart = move || {
        // Fails when the caller does not wait any more.
        let _ = tell.send(wait());
    };
    match thread::Builder::new().name("telemetry-wait".to_owned()).spawn(apart) {
        Ok(_) => told.await.unwrap_or_else(|_| wait()),
        // No thread is to be had: the wait is bounded, so it may be here.
        Err(_) => wait(),
    }
}

/// What the engine is to do. `given` is what the environment says: it holds where the
/// configuration has no field.
pub(super) fn engine(tracing: &TraceConfig, given: Config) -> Config {
    // What there is to say about metrics is said here.
    let given = given.metrics(false);
    if !tracing.enabled {
        // It is started all the same: a trace that comes in goes out again.
        return given.traces(false);
    }
    let config = with_environment(with_batches(given, &tracing.batch_config), tracing);
    let mut config = with_destination(config, tracing)
        .service_name(&tracing.service_name)
        .sampler(tracing.sampling.sampler());
    config.traces.exporters = Exporters::default();
    if !tracing.service_version.is_empty() {
        config = config.resource_attribute(SERVICE_VERSION, &tracing.service_version);
    }
    config
}

fn with_batches(mut config: Config, batches: &BatchConfiguration) -> Config {
    let BatchConfiguration { max_queue_size, max_export_batch_size, .. } = *batches;
    let BatchConfiguration { scheduled_delay, export_timeout, .. } = *batches;
    config.max_queue_size = max_queue_size;
    config.max_export_batch_size = max_export_batch_size;
    config.batch_timeout = export_timeout;
    config.schedule_delay(scheduled_delay).export_timeout(export_timeout)
}

/// Where it runs, unless the environment says it. The engine adds the older name.
fn with_environment(config: Config, tracing: &TraceConfig) -> Config {
    let is_said = DEPLOYMENT.iter().any(|key| attribute(&config, key).is_some());
    match &tracing.environment {
        Some(environment) if !is_said => config.resource_attribute(DEPLOYMENT[0], environment),
        _ => config,
    }
}

fn with_destination(config: Config, tracing: &TraceConfig) -> Config {
    let endpoint = tracing.otlp_endpoint.trim();
    // The variable for traces is used exactly as it stands, also when `new` has copied it.
    let is_exact = config.traces.endpoint.as_deref().map(str::trim) == Some(endpoint)
        || endpoint.trim_end_matches('/').ends_with("/v1/traces");
    let protocol = match tracing.otlp_protocol {
        OtlpProtocol::Grpc => Protocol::Grpc,
        OtlpProtocol::Http => Protocol::HttpProtobuf,
    };
    let asked = config.traces.protocol.or(config.protocol);
    if asked == Some(Protocol::HttpJson) && protocol == Protocol::HttpProtobuf {
        notice::NO_JSON.say();
    }
    let mut config = config.endpoint(endpoint).protocol(protocol);
    config.traces.endpoint = is_exact.then(|| endpoint.to_owned());
    let mut headers: Vec<_> = tracing.headers.clone().into_iter().collect();
    headers.sort_unstable();
    config.headers.0 = headers;
    config.traces.headers = None;
    config
}
