//! One attempt over gRPC: five bytes of framing, then the batch's pieces as they lie.
//!
//! No gRPC library: a unary call is one HTTP/2 request with a few fixed headers, and an answer
//! whose status stands behind it. `connection` holds the line, `grpc_status` reads the answer.

use super::batch::Batch;
use super::body::{Pieces, Unread, Whole, read};
use super::client::{BATCH_ID, batch_id, failed, root_cause, user_agent};
use super::compression::{GZIP, Packer};
use super::connection::Connection;
use super::dial::Dial;
use super::endpoint::Destination;
use super::grpc_status::{self, GRPC_STATUS};
use super::response::Answer;
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use ::http::{Uri, header};
use hyper::body::Incoming;
use std::error::Error;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Client {
    dial: Dial,
    packer: Packer,
    /// The one connection, between two exchanges.
    connection: Option<Connection>,
    url: Uri,
    headers: HeaderMap,
    /// Whether anybody ever answered in HTTP/2.
    answered: bool,
}

impl Client {
    pub(super) fn new(destination: &Destination) -> Self {
        let mut headers = destination.headers().clone();
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(header::USER_AGENT, user_agent());
        let packer = Packer::new(destination.compression());
        if packer.is_on() {
            headers.insert(GRPC_ACCEPT_ENCODING, GZIP);
        }
        let url = destination.url().clone();
        let dial = Dial::new(destination);
        Self { dial, packer, connection: None, url, headers, answered: false }
    }

    /// Calls once; the receiver is told that nobody waits beyond `give_up`.
    pub(super) async fn post(&mut self, batch: &Batch, give_up: Instant) -> Answer {
        let (message, coding) = self.packer.pack_or_keep(batch.pieces());
        let (body, departure) = Pieces::framed(coding.is_some(), message);
        let mut request = self.request(batch, body, give_up);
        if let Some(coding) = coding {
            request.headers_mut().insert(GRPC_ENCODING, coding);
        }
        // Out of its place until the exchange is over: whoever drops this future drops it too.
        let (mut connection, response) = match self.exchange(request).await {
            Ok(exchanged) => exchanged,
            Err(answer) => return answer,
        };
        self.answered = true;
        self.dial.asked().forget();
        let (head, body) = response.into_parts();
        let whole = match read(body).await {
            Ok(whole) => {
                // A receiver that answers before it has read all may never read the rest, and
                // the next request would wait behind that.
                if departure.is_over() {
                    connection.rest();
                    self.connection = Some(connection);
                }
                whole
            }
            Err(Unread::TooLong) => return Answer::Refused(Unread::too_long()),
            Err(Unread::Unknown) => Whole::default(),
            // A status that came before decides.
            Err(Unread::Broken(_)) if is_decided(head.status, &head.headers) => Whole::default(),
            Err(Unread::Broken(error)) => return failed(&error, &self.dial.asked()),
        };
        grpc_status::read(head.status, &head.headers, &whole)
    }

    fn request(&self, batch: &Batch, body: Pieces, give_up: Instant) -> Request<Pieces> {
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = self.headers.clone();
        let left = timeout(give_up.saturating_duration_since(Instant::now()));
        request.headers_mut().insert(GRPC_TIMEOUT, left);
        request.headers_mut().insert(BATCH_ID, batch_id(batch));
        request
    }

    /// Sends the request and waits for the head of the answer.
    async fn exchange(
        &mut self,
        mut request: Request<Pieces>,
    ) -> Result<(Connection, Response<Incoming>), Answer> {
        if let Some(mut connection) = self.connection.take().filter(Connection::is_usable) {
            match connection.send(request).await {
                Ok(response) => return Ok((connection, response)),
                Err(mut failed) => match failed.take_message() {
                    // The receiver closed the connection since the last exchange.
                    Some(unsent) => request = unsent,
                    None => return Err(self.failure(failed.error())),
                },
            }
        }
        let opened = Connection::open(&mut self.dial, &self.url).await;
        let mut connection =
            opened.map_err(|error| Answer::NoConnection(root_cause(error.as_ref()).to_string()))?;
        match connection.send(request).await {
            Ok(response) => Ok((connection, response)),
            Err(failed) => Err(self.failure(failed.error())),
        }
    }

    /// The request's fate is unknown, and OTLP says to try again.
    fn failure(&self, error: &(dyn Error + 'static)) -> Answer {
        let mut answer = failed(error, &self.dial.asked());
        if let Answer::TryAgain { reason, .. } = &mut answer
            && !self.answered
        {
            reason.push_str(" (is this a port for gRPC? OTLP over HTTP is \"http/protobuf\")");
        }
        answer
    }
}

pub(super) const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// A head that is no promise of trailers.
fn is_decided(status: StatusCode, headers: &HeaderMap) -> bool {
    status != StatusCode::OK || headers.contains_key(GRPC_STATUS)
}

/// At most eight digits and a unit.
fn timeout(left: Duration) -> HeaderValue {
    const MOST: u128 = 99_999_999;
    let milliseconds = left.as_millis().max(1);
    let text = if milliseconds <= MOST {
        format!("{milliseconds}m")
    } else {
        format!("{}S", u128::from(left.as_secs()).min(MOST))
    };
    // Digits and a letter are a header value.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("1S"))
}

#[cfg(test)]
mod tests {
    use super::timeout;
    use std::time::Duration;

    #[test]
    fn a_timeout_has_at_most_eight_digits() {
        let text = |seconds| timeout(Duration::from_secs_f64(seconds));
        assert_eq!(text(0.0), "1m");
        assert_eq!(text(9.9994), "9999m");
        assert_eq!(text(99_999.999), "99999999m");
        assert_eq!(text(100_000.0), "100000S");
        assert_eq!(text(1e9), "99999999S");
    }
}
