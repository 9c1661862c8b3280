//! One attempt over HTTP: the batch's pieces are written gathered, the answer is read bounded.

use super::batch::Batch;
use super::body::{Pieces, Unread, read};
use super::client::{IDLE, root_cause, user_agent};
use super::endpoint::Destination;
use super::resolver::Resolver;
use super::response::Answer;
use ::http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

#[derive(Debug)]
pub(super) struct Client {
    pool: Pool<HttpConnector<Resolver>, Pieces>,
    url: Uri,
    headers: HeaderMap,
}

impl Client {
    pub(super) fn new(destination: &Destination) -> Self {
        let mut connector = HttpConnector::new_with_resolver(Resolver::default());
        connector.set_nodelay(true);
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        let mut headers = destination.headers().clone();
        headers.insert(header::USER_AGENT, user_agent());
        let protobuf = HeaderValue::from_static("application/x-protobuf");
        headers.insert(header::CONTENT_TYPE, protobuf);
        Self { pool, url: destination.url().clone(), headers }
    }

    /// Posts the batch once.
    pub(super) async fn post(&self, batch: &Batch) -> Answer {
        let mut request = Request::new(Pieces::of(batch));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = self.headers.clone();
        let response = match self.pool.request(request).await {
            Ok(response) => response,
            Err(error) => {
                let reason = root_cause(&error).to_string();
                return if error.is_connect() {
                    Answer::NoConnection(reason)
                } else {
                    Answer::TryAgain { after: None, reason }
                };
            }
        };
        let (head, body) = response.into_parts();
        match read(body).await {
            Ok(whole) => Answer::read(head.status, &head.headers, &whole.bytes),
            Err(Unread::TooLong) => Answer::Refused(Unread::too_long()),
            // The status came whole, and it decides.
            Err(Unread::Broken(_)) => Answer::read(head.status, &head.headers, &[]),
        }
    }
}
