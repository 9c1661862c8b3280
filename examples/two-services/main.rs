//! Two services and one trace: `shop` asks `stock`, each a process of its own.
//!
//! `cargo run --bin two-services` starts both, asks once, and prints the trace's id. The shop is a
//! client with reqwest, the stock a server with axum; the headers of the request carry the trace.

use axum::extract::{MatchedPath, Path};
use axum::routing::get;
use axum::{Router, http::HeaderMap};
use oxitel::Config;
use oxitel::bridge::SpanExt as _;
use oxitel::middleware::{HttpServerLayer, http_client};
use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::{Instrument as _, info, info_span};

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let name = std::env::args().nth(1).unwrap_or_else(|| "shop".to_owned());
    let _telemetry = oxitel::init(Config::new(&name))?;
    oxitel::bridge::subscriber().with_filter("info").init();
    if name == "stock" { stock().await } else { shop().await }
}

/// The server: one layer is all it needs.
async fn stock() -> Outcome {
    // Gives each request a span below the caller's, named after the route.
    let telemetry = HttpServerLayer::new()
        .route(|request| request.extensions.get::<MatchedPath>().map(MatchedPath::as_str))
        .filter(|request| request.uri.path() != "/healthz");
    let app = Router::new()
        .route("/items/{name}", get(item))
        .route("/healthz", get(|| async { "fine" }))
        .layer(telemetry);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    // Until the shop, which holds the other end, goes away.
    let (gone, is_gone) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().lines().count();
        gone.send(())
    });
    let until_gone = async { drop(is_gone.await) };
    axum::serve(listener, app).with_graceful_shutdown(until_gone).await?;
    Ok(())
}

/// A handler: whatever it records is below the request's span.
async fn item(Path(name): Path<String>) -> String {
    let pieces = async {
        info!("counted");
        name.len()
    };
    let pieces = pieces.instrument(info_span!("count", item = name)).await;
    format!("{pieces} pieces of {name}")
}

/// The client: a span for the request, and its headers.
async fn shop() -> Outcome {
    let mut stock = Command::new(std::env::current_exe()?)
        .arg("stock")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut address = String::new();
    BufReader::new(stock.stdout.take().ok_or("no output")?).read_line(&mut address)?;
    let url = format!("http://{}/items/film", address.trim());

    let order = info_span!("order");
    println!("trace {}", order.context().trace_id());
    let answer = fetch(&url).instrument(order).await?;
    println!("{answer}");

    // Closes the pipe that the stock listens to.
    drop(stock.stdin.take());
    stock.wait()?;
    Ok(())
}

/// One request with reqwest, in a span of its own.
async fn fetch(url: &str) -> Result<String, Box<dyn Error>> {
    let call = http_client("GET", url);
    let mut headers = HeaderMap::new();
    call.inject(&mut headers);
    let answer = call.wrap(reqwest::Client::new().get(url).headers(headers).send()).await;
    match &answer {
        Ok(answer) => call.finish(answer.status()),
        Err(error) => call.fail(error),
    }
    Ok(answer?.text().await?)
}
