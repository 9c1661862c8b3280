//! Reads a receiver's answer by the rules of OTLP.

use super::json_answer;
use super::retry::retry_after;
use crate::wire::{Content, Fields};
use http::{HeaderMap, StatusCode, Uri, header};
use std::time::Duration;

/// What the answer means for the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Taken, except for `rejected` records.
    Accepted { rejected: u64, message: String },
    /// Refused for good; sending it again would be wrong.
    Refused(String),
    /// Worth another attempt, not before `after` if the receiver said so.
    TryAgain { after: Option<Duration>, reason: String },
    /// There was no connection, so nobody said anything.
    NoConnection(String),
}

impl Answer {
    pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        match status.as_u16() {
            200..=299 if is_protobuf(headers) => accepted(body),
            200..=299 if is_json(headers) => {
                let (rejected, message) = json_answer::partial_success(body);
                Self::Accepted { rejected, message: cut(message.as_bytes()) }
            }
            200..=299 => accepted(&[]),
            429 | 502 | 503 | 504 => Self::TryAgain {
                after: asked_silence(headers),
                reason: described(status, headers, body),
            },
            _ => Self::Refused(described(status, headers, body)),
        }
    }
}

/// What `Retry-After` says, if it says anything.
pub(super) fn asked_silence(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?;
    value.to_str().ok().and_then(retry_after)
}

/// An `Export…ServiceResponse`, with a partial success or without.
pub(super) fn accepted(body: &[u8]) -> Answer {
    let mut answer = (0, String::new());
    for (_, content) in Fields::new(body).flatten().filter(|(number, _)| *number == 1) {
        if let Content::Bytes(partial) = content {
            answer = partial_success(partial);
        }
    }
    let (rejected, message) = answer;
    Answer::Accepted { rejected, message }
}

/// The receiver's words, as many as one line bears.
pub(super) fn cut(text: &[u8]) -> String {
    const MOST: usize = 300;
    let cut = String::from_utf8_lossy(&text[..text.len().min(MOST)]);
    if text.len() > MOST { format!("{cut}…") } else { cut.into_owned() }
}

fn partial_success(message: &[u8]) -> (u64, String) {
    let (mut rejected, mut text) = (0, String::new());
    for (number, content) in Fields::new(message).flatten() {
        match (number, content) {
            // A negative count is nonsense: nothing was rejected.
            (1, Content::Varint(count)) => rejected = i64::max(count as i64, 0) as u64,
            (2, Content::Bytes(bytes)) => text = cut(bytes),
            _ => {}
        }
    }
    (rejected, text)
}

/// Where a redirect leads; nobody goes there. The rest of the URL may hold a key.
pub(super) fn redirected(status: StatusCode, headers: &HeaderMap) -> Option<String> {
    let target = headers.get(header::LOCATION).filter(|_| status.is_redirection())?;
    let url = target.to_str().ok().and_then(|target| target.parse::<Uri>().ok());
    let place = url.as_ref().and_then(|url| {
        let port = url.port_u16().map_or(String::new(), |port| format!(":{port}"));
        url.host().map(|host| format!("{}{port}", cut(host.as_bytes())))
    });
    let place = place.unwrap_or_else(|| "another path".to_owned());
    Some(format!("it redirects to {place}, and redirects are not followed"))
}

/// The status line and, if the body is a `google.rpc.Status`, its message.
fn described(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> String {
    if let Some(place) = redirected(status, headers) {
        return format!("status {status}: {place}");
    }
    match said(headers, body) {
        Some(message) => format!("status {status}, {:?}", cut(&message)),
        None => format!("status {status}"),
    }
}

/// The message of a `google.rpc.Status`.
fn said(headers: &HeaderMap, body: &[u8]) -> Option<Vec<u8>> {
    if is_json(headers) {
        return json_answer::message(body).map(String::into_bytes);
    }
    let fields = Fields::new(body).flatten().filter(|_| is_protobuf(headers));
    let messages = fields.filter_map(|field| match field {
        (2, Content::Bytes(message)) => Some(message),
        _ => None,
    });
    // A body may have the field a million times; the last one counts.
    messages.last().map(<[u8]>::to_vec)
}

fn is_protobuf(headers: &HeaderMap) -> bool {
    is_of_type(headers, b"application/x-protobuf")
}

fn is_json(headers: &HeaderMap) -> bool {
    is_of_type(headers, b"application/json")
}

fn is_of_type(headers: &HeaderMap, kind: &[u8]) -> bool {
    let said = headers.get(header::CONTENT_TYPE);
    said.is_some_and(|said| said.as_bytes().starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::{Answer, cut};
    use http::{HeaderMap, HeaderValue, StatusCode, header};
    use std::time::Duration;

    fn read(status: u16, retry_after: Option<&'static str>, body: &[u8]) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        if let Some(value) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(value));
        }
        Answer::read(StatusCode::from_u16(status).expect("a status"), &headers, body)
    }

    #[test]
    fn only_the_four_statuses_of_the_standard_are_tried_again() {
        let again = |status| matches!(read(status, None, b""), Answer::TryAgain { .. });
        let retried: Vec<u16> = (300..=599).filter(|status| again(*status)).collect();
        assert_eq!(retried, [429, 502, 503, 504]);
    }

    #[test]
    fn retry_after_is_read() {
        let Answer::TryAgain { after, .. } = read(503, Some("2"), b"") else { panic!("503") };
        assert_eq!(after, Some(Duration::from_secs(2)));
    }

    #[test]
    fn partial_success_is_counted_and_garbage_counts_nothing() {
        let accepted =
            |rejected, message: &str| Answer::Accepted { rejected, message: message.to_owned() };
        assert_eq!(read(200, None, b""), accepted(0, ""));
        assert_eq!(read(200, None, b"\x0a\x08\x08\x03\x12\x04full"), accepted(3, "full"));
        let negative = b"\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(read(200, None, negative), accepted(0, ""));
        assert_eq!(read(200, None, b"\xff\xff\xff"), accepted(0, ""));
    }

    #[test]
    fn the_receivers_words_are_in_the_reason() {
        let Answer::Refused(reason) = read(400, None, b"\x12\x07bad span") else { panic!("400") };
        assert_eq!(reason, "status 400 Bad Request, \"bad spa\"");
    }

    #[test]
    fn a_million_messages_are_one_line_and_little_work() {
        let mut body = b"\x12\x00".repeat(1 << 20);
        body.extend(b"\x12\x04last");
        let Answer::Refused(reason) = read(400, None, &body) else { panic!("400") };
        assert_eq!(reason, "status 400 Bad Request, \"last\"");
    }

    #[test]
    fn a_redirect_is_told_with_its_host_alone() {
        let told = |location: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::LOCATION, HeaderValue::from_static(location));
            let status = StatusCode::TEMPORARY_REDIRECT;
            match Answer::read(status, &headers, b"") {
                Answer::Refused(reason) => reason,
                other => format!("{other:?}"),
            }
        };
        let told = [
            told("http://me:hunter2@other:4318/v1/traces?key=hunter2"),
            told("/v2/traces"),
            told("http://two words/"),
        ];
        insta::assert_snapshot!(told.join("\n"), @r"
        status 307 Temporary Redirect: it redirects to other:4318, and redirects are not followed
        status 307 Temporary Redirect: it redirects to another path, and redirects are not followed
        status 307 Temporary Redirect: it redirects to another path, and redirects are not followed
        ");
    }

    #[test]
    fn a_long_speech_is_cut() {
        assert_eq!(cut(b"short"), "short");
        let text = cut(&[b'x'; 1_000]);
        assert_eq!((text.len(), text.ends_with("x…")), (303, true));
        assert!(cut("ü".repeat(1_000).as_bytes()).starts_with("üü"));
    }
}
