//! One telemetry session at a time: the engine is the process's, and tests are its threads.

use oxitel::testing::Receiver;
use oxitel::{Config, Guard, TracingEvents};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Long enough for anything that is not broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A running engine that sends to a receiver of its own.
pub(crate) struct Session {
    pub(crate) receiver: Receiver,
    _guard: Guard,
    _turn: MutexGuard<'static, ()>,
}

/// The right to start telemetry, of which a process has one.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    pub(crate) fn start() -> Self {
        let turn = turn();
        let receiver = Receiver::start();
        let mut config = Config::default();
        config.service_name = Some("it".to_owned());
        let config = config.endpoint(receiver.endpoint()).schedule_delay(PATIENCE);
        let config = config.tracing_events(TracingEvents::SpanEvents).own_metrics(false);
        let guard = oxitel::init(config).expect("telemetry starts");
        Self { receiver, _guard: guard, _turn: turn }
    }

    /// Flushes, and returns the traces as text.
    pub(crate) fn tree(&self) -> String {
        oxitel::flush(PATIENCE).expect("everything is delivered");
        self.receiver.tree()
    }
}

/// Runs everything on this thread, whose `tracing` subscriber is the given one.
pub(crate) fn run<S, F>(subscriber: S, program: F) -> F::Output
where
    S: tracing::Subscriber + Send + Sync + 'static,
    F: Future,
{
    let _here = tracing::subscriber::set_default(subscriber);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(program)
}
