//! Starting and ending telemetry.

use super::config::TelemetryConfig;
use super::engine;
use super::error::TelemetryError;
use super::notice;
use oxitel::{Config, FlushError, Guard, SignalKind};
use std::thread;
use std::time::Duration;

/// Starts telemetry for this process, and makes it the OpenTelemetry API's own: its global
/// tracers, meters and propagators are those of this engine from now on.
///
/// - A part that is not `enabled` does nothing, and that is no error; neither is a receiver that
///   is not there (yet): spans wait for it, and losses are counted and told on standard error.
/// - What cannot be followed is an error, and nothing starts. An endpoint that only metrics use
///   is less: beside spans that work it is told on standard error, and metrics stay off.
/// - A process is one service: where the parts name two, it is that of `tracing`, and that is
///   told once.
/// - While telemetry runs, a second start changes nothing and returns
///   [`TelemetryError::AlreadyRunning`].
/// - `OTEL_SDK_DISABLED=true` keeps everything off. Other variables count here only for what the
///   configuration has no field for, such as `OTEL_RESOURCE_ATTRIBUTES`; see
///   [`TelemetryConfig::new`].
#[expect(clippy::needless_pass_by_value, reason = "a configuration is used once")]
pub fn init_telemetry(config: TelemetryConfig) -> Result<TelemetryProviders, TelemetryError> {
    config.check()?;
    let given = Config::from_env();
    if engine::are_two_services(&config) && !given.disabled {
        notice::TWO_SERVICES.say();
    }
    let engine = engine::engine(&config, &given);
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

/// Telemetry that runs. Dropping it ends telemetry as well; that waits for the last spans and
/// metrics, two seconds at most, on the thread that drops it.
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
    /// Whether anything is recorded.
    pub fn is_recording(&self) -> bool {
        self.running.is_some()
    }

    /// Sends what was recorded before the call, spans and metrics, and waits for it, at most so
    /// long. `Ok` says that all of it was delivered, and that nothing was lost since the last
    /// flush.
    ///
    /// It waits on a thread of its own, never on the caller's runtime.
    pub async fn flush(&self, timeout: Duration) -> Result<(), TelemetryError> {
        if self.running.is_none() {
            return Ok(());
        }
        Ok(off_the_runtime(move || oxitel::flush(timeout)).await?)
    }

    /// Sends what is left, spans and the last metrics, and ends telemetry, within two seconds.
    ///
    /// The wait is on a thread of its own: it works on any runtime, and on none. `Ok` when all
    /// was delivered, and also when nobody ever answered, at no endpoint, which is no fault of
    /// this program: it was told on standard error and is counted in `oxitel::stats_of`.
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

/// How many records receivers have answered for; data points of metrics are records, too.
fn answered() -> u64 {
    let of_signal = |signal| {
        let stats = oxitel::stats_of(signal);
        stats.delivered + stats.rejected
    };
    SignalKind::ALL.into_iter().map(of_signal).sum()
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
