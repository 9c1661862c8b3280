//! One attempt over HTTP: the batch's pieces are written gathered, the answer is read bounded.

use super::batch::Batch;
use super::body::{Pieces, Unread, read};
use super::client::{BATCH_ID, IDLE, batch_id, failed, root_cause, user_agent};
use super::compression::{GZIP, Packer, unpack};
use super::dial::Dial;
use super::endpoint::Destination;
use super::response::Answer;
use super::tls::Asked;
use ::http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::{TokioExecutor, TokioTimer};

#[derive(Debug)]
pub(super) struct Client {
    pool: Pool<Dial, Pieces>,
    asked: Asked,
    packer: Packer,
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
        headers.insert(header::USER_AGENT, user_agent());
        let protobuf = HeaderValue::from_static("application/x-protobuf");
        headers.insert(header::CONTENT_TYPE, protobuf);
        let packer = Packer::new(destination.compression());
        if packer.is_on() {
            headers.insert(header::ACCEPT_ENCODING, GZIP);
        }
        Self { pool, asked, packer, url: destination.url().clone(), headers }
    }

    /// Posts the batch once.
    pub(super) async fn post(&mut self, batch: &Batch) -> Answer {
        let packed = self.packer.pack(batch);
        let coding = packed.as_ref().map(|packed| packed.coding.clone());
        let body = packed.map_or_else(|| batch.pieces(), |packed| vec![packed.bytes]);
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

/// The body without its coding.
fn readable(headers: &HeaderMap, body: Vec<u8>) -> Result<Vec<u8>, Unread> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(coding) => unpack(coding, body),
        None => Ok(body),
    }
}
