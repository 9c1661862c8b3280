//! Runs programs with each front end of `tracing` and each activation, and judges what a receiver
//! got of them.

use opentelemetry::trace::{
    SpanContext as ApiSpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
};
use opentelemetry::{Context, global};
use oxitel::bridge::Activation;
use oxitel::testing::{Receiver, SpanRecord};
use oxitel::{Config, Guard, Scope, SpanContext, TracingEvents, context};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tracing::{Dispatch, dispatcher, info_span};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;

/// Long enough for anything that is not broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) static SCOPE: Scope = Scope::new("tree");

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// How spans of `tracing` come to us. Each refuses the target `off`.
#[derive(Clone, Copy)]
pub(crate) struct FrontEnd {
    name: &'static str,
    dispatch: fn() -> Dispatch,
}

pub(crate) const LAYER: FrontEnd = FrontEnd {
    name: "layer",
    dispatch: || {
        let ours = oxitel::bridge::layer().with_filter(filter_fn(|it| it.target() != "off"));
        Dispatch::new(tracing_subscriber::registry().with(ours))
    },
};

/// The other layer keeps the spans alive that ours refuses.
pub(crate) const LAYER_BESIDE_ANOTHER: FrontEnd = FrontEnd {
    name: "layer beside another",
    dispatch: || {
        struct Other;
        impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Other {}
        let ours = oxitel::bridge::layer().with_filter(filter_fn(|it| it.target() != "off"));
        Dispatch::new(tracing_subscriber::registry().with(ours).with(Other))
    },
};

/// Without a `Registry`.
pub(crate) const SUBSCRIBER: FrontEnd = FrontEnd {
    name: "subscriber",
    dispatch: || Dispatch::new(oxitel::bridge::subscriber().with_filter("info,off=off")),
};

pub(crate) const FRONT_ENDS: [FrontEnd; 3] = [LAYER, LAYER_BESIDE_ANOTHER, SUBSCRIBER];

pub(crate) const ACTIVATIONS: [Activation; 3] = [Activation::Auto, Activation::On, Activation::Off];

/// A running engine, one at a time: it is the process's, and tests are its threads.
pub(crate) struct Run {
    pub(crate) activation: Activation,
    front_end: FrontEnd,
    dispatch: Dispatch,
    // Dropped in this order: the last spans are sent before the receiver ends.
    _guard: Guard,
    pub(crate) receiver: Receiver,
    _turn: MutexGuard<'static, ()>,
}

impl Run {
    /// Somebody has used the API before: `Auto` has begun to activate.
    pub(crate) fn start(front_end: FrontEnd, activation: Activation) -> Self {
        let run = Self::with(front_end, activation, |config| config);
        drop(tracer());
        run
    }

    /// Nobody has used the API yet.
    pub(crate) fn with(
        front_end: FrontEnd,
        activation: Activation,
        change: impl FnOnce(Config) -> Config,
    ) -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = Receiver::start();
        let mut config = Config::default().endpoint(receiver.endpoint()).schedule_delay(PATIENCE);
        config = config.tracing_events(TracingEvents::SpanEvents).own_metrics(false);
        config.service_name = Some("tree".to_owned());
        // What an earlier session has begun ends here.
        let off = config.clone().activate_otel_context(Activation::Off);
        drop(oxitel::init(off).expect("telemetry starts"));
        let config = change(config.activate_otel_context(activation));
        let guard = oxitel::init(config).expect("telemetry starts");
        let dispatch = (front_end.dispatch)();
        Self { receiver, activation, front_end, dispatch, _guard: guard, _turn: turn }
    }

    /// Runs it with the front end as the default of this thread.
    pub(crate) fn program<R>(&self, program: impl FnOnce() -> R) -> R {
        dispatcher::with_default(&self.dispatch, program)
    }

    /// Another thread, with the front end as its default.
    pub(crate) fn thread<R: Send + 'static>(
        &self,
        program: impl FnOnce() -> R + Send + 'static,
    ) -> JoinHandle<R> {
        let dispatch = self.dispatch.clone();
        thread::spawn(move || dispatcher::with_default(&dispatch, program))
    }

    /// Runs a future on a runtime whose threads have the front end as their default.
    pub(crate) fn block_on<F: Future>(&self, workers: usize, future: F) -> F::Output {
        let dispatch = self.dispatch.clone();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            // Never undone: the thread is the runtime's alone.
            .on_thread_start(move || std::mem::forget(dispatcher::set_default(&dispatch)))
            .build();
        runtime.expect("a runtime").block_on(future)
    }

    /// What the receiver got, all of it.
    pub(crate) fn spans(&self) -> Vec<SpanRecord> {
        oxitel::flush(PATIENCE).expect("everything is delivered");
        self.receiver.spans()
    }

    pub(crate) fn title(&self) -> String {
        format!("{}, {:?}", self.front_end.name, self.activation)
    }
}

/// Each front end with each activation.
pub(crate) fn each_run(mut test: impl FnMut(Run)) {
    for front_end in FRONT_ENDS {
        for activation in ACTIVATIONS {
            test(Run::start(front_end, activation));
        }
    }
}

/// The program makes these spans, `child<parent`, with each front end and activation.
#[track_caller]
pub(crate) fn gives(expected: &str, program: impl Fn(&Run)) {
    gives_or(expected, expected, program);
}

/// As [`gives`], with other spans where our frames attach no Context.
#[track_caller]
pub(crate) fn gives_or(exact: &str, off: &str, program: impl Fn(&Run)) {
    let mut wrong = Vec::new();
    each_run(|run| {
        let expected = if run.activation == Activation::Off { off } else { exact };
        let outcome = catch_unwind(AssertUnwindSafe(|| run.program(|| program(&run))));
        let got = parents(&run.spans());
        let mut expected: Vec<_> = expected.split_whitespace().map(str::to_owned).collect();
        expected.sort();
        if got != expected || outcome.is_err() || !nothing_is_current() {
            let panicked = if outcome.is_err() { ", and panicked" } else { "" };
            wrong.push(format!("{}: {}{panicked}", run.title(), got.join(" ")));
        }
    });
    assert!(wrong.is_empty(), "not {exact:?} (off: {off:?}) but\n{}", wrong.join("\n"));
}

/// No frame and no Context is left on this thread.
fn nothing_is_current() -> bool {
    !context::capture().span_context().is_valid() && !Context::current().has_active_span()
}

/// `child<parent` of each span, sorted; `-` is no parent.
pub(crate) fn parents(spans: &[SpanRecord]) -> Vec<String> {
    let names = Names::of(spans);
    let mut all: Vec<_> = spans
        .iter()
        .map(|record| format!("{}<{}", record.span.name, names.parent(record)))
        .collect();
    all.sort();
    all
}

/// Spans by their ids.
pub(crate) struct Names<'a>(HashMap<(String, String), &'a str>);

impl<'a> Names<'a> {
    pub(crate) fn of(spans: &'a [SpanRecord]) -> Self {
        let key = |record: &SpanRecord| (record.trace_id(), record.span_id());
        Self(spans.iter().map(|record| (key(record), record.span.name.as_str())).collect())
    }

    pub(crate) fn name(&self, trace_id: &str, span_id: &str) -> &str {
        if span_id.is_empty() || span_id.bytes().all(|digit| digit == b'0') {
            return "-";
        }
        if span_id == REMOTE_SPAN {
            return ["remote0", "remote1", "remote2"][usize::from(trace_id.as_bytes()[31] - b'0')];
        }
        let key = (trace_id.to_owned(), span_id.to_owned());
        self.0.get(&key).copied().unwrap_or("missing")
    }

    pub(crate) fn parent(&self, record: &SpanRecord) -> &str {
        // An empty id is no parent.
        let span = record.span.parent_span_id.as_slice().try_into().map(oxitel::SpanId::from_bytes);
        let span = span.map(|span| span.to_string()).unwrap_or_default();
        self.name(&record.trace_id(), &span)
    }
}

const REMOTE_SPAN: &str = "0000000000000abc";

/// The caller's span in trace 1 or 2.
pub(crate) fn remote(trace: u128) -> ApiSpanContext {
    let flags = TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from(trace), SpanId::from(0xabc));
    ApiSpanContext::new(trace, span, flags, true, TraceState::NONE)
}

/// As the global propagator leaves it: the current Context with the caller's span.
pub(crate) fn from_remote(trace: u128) -> Context {
    Context::current().with_remote_span_context(remote(trace))
}

pub(crate) fn tracer() -> global::BoxedTracer {
    global::tracer("tree")
}

/// A span of `tracing`; its name may be known at run time only.
pub(crate) fn span(name: &str) -> tracing::Span {
    info_span!("span", otel.name = name)
}

/// A span of the OpenTelemetry API in the current Context.
pub(crate) fn api(name: &'static str) -> Context {
    Context::current_with_span(tracer().start(name))
}

/// A span of `tracing` that ends at once.
pub(crate) fn t(name: &str) {
    drop(span(name));
}

/// A span of the OpenTelemetry API that ends at once.
pub(crate) fn o(name: &'static str) {
    drop(tracer().start(name));
}

/// The header `traceparent` that the global propagator writes of this Context.
pub(crate) fn header_of(context: &Context) -> Option<String> {
    let mut headers = HashMap::new();
    global::get_text_map_propagator(|ours| ours.inject_context(context, &mut headers));
    headers.remove("traceparent")
}

/// A direct span that ends at once.
pub(crate) fn d(name: &str) {
    drop(SCOPE.enter(name));
}

/// Trace id and span id of what is current.
pub(crate) fn current() -> SpanContext {
    context::capture().span_context().clone()
}
