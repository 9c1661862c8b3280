//! One attempt over HTTP: the batch's pieces are written gathered, the answer is read bounded.

use super::batch::Batch;
use super::endpoint::Destination;
use super::response::Answer;
use ::http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client as Pool, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use std::vec;

/// An answer longer than this is not read.
const MAX_ANSWER: usize = 4 << 20;
/// A connection that was idle for longer is not trusted with a request.
const IDLE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Client {
    pool: Pool<HttpConnector, Pieces>,
    url: Uri,
    headers: HeaderMap,
}

impl Client {
    pub(super) fn new(destination: &Destination) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        let mut headers = destination.headers().clone();
        let user_agent =
            concat!("OTel-OTLP-Exporter-Rust/", env!("CARGO_PKG_VERSION"), " (oxitel)");
        headers.insert(header::USER_AGENT, HeaderValue::from_static(user_agent));
        let protobuf = HeaderValue::from_static("application/x-protobuf");
        headers.insert(header::CONTENT_TYPE, protobuf);
        Self { pool, url: destination.url().clone(), headers }
    }

    /// Where it sends, for people: without the query, which may hold a key.
    pub(super) fn shown_url(&self) -> String {
        let authority = self.url.authority().map_or("", |authority| authority.as_str());
        format!("http://{authority}{}", self.url.path())
    }

    /// Posts the batch once.
    pub(super) async fn post(&self, batch: &Batch) -> Answer {
        let mut request = Request::new(Pieces::of(batch));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = self.headers.clone();
        let response = match self.pool.request(request).await {
            Ok(response) => response,
            Err(error) if error.is_connect() => return Answer::NoConnection(root_cause(&error)),
            Err(error) => return Answer::TryAgain { after: None, reason: root_cause(&error) },
        };
        let (head, body) = response.into_parts();
        match read(body).await {
            Ok(Some(body)) => Answer::read(head.status, &head.headers, &body),
            Ok(None) => Answer::Refused(format!("an answer of more than {MAX_ANSWER} bytes")),
            // The status came whole, and it decides.
            Err(_) => Answer::read(head.status, &head.headers, &[]),
        }
    }
}

/// The whole answer, or `None` when it is too long.
async fn read(mut body: Incoming) -> Result<Option<Vec<u8>>, hyper::Error> {
    let mut read = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Ok(data) = frame?.into_data() {
            if read.len() + data.len() > MAX_ANSWER {
                return Ok(None);
            }
            read.extend_from_slice(&data);
        }
    }
    Ok(Some(read))
}

/// The innermost error says what happened ("connection refused"), the outer ones only where.
fn root_cause(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The request body: pieces of known total length.
#[derive(Debug)]
pub(super) struct Pieces {
    rest: vec::IntoIter<Bytes>,
    left: u64,
}

impl Pieces {
    fn of(batch: &Batch) -> Self {
        Self { rest: batch.pieces().into_iter(), left: batch.length() as u64 }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.rest.find(|piece| !piece.is_empty());
        if let Some(piece) = &next {
            self.left -= piece.len() as u64;
        }
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
