//! The instruments of calls, and what their points are labelled with.

use super::{
    CLS_ID, Call, DIRECTION, ERROR_KIND, LEVEL, METHOD, MODE, OBJECT_ID, OPERATION, SCOPE, SUCCESS,
    Side,
};
use crate::conventions::Metric;
use crate::conventions::made::Made;
use crate::metrics::{
    BoundCounter, BoundHistogram, BoundUpDownCounter, Counter, Histogram, InstrumentKind, Meter,
};
use crate::record::Value;
use std::time::Duration;

const REQUESTS: Metric = Metric::new("rpc_requests_total", InstrumentKind::Counter)
    .says("Calls that are over")
    .labels(&[METHOD, CLS_ID, SUCCESS]);
const DURATION: Metric = Metric::new("rpc_request_duration_ms", InstrumentKind::Histogram)
    .says("How long calls took")
    .labels(&[METHOD, CLS_ID])
    .bounds(&[
        1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10_000.0,
    ]);
const ERRORS: Metric = Metric::new("rpc_errors_total", InstrumentKind::Counter)
    .says("Calls that failed")
    .labels(&[METHOD, CLS_ID, ERROR_KIND]);
const PAYLOAD: Metric = Metric::new("rpc_payload_bytes", InstrumentKind::Histogram)
    .says("How large payloads are")
    .labels(&[DIRECTION])
    .bounds(&[
        64.0,
        256.0,
        1024.0,
        4096.0,
        16_384.0,
        65_536.0,
        262_144.0,
        1_048_576.0,
        4_194_304.0,
        16_777_216.0,
    ]);
const SESSIONS: Metric =
    Metric::new("active_sessions", InstrumentKind::UpDownCounter).says("Sessions that are open");
const PYTHON_LOGS: Metric = Metric::new("python_logs_forwarded_total", InstrumentKind::Counter)
    .says("Log records that came from Python")
    .labels(&[LEVEL]);
const STORAGE: Metric = Metric::new("storage_op_latency_ms", InstrumentKind::Histogram)
    .says("How long the store took")
    .labels(&[OPERATION])
    .bounds(&[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0]);
const HANDLERS: Metric = Metric::new("active_handlers", InstrumentKind::UpDownCounter)
    .says("Handlers that run")
    .labels(&[MODE]);

/// All metrics of calls.
pub const METRICS: &[Metric] =
    &[REQUESTS, DURATION, ERRORS, PAYLOAD, SESSIONS, PYTHON_LOGS, STORAGE, HANDLERS];

const fn standard(name: &'static str) -> Metric {
    Metric::new(name, InstrumentKind::Histogram)
        .unit("s")
        .says("How long calls took")
        .labels(&[RPC_SYSTEM, RPC_METHOD, ERROR_TYPE])
        .bounds(&[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0])
}

const CLIENT: Metric = standard("rpc.client.call.duration");
const SERVER: Metric = standard("rpc.server.call.duration");

/// The metrics of OpenTelemetry's conventions for calls. They are recorded in addition where
/// `OTEL_SEMCONV_STABILITY_OPT_IN` has `rpc` or `rpc/dup`.
pub const STANDARD_METRICS: &[Metric] = &[CLIENT, SERVER];

const RPC_SYSTEM: &str = "rpc.system.name";
const RPC_METHOD: &str = "rpc.method";
const ERROR_TYPE: &str = "error.type";

/// What calls go over, among the well-known systems of the conventions.
const SYSTEM: &str = "oprc";

pub(super) struct Instruments {
    pub(super) requests: Counter<u64>,
    pub(super) duration: Histogram<f64>,
    pub(super) errors: Counter<u64>,
    pub(super) payload_in: BoundHistogram<u64>,
    pub(super) payload_out: BoundHistogram<u64>,
    pub(super) sessions: BoundUpDownCounter<i64>,
    pub(super) python_logs: [BoundCounter<u64>; 6],
    pub(super) storage_latency: Histogram<f64>,
    pub(super) sync_handlers: BoundUpDownCounter<i64>,
    pub(super) async_handlers: BoundUpDownCounter<i64>,
    client: Histogram<f64>,
    server: Histogram<f64>,
}

static MADE: Made<Instruments> = Made::none();

pub(super) fn instruments() -> &'static Instruments {
    MADE.get(make)
}

fn make() -> Instruments {
    let meter = Meter::of(&SCOPE);
    let (payload, handlers) = (PAYLOAD.u64_histogram(meter), HANDLERS.i64_up_down_counter(meter));
    let python_logs = PYTHON_LOGS.u64_counter(meter);
    let levels = ["NOTSET", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];
    Instruments {
        requests: REQUESTS.u64_counter(meter),
        duration: DURATION.f64_histogram(meter),
        errors: ERRORS.u64_counter(meter),
        payload_in: payload.bind(&[(DIRECTION, "IN".into())]),
        payload_out: payload.bind(&[(DIRECTION, "OUT".into())]),
        sessions: SESSIONS.i64_up_down_counter(meter).bind(&[]),
        python_logs: levels.map(|level| python_logs.bind(&[(LEVEL, level.into())])),
        storage_latency: STORAGE.f64_histogram(meter),
        sync_handlers: handlers.bind(&[(MODE, "sync".into())]),
        async_handlers: handlers.bind(&[(MODE, "async".into())]),
        client: CLIENT.f64_histogram(meter),
        server: SERVER.f64_histogram(meter),
    }
}

impl Instruments {
    /// The same call as the conventions of OpenTelemetry want it.
    pub(super) fn standard(
        &self,
        side: Side,
        took: Duration,
        method: &str,
        outcome: Result<(), &str>,
    ) {
        let instrument = match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        };
        let labels = [
            (RPC_SYSTEM, SYSTEM.into()),
            (RPC_METHOD, method.into()),
            (ERROR_TYPE, outcome.err().unwrap_or_default().into()),
        ];
        let known = if outcome.is_ok() { &labels[..2] } else { &labels };
        instrument.record(took.as_secs_f64(), known);
    }
}

/// Whether the program asked for them.
#[cfg(feature = "otel")]
pub(super) fn are_standard_wanted() -> bool {
    crate::pipeline::settings::current().is_some_and(|settings| settings.standard_rpc_metrics)
}

/// Nobody measures.
#[cfg(not(feature = "otel"))]
pub(super) fn are_standard_wanted() -> bool {
    false
}

/// Each object would be a time series of its own: those who debug may want that.
const WITH_OBJECTS: bool = cfg!(debug_assertions);

/// The labels of a call's points.
#[derive(Clone, Copy)]
pub(super) struct Labels<'a> {
    pairs: [(&'static str, Value<'a>); 4],
    length: usize,
}

impl<'a> Labels<'a> {
    pub(super) fn of(call: &Call<'a>) -> Self {
        Self::new(call, WITH_OBJECTS)
    }

    fn new(call: &Call<'a>, with_objects: bool) -> Self {
        let none = ("", Value::Bool(false));
        let pairs = [(METHOD, call.method.into()), (CLS_ID, call.cls_id.into()), none, none];
        let labels = Self { pairs, length: 2 };
        match call.object_id.filter(|_| with_objects) {
            Some(object_id) => labels.and(OBJECT_ID, object_id),
            None => labels,
        }
    }

    /// With one more.
    pub(super) fn and(mut self, key: &'static str, value: Value<'a>) -> Self {
        if let Some(free) = self.pairs.get_mut(self.length) {
            *free = (key, value);
            self.length += 1;
        }
        self
    }

    pub(super) fn pairs(&self) -> &[(&'static str, Value<'a>)] {
        &self.pairs[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, Labels, SUCCESS};

    fn keys(with_objects: bool, call: &Call<'_>) -> Vec<&'static str> {
        let labels = Labels::new(call, with_objects).and(SUCCESS, true.into());
        labels.pairs().iter().map(|(key, _)| *key).collect()
    }

    #[test]
    fn objects_are_no_labels_of_metrics_but_for_those_who_debug() {
        let call = Call::new("greet", "hello");
        let of_an_object = call.on(7);
        assert_eq!(keys(false, &of_an_object), ["method", "cls_id", "success"]);
        assert_eq!(keys(true, &of_an_object), ["method", "cls_id", "object_id", "success"]);
        assert_eq!(keys(true, &call), keys(false, &call));
    }
}
