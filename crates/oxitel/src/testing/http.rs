//! OTLP over HTTP, in protobuf or in JSON: which requests are understood, and how replies are said.
//!
//! Flow: `server` -> **http** (route) -> `answer` -> **http** (respond) -> client.

use std::convert::Infallible;

use ::http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use ::http::request::Parts;
use ::http::{HeaderValue, Method, Response, StatusCode};
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;

use super::answer::Refusal;
use super::decode::Signal;
use super::rpc_status::Status;
use super::{coding, json};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// Whether a request speaks JSON, and is to be answered so.
pub(super) fn is_json(head: &Parts) -> bool {
    content_type(head) == JSON
}

/// The request's message as protobuf.
pub(super) fn message(head: &Parts, signal: Signal, body: &Bytes) -> Result<Bytes, Refusal> {
    let body = coding::decoded(header_text(head, &CONTENT_ENCODING), body)?;
    if is_json(head) { json::to_protobuf(signal, &body) } else { Ok(body) }
}

/// The signal that a request speaks of, or why it is not understood.
pub(super) fn route(head: &Parts) -> Result<Signal, Refusal> {
    let path = head.uri.path();
    let signal = Signal::of_path(path).ok_or_else(|| {
        let paths = "/v1/traces, /v1/logs or /v1/metrics";
        Refusal::new(404, format!("nothing is received at {path:?}: send to {paths}"))
    })?;
    if head.method != Method::POST {
        let text = format!("{} is not understood at {path:?}: use POST", head.method);
        return Err(Refusal::new(405, text));
    }
    let content_type = content_type(head);
    if ![PROTOBUF, JSON].contains(&content_type) {
        let forms = format!("{PROTOBUF} or {JSON}");
        let text = format!("content type {content_type:?} is not read here: send {forms}");
        return Err(Refusal::new(415, text));
    }
    let coding = header_text(head, &CONTENT_ENCODING);
    if !coding::is_known(coding) {
        let text = format!("content encoding {coding:?} is not read here: use gzip or none");
        return Err(Refusal::new(415, text));
    }
    Ok(signal)
}

/// The content type without its parameters.
fn content_type(head: &Parts) -> &str {
    header_text(head, &CONTENT_TYPE).split(';').next().unwrap_or_default().trim()
}

/// A request's header as text; nothing when it is missing or no text.
pub(super) fn header_text<'a>(head: &'a Parts, name: &::http::HeaderName) -> &'a str {
    head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Status 200 with the signal's response message.
pub(super) fn accepted(
    json: bool,
    signal: Signal,
    partial: Option<(i64, String)>,
) -> Response<Full<Bytes>> {
    let body = if json { json::response(signal, partial) } else { signal.response(partial) };
    respond(StatusCode::OK, json, body)
}

/// Status 200 with these bytes; a content type that is no header value is left out.
pub(super) fn said(content_type: &str, body: Vec<u8>) -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = Response::new(Full::from(body).boxed());
    if let Ok(content_type) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}

/// The refusal's status with a `google.rpc.Status` as body.
pub(super) fn refused(json: bool, refusal: &Refusal) -> Response<Full<Bytes>> {
    // A test may ask for a number that is no HTTP status; a client then sees the nearest thing.
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let words = Status::from(refusal);
    let body = if json { json::status(&words) } else { words.encode_to_vec() };
    let mut response = respond(status, json, body);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
    let retry_after = refusal.retry_after.as_deref().map(HeaderValue::from_str);
    if let Some(Ok(retry_after)) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, retry_after);
    }
    response
}

fn respond(status: StatusCode, json: bool, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(if json { JSON } else { PROTOBUF });
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
