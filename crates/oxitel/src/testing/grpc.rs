//! OTLP over gRPC without a gRPC library: five bytes of framing and a status in the trailers.
//!
//! Flow: `server` -> **grpc** (route, unframe) -> `answer` -> **grpc** (respond) -> client.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::ready;

use ::http::header::CONTENT_TYPE;
use ::http::request::Parts;
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, Version};
use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, Full};
use prost::Message as _;

use super::answer::Refusal;
use super::coding;
use super::decode::Signal;
use super::http::header_text;
use super::rpc_status::Status;

const GRPC: &str = "application/grpc";
pub(super) const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
/// One byte that says whether the message is compressed, four for its length.
const FRAME_HEAD_BYTES: usize = 5;

/// Whether a request speaks gRPC.
pub(super) fn is_grpc(head: &Parts) -> bool {
    header_text(head, &CONTENT_TYPE).starts_with(GRPC)
}

/// The signal that a request speaks of, or why it is not understood.
pub(super) fn route(head: &Parts) -> Result<Signal, Refusal> {
    let path = head.uri.path();
    if head.version != Version::HTTP_2 || head.method != Method::POST {
        let text = format!("{} over {:?} is not gRPC: POST over HTTP/2", head.method, head.version);
        return Err(Refusal::new(400, text));
    }
    Signal::of_method(path)
        .ok_or_else(|| Refusal::new(404, format!("no gRPC method {path:?} is served here")))
}

/// The one message of a unary request; `coding` is what the request calls its compression.
pub(super) fn unframe(coding: &str, body: &Bytes) -> Result<Bytes, Refusal> {
    let Some((head, message)) = body.split_first_chunk::<FRAME_HEAD_BYTES>() else {
        let text = format!("a body of {} bytes holds no gRPC frame", body.len());
        return Err(Refusal::new(400, text));
    };
    let [compressed, length @ ..] = *head;
    let length = u32::from_be_bytes(length) as usize;
    if length != message.len() {
        let text = format!("the frame announces {length} bytes, {} follow", message.len());
        return Err(Refusal::new(400, text));
    }
    let message = body.slice(FRAME_HEAD_BYTES..);
    match (compressed, coding) {
        (0, _) => Ok(message),
        (1, coding) if !["", "identity"].contains(&coding) => coding::decoded(coding, &message),
        _ => Err(Refusal::new(400, "the frame is compressed, and nothing says how")),
    }
}

/// The signal's response message, framed, and status 0 in the trailers.
pub(super) fn accepted(
    signal: Signal,
    partial: Option<(i64, String)>,
) -> Response<BoxBody<Bytes, Infallible>> {
    said(Full::new(frame(&signal.response(partial))).boxed())
}

/// This body, and status 0 in the trailers.
pub(super) fn said(body: BoxBody<Bytes, Infallible>) -> Response<BoxBody<Bytes, Infallible>> {
    let mut trailers = HeaderMap::new();
    trailers.insert(GRPC_STATUS, HeaderValue::from_static("0"));
    respond(body.with_trailers(ready(Some(Ok(trailers)))).boxed())
}

/// A response of headers alone that carry the status.
pub(super) fn refused(refusal: &Refusal) -> Response<BoxBody<Bytes, Infallible>> {
    let status = Status::from(refusal);
    let mut response = respond(Empty::new().boxed());
    let headers = response.headers_mut();
    headers.insert(GRPC_STATUS, HeaderValue::from(status.code));
    let message = percent_encoded(&status.message);
    let details = (!status.details.is_empty()).then(|| base64(&status.encode_to_vec()));
    for (name, text) in [(GRPC_MESSAGE, Some(message)), (GRPC_DETAILS, details)] {
        // Percent-encoded text and base64 are visible ASCII: every text is a header value.
        headers.extend(text.and_then(|text| Some((Some(name), HeaderValue::try_from(text).ok()?))));
    }
    response
}

fn respond(body: BoxBody<Bytes, Infallible>) -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(GRPC));
    response
}

fn frame(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(FRAME_HEAD_BYTES + message.len());
    frame.put_u8(0);
    frame.put_u32(message.len() as u32);
    frame.put_slice(message);
    frame.freeze()
}

/// `grpc-message` is percent-encoded; everything but visible ASCII and the percent sign stands.
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// Base64 without padding, the form in which gRPC sends binary headers.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut padded = [0; 4];
        padded[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(padded);
        for position in 0..=group.len() {
            let index = (bits >> (18 - 6 * position)) & 0x3f;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_lies_about_its_length_is_refused() {
        let refusal = unframe("", &Bytes::from_static(b"\0\0\0\0\x09abc")).expect_err("9 is not 3");
        assert_eq!(refusal.message, "the frame announces 9 bytes, 3 follow");
    }

    #[test]
    fn a_body_shorter_than_a_frame_head_is_refused() {
        let refusal = unframe("", &Bytes::from_static(b"\0\0\0")).expect_err("3 bytes are no head");
        assert_eq!(refusal.message, "a body of 3 bytes holds no gRPC frame");
    }

    #[test]
    fn base64_agrees_with_the_examples_of_its_standard() {
        let encoded =
            ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|t| base64(t.as_bytes()));
        assert_eq!(encoded, ["", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"]);
    }

    #[test]
    fn a_status_message_travels_as_visible_ascii() {
        assert_eq!(percent_encoded("100 % für \n"), "100 %25 f%C3%BCr %0A");
    }
}
