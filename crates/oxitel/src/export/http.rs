//! One attempt over HTTP: the batch's pieces are written gathered, the answer is read bounded.

use super::batch::Batch;
use super::body::{Pieces, Unread, length, read};
use super::client::{BATCH_ID, IDLE, batch_id, failed, root_cause, user_agent};
use super::compression::{GZIP, Packer, unpack};
use super::dial::Dial;
use super::endpoint::Destination;
use super::proxy::Proxy;
use super::response::Answer;
use super::tls::Asked;
use super::transport::Transport;
use crate::wire::json;
use ::http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use bytes::Bytes;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::{TokioExecutor, TokioTimer};

#[derive(Debug)]
pub(super) struct Client {
    pool: Pool<Dial, Pieces>,
    asked: Asked,
    packer: Packer,
    is_json: bool,
    url: Uri,
    headers: HeaderMap,
}

impl Client {
    pub(super) fn new(destination: &Destination) -> Self {
        let dial = Dial::new(destination);
        let asked = dial.asked();
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(dial);
        let mut headers = destination.headers().clone();
        let is_plain = destination.trust().is_none();
        let proxy = destination.proxy().filter(|_| is_plain);
        if let Some(authorization) = proxy.and_then(Proxy::authorization) {
            headers.insert(header::PROXY_AUTHORIZATION, authorization.clone());
        }
        headers.insert(header::USER_AGENT, user_agent());
        let is_json = destination.transport() == Transport::Json;
        let kind = if is_json { "application/json" } else { "application/x-protobuf" };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        let packer = Packer::new(destination.compression());
        if packer.is_on() {
            headers.insert(header::ACCEPT_ENCODING, GZIP);
        }
        Self { pool, asked, packer, is_json, url: destination.url().clone(), headers }
    }

    /// Posts the batch once.
    pub(super) async fn post(&mut self, batch: &Batch) -> Answer {
        let pieces = if self.is_json { vec![json(batch)] } else { batch.pieces() };
        let bytes = length(&pieces);
        if bytes > MAX_REQUEST {
            let text = format!("the request would have {bytes} bytes, more than {MAX_REQUEST}");
            return Answer::Refused(text);
        }
        let (body, coding) = self.packer.pack_or_keep(pieces);
        let mut request = Request::new(Pieces::of(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().insert(BATCH_ID, batch_id(batch));
        if let Some(coding) = coding {
            request.headers_mut().insert(header::CONTENT_ENCODING, coding);
        }
        let response = match self.pool.request(request).await {
            Ok(response) => response,
            Err(error) if error.is_connect() => {
                return Answer::NoConnection(root_cause(&error).to_string());
            }
            Err(error) => return failed(&error, &self.asked),
        };
        self.asked.forget();
        let (head, body) = response.into_parts();
        match read(body).await.and_then(|whole| readable(&head.headers, whole.bytes)) {
            Ok(body) => Answer::read(head.status, &head.headers, &body),
            Err(Unread::TooLong) => Answer::Refused(Unread::too_long()),
            // The status came whole, and it decides.
            Err(Unread::Broken(_) | Unread::Unknown) => {
                Answer::read(head.status, &head.headers, &[])
            }
        }
    }
}

/// What the standard lets a request have, before it is compressed.
const MAX_REQUEST: u64 = 64 << 20;

/// The batch in words.
fn json(batch: &Batch) -> Bytes {
    let mut whole = Vec::with_capacity(batch.length());
    for piece in batch.pieces() {
        whole.extend_from_slice(&piece);
    }
    json::request(batch.signal(), &whole).into()
}

/// The body without its coding.
fn readable(headers: &HeaderMap, body: Vec<u8>) -> Result<Vec<u8>, Unread> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(coding) => unpack(coding, body),
        None => Ok(body),
    }
}
