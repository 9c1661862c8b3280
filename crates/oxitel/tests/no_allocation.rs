//! In its steady state a recording thread allocates nothing.

#[path = "support/allocations.rs"]
mod allocations;

use http::{HeaderMap, Request, Response};
use oxitel::conventions::{
    BackgroundJobType, DbOperation, background_span, db_span, record_background_metrics,
    record_db_metrics,
};
use oxitel::metrics::Meter;
use oxitel::middleware::HttpServerLayer;
use oxitel::testing::{Answer, Receiver, metrics};
use oxitel::{
    Config, ForeignRecord, LogRecord, Sampler, Scope, Severity, TracingEvents, Value, forward_log,
};
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tracing::field::Empty;
use tracing::{info, info_span};
use tracing_subscriber::layer::SubscriberExt;

/// A process has one engine.
static ENGINE: Mutex<()> = Mutex::new(());

static SCOPE: Scope = Scope::new("no allocation");

fn trace(number: i64) {
    let mut root = SCOPE.enter("root");
    root.set_attribute("number", number).set_attribute("text", "a value of some length");
    for step in 0..10 {
        let mut child = SCOPE.enter("child");
        child.set_attribute("step", step).set_attribute("text", "first");
        child.set_attribute("text", "and then another");
        child.add_event("event", &[("key", Value::Bool(true))]);
    }
    root.set_attribute("late", true);
}

/// The same through the macros of `tracing`: fields, late fields, events, links.
fn traced(number: i64) {
    let root = info_span!("root", number, text = "a value of some length", late = Empty).entered();
    for step in 0..10 {
        let child = info_span!("child", step, text = "first", debug = ?(1, 2), late = Empty);
        let _child = child.enter();
        child.record("late", "and then another");
        info!(key = true, text = %step, "event");
        child.follows_from(&root);
    }
    root.record("late", true);
}

/// A job that works on a store, as the conventions have it.
fn told(number: i64) {
    let _job = background_span(BackgroundJobType::IndexBuild, "hnsw").entered();
    record_background_metrics(None, None, "started");
    for step in 0..10 {
        let get = db_span(DbOperation::Get, Some("articles"), Some("tenant-123"));
        let _get = get.stored_at("/var/lib/store").entered();
        record_db_metrics(Some(step), None);
    }
    record_background_metrics(Some(10), Some(number as u64), "success");
}

/// A burst fills several chunks, so the hand-over to the sender is part of what is measured.
fn burst(trace: fn(i64)) {
    for number in 0..500 {
        trace(number);
    }
}

/// Spans that are not sampled.
fn unsampled(name: &str) {
    burst(traced);
    let before = allocations::so_far();
    burst(traced);
    assert_eq!(allocations::so_far() - before, 0, "{name}: allocations for 5,500 unsampled spans");
}

/// Serves a request below a caller that is not sampled, and says how many allocations that made.
fn serve(layer: &HttpServerLayer) -> u64 {
    let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let header = ("traceparent".parse().expect("a name"), caller.parse().expect("a value"));
    let mut request = Request::new(());
    *request.headers_mut() = HeaderMap::from_iter([header]);
    let before = allocations::so_far();
    let answer = || Ok::<_, Infallible>(Response::new(http_body_util::Empty::<&[u8]>::new()));
    {
        let mut served = pin!(layer.handle(request, |_| std::future::ready(answer())));
        let polled = served.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Ok(_))));
    }
    allocations::so_far() - before
}

#[test]
fn a_recording_thread_allocates_nothing_in_its_steady_state() {
    let _turn = ENGINE.lock();
    let receiver = Receiver::start();
    let config = Config::default().endpoint(receiver.endpoint());
    let config = config.tracing_events(TracingEvents::SpanEvents).own_metrics(false);
    let guard = oxitel::init(config).expect("telemetry starts");
    let flush = || oxitel::flush(Duration::from_secs(10)).expect("delivered");
    let measure = |name: &str, trace: fn(i64)| {
        let already = receiver.spans().len();
        // While the first request waits for its second attempt, the rest of the burst queues up:
        // no later burst needs more buffers than this one.
        receiver.script([Answer::Status(503)]);
        for _ in 0..3 {
            burst(trace);
            flush();
        }
        let before = allocations::so_far();
        burst(trace);
        assert_eq!(allocations::so_far() - before, 0, "{name}: allocations for 5,500 spans");
        flush();
        assert_eq!(receiver.spans().len() - already, 4 * 5_500, "{name}");
    };
    measure("direct", trace);
    measure("conventions", told);
    let layer = tracing_subscriber::registry().with(oxitel::bridge::layer());
    tracing::subscriber::with_default(layer, || measure("layer", traced));
    let subscriber = oxitel::bridge::subscriber().with_filter("info");
    tracing::subscriber::with_default(subscriber, || measure("subscriber", traced));
    let layer = HttpServerLayer::new().route(|_| unreachable!("nobody asks for it"));
    serve(&layer);
    assert_eq!(serve(&layer), 0, "allocations for a request that is not sampled");
    drop(guard);

    let off = Config::default().endpoint(receiver.endpoint()).sampler(Sampler::always_off());
    // Log records of unsampled spans would be recorded all the same.
    let off = off.tracing_events(TracingEvents::SpanEvents);
    let guard = oxitel::init(off).expect("telemetry starts");
    let layer = tracing_subscriber::registry().with(oxitel::bridge::layer());
    tracing::subscriber::with_default(layer, || unsampled("layer"));
    let subscriber = oxitel::bridge::subscriber().with_filter("info");
    tracing::subscriber::with_default(subscriber, || unsampled("subscriber"));
    drop(guard);

    // On a thread that keeps nothing yet.
    let allocations = std::thread::spawn(|| {
        let before = allocations::so_far();
        burst(told);
        allocations::so_far() - before
    });
    assert_eq!(allocations.join().expect("no panic"), 0, "allocations while telemetry is off");
}

/// Log records of every front end.
fn logged(number: i64) {
    let text = "a value of some length";
    info!(number, text, debug = ?(1, 2), "said by tracing");
    let extras = [("number", Value::I64(number)), ("text", Value::Str(text))];
    SCOPE.log(&LogRecord::new(Severity::INFO, "said directly").attributes(&extras));
    let foreign = ForeignRecord::new(20, "said elsewhere").logger("shop.store").extras(&extras);
    forward_log(&foreign.module("store").line(17).thread("worker-3"));
}

#[test]
fn log_records_allocate_nothing() {
    let _turn = ENGINE.lock();
    let receiver = Receiver::start();
    let config = Config::default().endpoint(receiver.endpoint()).own_metrics(false);
    let guard = oxitel::init(config).expect("telemetry starts");
    let measure = |name: &str| {
        receiver.script([Answer::Status(503)]);
        for _ in 0..3 {
            burst(logged);
            oxitel::flush(Duration::from_secs(10)).expect("delivered");
        }
        let before = allocations::so_far();
        burst(logged);
        assert_eq!(allocations::so_far() - before, 0, "{name}: allocations for 1,500 records");
    };
    let layer = tracing_subscriber::registry().with(oxitel::bridge::layer());
    tracing::subscriber::with_default(layer, || measure("layer"));
    let lines = oxitel::bridge::json_lines().write_with(|_| Ok(()));
    let subscriber = oxitel::bridge::subscriber().with_filter("info").lines(lines);
    tracing::subscriber::with_default(subscriber, || measure("subscriber with lines"));
    drop(guard);
}

#[test]
fn measurements_allocate_nothing() {
    metrics::start(metrics::Settings::default());
    let meter = Meter::named("no allocation");
    let counter = meter.u64_counter("counter").build();
    let bound = counter.bind(&[("bound", true.into())]);
    let histogram = meter.f64_histogram("histogram").build();
    let gauge = meter.f64_gauge("gauge").build();
    let measure = || {
        for number in 0..100_i64 {
            bound.add(1);
            counter.add(1, &[("key", (number % 10).into()), ("text", "of some length".into())]);
            histogram.record(number as f64, &[("flag", true.into())]);
            gauge.record(number as f64, &[]);
        }
    };
    measure();
    for _ in 0..3 {
        let before = allocations::so_far();
        measure();
        assert_eq!(allocations::so_far() - before, 0, "allocations for 400 measurements");
        metrics::collect();
    }
    metrics::stop();
}
