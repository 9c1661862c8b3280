//! The receiver's own process: HTTP/1.1 and HTTP/2 on a free port of the loopback interface.
//!
//! Its first line says where it listens. For each line it is told, it answers with the count of
//! what came since the last one.

use super::count::Signal;
use super::inbox::Inbox;
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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::{TcpListener, TcpStream};

/// Filled by the connections, emptied by the counts.
type SharedInbox = Arc<Mutex<Inbox>>;

/// Serves until the conductor closes this program's standard input.
pub(crate) fn run() -> anyhow::Result<()> {
    let inbox = SharedInbox::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the receiver's runtime")?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).context("no port")?;
    println!("http://{}", listener.local_addr()?);
    let counted = Arc::clone(&inbox);
    std::thread::spawn(move || {
        let ended = answer_counts(&counted);
        if let Err(error) = &ended {
            eprintln!("receiver: {error:#}");
        }
        std::process::exit(i32::from(ended.is_err()));
    });
    runtime.block_on(serve(listener, inbox))
}

fn answer_counts(inbox: &SharedInbox) -> anyhow::Result<()> {
    for line in io::stdin().lines() {
        line?;
        let counted = lock(inbox).take_count();
        let count = counted.context("a request that is no protobuf")?;
        writeln!(io::stdout(), "{}", serde_json::to_string(&count)?)?;
    }
    Ok(())
}

/// A panic while it was held is reported where it happened.
fn lock(inbox: &SharedInbox) -> MutexGuard<'_, Inbox> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, inbox: SharedInbox) -> anyhow::Result<()> {
    loop {
        let (stream, _) = listener.accept().await.context("no connection can be accepted")?;
        stream.set_nodelay(true).context("TCP_NODELAY")?;
        tokio::spawn(connection(stream, Arc::clone(&inbox)));
    }
}

async fn connection(stream: TcpStream, inbox: SharedInbox) {
    let service = service_fn(move |request| answer(request, Arc::clone(&inbox)));
    let server = Builder::new(TokioExecutor::new());
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        // A candidate that ends in the middle of a request has its loss in the count.
        eprintln!("receiver: {error}");
    }
}

async fn answer(
    request: Request<Incoming>,
    inbox: SharedInbox,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let signal = match (request.method(), request.uri().path()) {
        (&Method::POST, "/v1/traces") => Signal::Traces,
        (&Method::POST, "/v1/logs") => Signal::Logs,
        _ => return Ok(refusal(StatusCode::NOT_FOUND)),
    };
    if request.headers().contains_key(CONTENT_ENCODING) {
        // Compressed bodies would be compared with plain ones.
        return Ok(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let body = pieces(request.into_body()).await?;
    lock(&inbox).keep(signal, body);
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
