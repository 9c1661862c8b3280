//! Middleware of others, on our layer alone and on `compat`: whose spans are below the caller.

use crate::session::{Session, run};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{HeaderMap, Request, Response};
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::Tracer as _;
use opentelemetry::{Context, global};
use oxitel::testing::SpanRecord;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};
use tower_http::trace::TraceLayer;
use tracing::{Instrument as _, Metadata, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry};

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

struct Carrier<'a>(&'a mut HeaderMap);

impl Injector for Carrier<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = http::HeaderName::from_bytes(key.as_bytes()).expect("a name");
        self.0.insert(name, value.parse().expect("a value"));
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

fn extracted(headers: &HeaderMap) -> Context {
    global::get_text_map_propagator(|propagator| propagator.extract(&Headers(headers)))
}

/// The spans that ask for the layer of tracing-opentelemetry.
fn pick(metadata: &Metadata<'_>) -> bool {
    metadata.target() == "otel::tracing" || metadata.name() == "picked"
}

/// Runs the program on our layer alone, or with `compat`, and tells whose spans stand where.
fn told<F: Future>(compat: bool, program: impl FnOnce() -> F) -> (String, F::Output) {
    let session = Session::start();
    let here = filter_fn(|it| it.target().starts_with("it::") || it.target() == "otel::tracing");
    let output = if compat {
        let layer = oxitel::bridge::layer().compat(pick).with_filter(here);
        run(Registry::default().with(layer), async { program().await })
    } else {
        let layer = oxitel::bridge::layer().with_filter(here);
        run(Registry::default().with(layer), async { program().await })
    };
    let _ = session.tree();
    (shape(&session.receiver.spans()), output)
}

/// Names and nesting alone: what other crates say of a request is their matter.
fn shape(spans: &[SpanRecord]) -> String {
    let mut text = String::new();
    let is_top = |record: &&SpanRecord| {
        !spans.iter().any(|other| other.span.span_id == record.span.parent_span_id)
    };
    let mut tops: Vec<_> = spans.iter().filter(is_top).collect();
    tops.sort_by_key(|record| record.span.start_time_unix_nano);
    for top in tops {
        let whose = if CALLER.contains(&top.trace_id()) { "caller's" } else { "own trace" };
        let _ = writeln!(text, "{whose}: {}", top.span.name);
        below(spans, top, 1, &mut text);
    }
    text
}

fn below(spans: &[SpanRecord], parent: &SpanRecord, depth: usize, text: &mut String) {
    let is_below = |record: &&SpanRecord| record.span.parent_span_id == parent.span.span_id;
    let mut children: Vec<_> = spans.iter().filter(is_below).collect();
    children.sort_by_key(|record| record.span.start_time_unix_nano);
    for child in children {
        let _ = writeln!(text, "{}{}", "  ".repeat(depth), child.span.name);
        below(spans, child, depth + 1, text);
    }
}

async fn handler() -> &'static str {
    let work = async {
        tokio::task::yield_now().await;
        global::tracer("db").in_span("query", |_| ());
    };
    work.instrument(info_span!("work")).await;
    "ok"
}

fn request() -> Request<Body> {
    let request = Request::get("/users/7").header("traceparent", CALLER);
    request.body(Body::empty()).expect("a request")
}

async fn ask(app: Router) {
    let response = app.oneshot(request()).await.expect("an answer");
    let body = axum::body::to_bytes(response.into_body(), 100).await.expect("a body");
    assert_eq!(body, "ok");
}

fn app() -> Router {
    Router::new().route("/users/{id}", get(handler))
}

#[test]
fn axum_tracing_opentelemetry_needs_compat_to_be_below_the_caller() {
    let layer = axum_tracing_opentelemetry::middleware::OtelAxumLayer::default;
    let (alone, ()) = told(false, || ask(app().layer(layer())));
    insta::assert_snapshot!(alone, @r"
    own trace: GET /users/{id}
      work
        query
    ");
    let (compat, ()) = told(true, || ask(app().layer(layer())));
    insta::assert_snapshot!(compat, @r"
    caller's: GET /users/{id}
      work
        query
    ");
}

#[test]
fn tonic_tracing_opentelemetry_servers_need_compat_too() {
    async fn serve() {
        let layer = tonic_tracing_opentelemetry::middleware::server::OtelGrpcLayer::default();
        let service = layer.layer(service_fn(|_request: Request<tonic::body::Body>| async {
            handler().await;
            Ok::<_, Infallible>(Response::new(tonic::body::Body::empty()))
        }));
        let request =
            Request::post("http://stock/shop.Stock/Reserve").header("traceparent", CALLER);
        let request = request.body(tonic::body::Body::empty()).expect("a request");
        drop(service.oneshot(request).await.expect("an answer"));
    }
    let (alone, ()) = told(false, serve);
    insta::assert_snapshot!(alone, @r"
    own trace: shop.Stock/Reserve
      work
        query
    ");
    let (compat, ()) = told(true, serve);
    insta::assert_snapshot!(compat, @r"
    caller's: shop.Stock/Reserve
      work
        query
    ");
}

/// The span's id in a `traceparent` header.
fn sent_id(headers: &HeaderMap) -> String {
    let header = headers.get("traceparent").map_or("", |value| value.to_str().unwrap_or(""));
    header.split('-').nth(2).unwrap_or("").to_owned()
}

/// Which span a client wrote into its headers.
fn named(session_spans: &[SpanRecord], id: &str) -> String {
    let found = session_spans.iter().find(|record| record.span_id() == id);
    found.map_or_else(|| "nobody".to_owned(), |record| record.span.name.clone())
}

#[test]
fn tonic_tracing_opentelemetry_clients_send_the_caller_or_with_compat_themselves() {
    async fn call() -> String {
        let sent = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&sent);
        let server = service_fn(move |request: Request<tonic::body::Body>| {
            *seen.lock().expect("it") = sent_id(request.headers());
            async { Ok::<_, Infallible>(Response::new(tonic::body::Body::empty())) }
        });
        let layer = tonic_tracing_opentelemetry::middleware::client::OtelGrpcLayer;
        let mut client = layer.layer(server);
        let request = Request::post("http://stock/shop.Stock/Reserve");
        let request = request.body(tonic::body::Body::empty()).expect("a request");
        let calling = async { drop(client.call(request).await.expect("an answer")) };
        calling.instrument(info_span!("calling")).await;
        sent.lock().expect("it").clone()
    }
    for (compat, expected) in [(false, "calling"), (true, "shop.Stock/Reserve")] {
        let session = Session::start();
        let here =
            filter_fn(|it| it.target().starts_with("it::") || it.target() == "otel::tracing");
        let id = if compat {
            let layer = oxitel::bridge::layer().compat(pick).with_filter(here);
            run(Registry::default().with(layer), call())
        } else {
            run(Registry::default().with(oxitel::bridge::layer().with_filter(here)), call())
        };
        let _ = session.tree();
        assert_eq!(named(&session.receiver.spans(), &id), expected, "compat: {compat}");
    }
}

#[test]
fn trace_layer_with_set_parent_needs_compat_and_says_so_without() {
    fn traced() -> Router {
        app().layer(TraceLayer::new_for_http().make_span_with(|request: &Request<Body>| {
            let span = info_span!("picked");
            let set = span.set_parent(extracted(request.headers()));
            span.in_scope(|| drop(info_span!("told", otel.name = set.is_ok().to_string())));
            span
        }))
    }
    let (alone, ()) = told(false, || ask(traced()));
    insta::assert_snapshot!(alone, @r"
    own trace: picked
      false
      work
        query
    ");
    let (compat, ()) = told(true, || ask(traced()));
    insta::assert_snapshot!(compat, @r"
    caller's: picked
      true
      work
        query
    ");
}

#[test]
fn trace_layer_is_right_when_the_context_is_attached_before_the_span_is_made() {
    fn traced() -> Router {
        app().layer(TraceLayer::new_for_http().make_span_with(|request: &Request<Body>| {
            let _attached = extracted(request.headers()).attach();
            info_span!("server")
        }))
    }
    for compat in [false, true] {
        let (text, ()) = told(compat, || ask(traced()));
        insta::allow_duplicates! { insta::assert_snapshot!(text, @r"
        caller's: server
          work
            query
        ") };
    }
}

#[test]
fn a_client_that_injects_the_context_of_its_tracing_span_sends_that_span() {
    // The algorithm of reqwest-tracing; the crate itself stands at an older OpenTelemetry API.
    async fn call() -> String {
        let client = info_span!("client");
        let sending = async {
            let mut headers = HeaderMap::new();
            let context = tracing::Span::current().context();
            global::get_text_map_propagator(|propagator| {
                propagator.inject_context(&context, &mut Carrier(&mut headers));
            });
            sent_id(&headers)
        };
        sending.instrument(client).await
    }
    let session = Session::start();
    let id = run(Registry::default().with(oxitel::bridge::layer()), call());
    let _ = session.tree();
    assert_eq!(named(&session.receiver.spans(), &id), "client");
}

#[test]
fn explicit_parents_across_the_two_kinds_of_spans_are_kept() {
    let (text, ()) = told(true, || async {
        let ours = info_span!("ours");
        drop(info_span!(parent: &ours, "picked"));
        let picked = info_span!("picked", otel.name = "theirs");
        drop(info_span!(parent: &picked, "below theirs"));
        picked.record("late", 1);
        let _entered = picked.enter();
        tracing::info!("an event");
        drop(info_span!("inside theirs"));
    });
    insta::assert_snapshot!(text, @r"
    own trace: ours
      picked
    own trace: theirs
      below theirs
      inside theirs
    ");
}
