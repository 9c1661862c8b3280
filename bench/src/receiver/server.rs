//! The receiver's own process: HTTP/1.1 and HTTP/2 on a free port of the loopback interface.
//!
//! Its first line says where it listens. For each line it is told, it answers with the count of
//! what came since the last one.

use super::count::Count;
use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::{TcpListener, TcpStream};

/// Bodies since the last count, each in the pieces it was read in.
type Bodies = Arc<Mutex<Vec<Vec<Bytes>>>>;

/// Serves until the conductor closes this program's standard input.
pub(crate) fn run() -> anyhow::Result<()> {
    let bodies = Bodies::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the receiver's runtime")?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).context("no port")?;
    println!("http://{}", listener.local_addr()?);
    let counted = Arc::clone(&bodies);
    std::thread::spawn(move || {
        let ended = answer_counts(&counted);
        if let Err(error) = &ended {
            eprintln!("receiver: {error:#}");
        }
        std::process::exit(i32::from(ended.is_err()));
    });
    runtime.block_on(serve(listener, bodies))
}

fn answer_counts(bodies: &Bodies) -> anyhow::Result<()> {
    for line in io::stdin().lines() {
        line?;
        let taken = std::mem::take(&mut *bodies.lock().unwrap_or_else(PoisonError::into_inner));
        let mut count = Count::default();
        for body in taken {
            count += Count::of(&body.concat()).context("a request that is no protobuf")?;
        }
        writeln!(io::stdout(), "{}", serde_json::to_string(&count)?)?;
    }
    Ok(())
}

async fn serve(listener: TcpListener, bodies: Bodies) -> anyhow::Result<()> {
    loop {
        let (stream, _) = listener.accept().await.context("no connection can be accepted")?;
        stream.set_nodelay(true).context("TCP_NODELAY")?;
        tokio::spawn(connection(stream, Arc::clone(&bodies)));
    }
}

async fn connection(stream: TcpStream, bodies: Bodies) {
    let service = service_fn(move |request| answer(request, Arc::clone(&bodies)));
    let server = Builder::new(TokioExecutor::new());
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        // A candidate that ends in the middle of a request has its loss in the count.
        eprintln!("receiver: {error}");
    }
}

async fn answer(
    request: Request<Incoming>,
    bodies: Bodies,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    if (request.method(), request.uri().path()) != (&Method::POST, "/v1/traces") {
        return Ok(refusal(StatusCode::NOT_FOUND));
    }
    if request.headers().contains_key(CONTENT_ENCODING) {
        // Compressed bodies would be compared with plain ones.
        return Ok(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let body = pieces(request.into_body()).await?;
    bodies.lock().unwrap_or_else(PoisonError::into_inner).push(body);
    let mut response = Response::new(Full::default());
    let protobuf = hyper::header::HeaderValue::from_static("application/x-protobuf");
    response.headers_mut().insert(CONTENT_TYPE, protobuf);
    Ok(response)
}

async fn pieces(mut body: Incoming) -> Result<Vec<Bytes>, hyper::Error> {
    let mut pieces = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            pieces.push(data);
        }
    }
    Ok(pieces)
}

fn refusal(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
