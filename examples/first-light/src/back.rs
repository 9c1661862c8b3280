//! `first-light back`: keeps the stock, and reserves from it at `POST /reserve`.
//!
//! Its spans are made with `tracing`, which oxitel's layer records: `POST /reserve` above
//! `read stock` and `write journal`. Its parent is the caller's span, out of the headers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use oxitel::{Config, propagate};
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::stock::{Reservation, Stock};
use crate::stop::Stop;
use crate::{ledger, output};

const MAX_BODY_BYTES: usize = 64 << 10;
/// The time that requests in flight have when the process ends.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// Serves until the process is asked to end.
pub(crate) async fn run(address: SocketAddr) -> anyhow::Result<()> {
    let mut stop = Stop::new()?;
    let mut config = Config::from_env();
    config.service_name.get_or_insert_with(|| "back".to_owned());
    let _guard = oxitel::init(config)?;
    tracing_subscriber::registry().with(oxitel::bridge::layer()).init();

    let stock = Arc::new(Mutex::new(Stock::new()?));
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("{address} cannot be listened on"))?;
    output::ready(&format!("http://{}", listener.local_addr()?))?;

    let (ending, ended) = watch::channel(());
    let mut connections = JoinSet::new();
    tokio::select! {
        () = stop.asked() => {}
        () = accept(&listener, &stock, &ended, &mut connections) => {}
        outcome = ledger::report() => outcome?,
    }
    drop(ending);
    // Whoever is not ready by then is cut off: the end of the process waits for nobody.
    let _ = tokio::time::timeout(DRAIN_LIMIT, connections.join_all()).await;
    ledger::close()
}

async fn accept(
    listener: &TcpListener,
    stock: &Arc<Mutex<Stock>>,
    ended: &watch::Receiver<()>,
    connections: &mut JoinSet<()>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _peer)) => {
                connections.spawn(serve(stream, Arc::clone(stock), ended.clone()));
            }
            // Mostly out of file descriptors: some are free again when connections have ended.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
        // Connections that ended are let go, or the set would grow for ever.
        while connections.try_join_next().is_some() {}
    }
}

/// Serves a connection until its client leaves, or until the request at hand is answered after
/// the sender of `ended` is gone.
async fn serve(stream: TcpStream, stock: Arc<Mutex<Stock>>, mut ended: watch::Receiver<()>) {
    let service = service_fn(|request| {
        let stock = Arc::clone(&stock);
        async move { Ok::<_, Infallible>(route(stock, request).await) }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = &mut connection => outcome,
        _ = ended.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a client broke off");
    }
}

async fn route(stock: Arc<Mutex<Stock>>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if (request.method(), request.uri().path()) != (&Method::POST, "/reserve") {
        return respond(StatusCode::NOT_FOUND, "only POST /reserve is served here".into());
    }
    let span = request_span(request.headers());
    let response = reserve(stock, request.into_body()).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    response
}

/// A span whose parent is the caller's, when the headers name one.
fn request_span(headers: &HeaderMap) -> tracing::Span {
    let caller = propagate::extract_from(headers);
    let _attached = caller.attach();
    tracing::info_span!(
        "POST /reserve",
        otel.kind = "server",
        http.request.method = "POST",
        url.path = "/reserve",
        http.response.status_code = tracing::field::Empty,
    )
}

/// What is asked for.
#[derive(Deserialize)]
struct Reserve {
    item: String,
    quantity: u64,
}

async fn reserve(stock: Arc<Mutex<Stock>>, body: Incoming) -> Response<Full<Bytes>> {
    let asked = match read(body).await {
        Ok(asked) => asked,
        Err(error) => return respond(StatusCode::BAD_REQUEST, format!("{error:#}")),
    };
    let span = tracing::Span::current();
    // The journal waits for the disk: not on the thread that serves the others. The span goes
    // along by hand, as a thread of the pool knows nothing of its caller.
    let outcome = tokio::task::spawn_blocking(move || {
        let mut stock = stock.lock().unwrap_or_else(PoisonError::into_inner);
        span.in_scope(|| stock.reserve(&asked.item, asked.quantity))
    });
    let outcome = outcome.await.map_err(anyhow::Error::from);
    match outcome.and_then(|reservation| reservation) {
        Ok(reservation) => answer(&reservation),
        Err(error) => {
            eprintln!("first-light: {error:#}");
            respond(StatusCode::INTERNAL_SERVER_ERROR, "the stock is out of order".into())
        }
    }
}

async fn read(body: Incoming) -> anyhow::Result<Reserve> {
    let body =
        Limited::new(body, MAX_BODY_BYTES).collect().await.map_err(anyhow::Error::from_boxed)?;
    serde_json::from_slice(&body.to_bytes())
        .context(r#"the body is not such as {"item":"lamp","quantity":2}"#)
}

fn answer(reservation: &Reservation) -> Response<Full<Bytes>> {
    let status = match reservation {
        Reservation::Reserved { .. } => StatusCode::OK,
        Reservation::Unknown => StatusCode::NOT_FOUND,
        Reservation::TooMany { .. } => StatusCode::CONFLICT,
    };
    match serde_json::to_string(reservation) {
        Ok(json) => respond(status, json),
        Err(error) => respond(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

fn respond(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}
