//! One telemetry at a time: it is the process's, and tests are its threads.

use oxitel::testing::Receiver;
use processor::telemetry::{
    OtlpProtocol, TelemetryConfig, TelemetryError, TelemetryProviders, init_telemetry,
};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

/// Long enough for anything that is not broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) const BOTH: [OtlpProtocol; 2] = [OtlpProtocol::Grpc, OtlpProtocol::Http];

/// The right to start telemetry.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Telemetry that sends to a receiver of its own.
pub(crate) struct Session {
    pub(crate) receiver: Receiver,
    pub(crate) providers: TelemetryProviders,
    _turn: MutexGuard<'static, ()>,
}

impl Session {
    pub(crate) fn start(protocol: OtlpProtocol) -> Self {
        Self::with(protocol, |config| config)
    }

    /// With the schedule out of the way: only an end, a flush or a full batch sends.
    pub(crate) fn with(
        protocol: OtlpProtocol,
        change: impl FnOnce(TelemetryConfig) -> TelemetryConfig,
    ) -> Self {
        let turn = turn();
        let receiver = Receiver::start();
        let mut config = to(&receiver, protocol);
        config.tracing.batch_config.scheduled_delay = PATIENCE;
        let providers = init_telemetry(change(config)).expect("telemetry starts");
        Self { receiver, providers, _turn: turn }
    }

    /// Ends it; everything arrives. The traces as text.
    pub(crate) fn tree(self) -> String {
        self.end().tree()
    }

    /// Ends it; everything arrives.
    pub(crate) fn end(self) -> Receiver {
        block_on(self.providers.shutdown()).expect("everything is delivered");
        self.receiver
    }
}

/// For a receiver, whatever the environment of the tests says.
pub(crate) fn to(receiver: &Receiver, protocol: OtlpProtocol) -> TelemetryConfig {
    TelemetryConfig::default()
        .with_service_name("it")
        .with_otlp_endpoint(receiver.endpoint())
        .with_otlp_protocol(protocol)
        .with_metrics_enabled(false)
}

/// Why telemetry did not start.
pub(crate) fn refused(config: TelemetryConfig) -> TelemetryError {
    init_telemetry(config).expect_err("it does not start")
}

/// Runs a future without any runtime.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::park();
    }
}
