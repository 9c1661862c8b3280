//! Three signals of one service: each order is a span, with a log record in it, and is counted and
//! measured; a point of the histogram leads to the span of one of its orders.
//!
//! `cargo run --bin signals` starts the shop, orders once, and prints the trace's id. `signals
//! serve` prints the shop's address and serves until its input is closed. Everything else is
//! said by variables: with `OTEL_METRICS_EXPORTER=otlp,prometheus` the metrics are also at
//! `http://localhost:9464/metrics`, and at `/metrics` of the shop itself.

mod shop;

use axum::Router;
use axum::extract::MatchedPath;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use oxitel::Config;
use oxitel::bridge::SpanExt as _;
use oxitel::metrics::{Aggregation, View};
use oxitel::middleware::{HttpServerLayer, MetricsPage, http_client};
use std::error::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::{Instrument as _, info_span};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    // Buckets that grow with what they hold, for the one instrument whose range nobody knows.
    let sizes = View::of("shop.order.size").aggregation(Aggregation::exponential());
    let _telemetry = oxitel::init(Config::new("signals").view(sizes))?;
    oxitel::bridge::subscriber().with_filter("info").init();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = async move {
        let stopped = async { drop(stopped.await) };
        axum::serve(listener, app()).with_graceful_shutdown(stopped).await
    };
    if std::env::args().nth(1).as_deref() == Some("serve") {
        println!("http://{address}");
        std::thread::spawn(move || {
            let _ = std::io::stdin().lines().count();
            drop(stop);
        });
        return Ok(serving.await?);
    }
    let order = async {
        let answer = order_once(&format!("http://{address}/orders/film?items=2")).await;
        drop(stop);
        answer
    };
    let (served, answer) = tokio::join!(serving, order);
    served?;
    println!("{}", answer?);
    Ok(())
}

/// What the shop serves; scrapes get no span.
fn app() -> Router {
    let telemetry = HttpServerLayer::new()
        .route(|request| request.extensions.get::<MatchedPath>().map(MatchedPath::as_str))
        .filter(|request| request.uri.path() != "/metrics");
    let shop = shop::Shop::open();
    Router::new()
        .route("/orders/{kind}", post(shop::order))
        .route("/orders", get(shop::orders))
        .with_state(shop)
        .route_service("/metrics", MetricsPage::new())
        .layer(telemetry)
}

/// One order, in a trace that begins here.
async fn order_once(url: &str) -> Outcome<String> {
    let visit = info_span!("visit");
    println!("trace {}", visit.context().trace_id());
    let ask = async {
        let call = http_client("POST", url);
        let mut headers = HeaderMap::new();
        call.inject(&mut headers);
        let answer = call.wrap(reqwest::Client::new().post(url).headers(headers).send()).await?;
        call.finish(answer.status());
        Ok(answer.text().await?)
    };
    ask.instrument(visit).await
}
