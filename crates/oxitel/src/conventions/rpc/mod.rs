//! Calls of methods: their spans and their metrics.
//!
//! Flow: a [`Call`] says which method of which class -> its span, and [`Call::record`] for its
//! metrics; [`handle`] does both around the code that answers.

mod gauges;
mod handler;
mod instruments;

pub use gauges::{ActiveHandler, ActiveSession, Mode, active_handler, active_session};
pub use handler::{handle, handle_sync};
pub use instruments::{METRICS, STANDARD_METRICS};

use super::operation::with_name;
use crate::context::SpanContext;
use crate::metrics::{BoundCounter, BoundHistogram};
use crate::record::{Kind, Scope, Span, Value};
use instruments::{Instruments, Labels, are_standard_wanted, instruments};
use std::time::Duration;

/// The method's name.
pub const METHOD: &str = "method";
/// The class it belongs to.
pub const CLS_ID: &str = "cls_id";
/// The object it is called on. It is on spans always, and on metrics in debug builds only.
pub const OBJECT_ID: &str = "object_id";
/// Whether the call succeeded.
pub const SUCCESS: &str = "success";
/// Why it failed: one of a few words.
pub const ERROR_KIND: &str = "error_kind";
/// Which way a payload went: `IN` or `OUT`.
pub const DIRECTION: &str = "direction";
/// How severe a forwarded log record is.
pub const LEVEL: &str = "level";
/// What was done with the store.
pub const OPERATION: &str = "op";
/// Whether a handler is `sync` or `async`.
pub const MODE: &str = "mode";

/// The attributes of spans here.
pub const ATTRIBUTES: &[&str] = &[METHOD, CLS_ID, OBJECT_ID];

/// The span of a request from its arrival to its answer.
pub const DISPATCH_SPAN: &str = "engine.dispatch";
/// The span of a call that is made.
pub const CALL_SPAN: &str = "rpc.call";
/// The span of the code that answers a call.
pub const HANDLER_SPAN: &str = "handler.execute";

/// The names of spans here.
pub const SPANS: &[&str] = &[DISPATCH_SPAN, CALL_SPAN, HANDLER_SPAN];

static SCOPE: Scope = Scope::new("oxitel.rpc").version(env!("CARGO_PKG_VERSION"));

/// Starts the span of a request that is dispatched: below `caller` where it is valid, as
/// [`propagate::extract`](crate::propagate::extract) gives it, else below the current span. It
/// begins a trace only where there is neither.
pub fn dispatch_span(caller: &SpanContext) -> Span {
    let span = SCOPE.build(DISPATCH_SPAN).kind(Kind::Server);
    if caller.is_valid() { span.parent(caller).start() } else { span.start() }
}

/// Which method of which class is called, and on which object.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    method: &'a str,
    cls_id: &'a str,
    object_id: Option<Value<'a>>,
}

impl<'a> Call<'a> {
    /// A call of no object's method. Both names come from the program, not from a stranger's
    /// request: each pair is a time series.
    pub const fn new(method: &'a str, cls_id: &'a str) -> Self {
        Self { method, cls_id, object_id: None }
    }

    /// On this object, by its number or its text.
    #[must_use]
    pub fn on(mut self, object_id: impl Into<Value<'a>>) -> Self {
        self.object_id = Some(object_id.into());
        self
    }

    /// Starts the span of the call where it is made, below the current one.
    ///
    /// ```
    /// use oxitel::conventions::rpc::Call;
    ///
    /// # async fn send(headers: Vec<(String, String)>) {}
    /// # let _ =
    /// Call::new("greet", "example.hello").on(7).span().instrument(async {
    ///     let mut headers = Vec::new();
    ///     oxitel::propagate::inject_into(&mut headers);
    ///     send(headers).await;
    /// });
    /// ```
    pub fn span(&self) -> Span {
        self.start(CALL_SPAN, Kind::Client)
    }

    /// Starts the span of the code that answers, below the current one; [`handle`] does more.
    pub fn handler_span(&self) -> Span {
        self.start(HANDLER_SPAN, Kind::Internal)
    }

    fn start(&self, name: &str, kind: Kind) -> Span {
        let span = SCOPE.build(name).kind(kind);
        let span = span.attribute(METHOD, self.method).attribute(CLS_ID, self.cls_id);
        match self.object_id {
            Some(object_id) => span.attribute(OBJECT_ID, object_id).start(),
            None => span.start(),
        }
    }

    /// Counts the call that is over and measures how long it took. A failed one says which kind
    /// of error it was: one of a few words. Once for each call and side.
    pub fn record(&self, side: Side, took: Duration, outcome: Result<(), &str>) {
        let known = instruments();
        let labels = Labels::of(self);
        known.requests.add(1, labels.and(SUCCESS, outcome.is_ok().into()).pairs());
        known.duration.record(took.as_secs_f64() * 1e3, labels.pairs());
        if let Err(kind) = outcome {
            known.errors.add(1, labels.and(ERROR_KIND, kind.into()).pairs());
        }
        if are_standard_wanted() {
            self.with_full_method(|method| known.standard(side, took, method, outcome));
        }
    }

    /// A handle for calls of this method: they do not look for their attributes again. The
    /// object is left out.
    pub fn bind(&self) -> BoundCall {
        let Self { method, cls_id, .. } = *self;
        let labels = Labels::of(&Self { object_id: None, ..*self });
        let known = instruments();
        let requests =
            |success: bool| known.requests.bind(labels.and(SUCCESS, success.into()).pairs());
        BoundCall {
            method: method.to_owned(),
            cls_id: cls_id.to_owned(),
            succeeded: requests(true),
            failed: requests(false),
            duration: known.duration.bind(labels.pairs()),
        }
    }

    fn with_full_method(&self, action: impl FnOnce(&str)) {
        with_name(self.cls_id, "/", Some(self.method), action);
    }
}

/// Without the object: nothing was redacted yet.
impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { method, cls_id, .. } = self;
        f.debug_struct("Call")
            .field("method", method)
            .field("cls_id", cls_id)
            .finish_non_exhaustive()
    }
}

/// A [`Call`] with its labels, to be recorded again and again.
#[derive(Clone, Debug)]
pub struct BoundCall {
    method: String,
    cls_id: String,
    succeeded: BoundCounter<u64>,
    failed: BoundCounter<u64>,
    duration: BoundHistogram<f64>,
}

impl BoundCall {
    /// As [`Call::record`].
    pub fn record(&self, side: Side, took: Duration, outcome: Result<(), &str>) {
        let counter = if outcome.is_ok() { &self.succeeded } else { &self.failed };
        counter.add(1);
        self.duration.record(took.as_secs_f64() * 1e3);
        let call = Call::new(&self.method, &self.cls_id);
        if let Err(kind) = outcome {
            let labels = Labels::of(&call);
            instruments().errors.add(1, labels.and(ERROR_KIND, kind.into()).pairs());
        }
        if are_standard_wanted() {
            call.with_full_method(|method| instruments().standard(side, took, method, outcome));
        }
    }
}

/// Which end of a call is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The one that calls.
    Client,
    /// The one that answers.
    Server,
}

/// Which way a payload goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// It came: `IN`.
    In,
    /// It goes: `OUT`.
    Out,
}

/// Measures the size of a payload, in bytes.
pub fn record_payload(direction: Direction, bytes: u64) {
    let Instruments { payload_in, payload_out, .. } = instruments();
    match direction {
        Direction::In => payload_in.record(bytes),
        Direction::Out => payload_out.record(bytes),
    }
}

/// Measures how long the store took for this operation: `get`, `put` and the like.
pub fn record_storage_operation(operation: &str, took: Duration) {
    let labels = [(OPERATION, operation.into())];
    instruments().storage_latency.record(took.as_secs_f64() * 1e3, &labels);
}

/// Counts a log record of Python's that was forwarded, by its number of severity: `level` is the
/// standard level that is not above it, so that there are six at most.
pub fn record_python_log(level_number: i32) {
    let level = usize::try_from(level_number / 10).unwrap_or(0).min(5);
    instruments().python_logs[level].add(1);
}
