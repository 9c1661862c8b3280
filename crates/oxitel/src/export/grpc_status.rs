//! Reads a gRPC answer by the rules of OTLP: the status behind it, else what a proxy said.
//!
//! Flow: receiver -> `grpc` -> **`grpc_status`** -> answer. Any bytes are read; what makes no
//! sense counts nothing.

use super::body::{Unread, Whole};
use super::compression::unpack;
use super::grpc::GRPC_ENCODING;
use super::response::{Answer, accepted, asked_silence, cut, redirected};
use super::retry::LONGEST_SILENCE;
use crate::propagate::percent_decoded_bytes;
use crate::wire::{Content, Fields, grpc_code};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::time::Duration;

pub(super) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// What the answer means. An error alone has its status in the head, all else in the trailers.
pub(super) fn read(status: StatusCode, headers: &HeaderMap, whole: &Whole) -> Answer {
    for fields in [&whole.trailers, headers] {
        if let Some(code) = fields.get(GRPC_STATUS) {
            return by_code(code, fields, &whole.bytes, headers.get(GRPC_ENCODING));
        }
    }
    without_code(status, headers)
}

fn by_code(
    code: &HeaderValue,
    fields: &HeaderMap,
    body: &[u8],
    coding: Option<&HeaderValue>,
) -> Answer {
    let number = code.to_str().ok().and_then(|code| code.parse::<usize>().ok());
    let Some(name) = number.and_then(grpc_code::name) else {
        return Answer::Refused(format!(
            "a gRPC status that there is not, {:?}",
            cut(code.as_bytes())
        ));
    };
    if name == "OK" {
        return message(body, coding);
    }
    let mut reason = format!("status {name}");
    if let Some(text) = fields.get(GRPC_MESSAGE) {
        reason = format!("{reason}, {:?}", cut(&percent_decoded_bytes(text.as_bytes())));
    }
    let after = fields.get(GRPC_DETAILS).and_then(|details| retry_delay(details.as_bytes()));
    match name {
        "CANCELLED" | "DEADLINE_EXCEEDED" | "ABORTED" | "OUT_OF_RANGE" | "UNAVAILABLE"
        | "DATA_LOSS" => Answer::TryAgain { after, reason },
        // Exhausted for good, unless the receiver says when it will not be.
        "RESOURCE_EXHAUSTED" if after.is_some() => Answer::TryAgain { after, reason },
        _ => Answer::Refused(reason),
    }
}

/// Somebody answered who does not speak gRPC. Its specification gives each status a code; those
/// of them that are tried again are the same as over HTTP.
fn without_code(status: StatusCode, headers: &HeaderMap) -> Answer {
    let mut reason = format!("status {status} over HTTP, and none of gRPC");
    if let Some(place) = redirected(status, headers) {
        reason = format!("{reason}: {place}");
    }
    match status.as_u16() {
        429 | 502 | 503 | 504 => Answer::TryAgain { after: asked_silence(headers), reason },
        _ => Answer::Refused(reason),
    }
}

/// The one message of an answer that says OK. It is not missed when it is not there.
fn message(body: &[u8], coding: Option<&HeaderValue>) -> Answer {
    let Some((&[compressed, ref length @ ..], rest)) = body.split_first_chunk::<5>() else {
        return accepted(&[]);
    };
    let message = rest.get(..u32::from_be_bytes(*length) as usize).unwrap_or_default();
    if compressed == 0 {
        return accepted(message);
    }
    let unpacked = coding.map_or(Err(Unread::Unknown), |coding| unpack(coding, message.to_vec()));
    match unpacked {
        Ok(message) => accepted(&message),
        Err(Unread::TooLong) => Answer::Refused(Unread::too_long()),
        Err(_) => Answer::Refused("an answer in a compression that was not offered".to_owned()),
    }
}

/// The `RetryInfo` of a base64 `google.rpc.Status`; without a delay in it, zero.
fn retry_delay(details: &[u8]) -> Option<Duration> {
    // Of several values, joined by commas, the first.
    let status = from_base64(details.split(|byte| *byte == b',').next()?)?;
    messages(&status, 3).find_map(|detail| {
        let mut kind = messages(detail, 1);
        kind.any(|url| url.ends_with(b"/google.rpc.RetryInfo")).then_some(())?;
        let delay = messages(detail, 2).last().and_then(|info| messages(info, 1).last());
        Some(delay.map_or(Duration::ZERO, duration))
    })
}

/// The fields `number` of a message, as bytes.
fn messages(message: &[u8], number: u32) -> impl Iterator<Item = &[u8]> {
    Fields::new(message).flatten().filter_map(move |field| match field {
        (found, Content::Bytes(bytes)) if found == number => Some(bytes),
        _ => None,
    })
}

/// A `google.protobuf.Duration`; a negative one is none.
fn duration(message: &[u8]) -> Duration {
    let (mut seconds, mut nanos) = (0_i64, 0_i64);
    for (number, content) in Fields::new(message).flatten() {
        match (number, content) {
            (1, Content::Varint(value)) => seconds = value as i64,
            (2, Content::Varint(value)) => nanos = value as i64,
            _ => {}
        }
    }
    let (Ok(seconds), Ok(nanos)) = (u64::try_from(seconds), u32::try_from(nanos)) else {
        return Duration::ZERO;
    };
    let nanos = Duration::from_nanos(u64::from(nanos));
    Duration::from_secs(seconds).saturating_add(nanos).min(LONGEST_SILENCE)
}

/// Base64 with or without padding; `None` when it is none.
fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    let text = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.chunks(4) {
        let mut bits = 0_u32;
        for letter in group {
            bits = bits << 6 | six_bits(*letter)?;
        }
        bits <<= 6 * (4 - group.len());
        // Four letters are three bytes, three are two, two are one; one alone is none.
        let whole = group.len().checked_sub(1).filter(|whole| *whole > 0)?;
        bytes.extend_from_slice(&bits.to_be_bytes()[1..=whole]);
    }
    Some(bytes)
}

fn six_bits(letter: u8) -> Option<u32> {
    let value = match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::{Answer, Whole, from_base64, percent_decoded_bytes, read, retry_delay};
    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
    use proptest::prelude::*;
    use std::time::Duration;

    fn fields(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
        };
        pairs.iter().map(pair).collect()
    }

    fn reason(status: u16, pairs: &[(&'static str, &str)]) -> String {
        let status = StatusCode::from_u16(status).expect("a status");
        match read(status, &fields(pairs), &Whole::default()) {
            Answer::Refused(reason) => format!("refused: {reason}"),
            Answer::TryAgain { after, reason } => format!("again after {after:?}: {reason}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_refusal_is_told_in_the_receivers_words() {
        let long = "x".repeat(1_000);
        let told = [
            reason(200, &[("grpc-status", "3"), ("grpc-message", "100 %25 f%C3%BCr %0A%g")]),
            reason(200, &[("grpc-status", "14"), ("grpc-message", "later")]),
            reason(200, &[("grpc-status", "99")]),
            reason(200, &[("grpc-status", "-1")]),
            reason(200, &[("content-type", "text/html")]),
            reason(429, &[("retry-after", "7")]),
            reason(200, &[("grpc-status", "2"), ("grpc-message", &long)])
                .replace(&long[..300], "X…X"),
        ];
        insta::assert_snapshot!(told.join("\n"), @r#"
        refused: status INVALID_ARGUMENT, "100 % für \n%g"
        again after None: status UNAVAILABLE, "later"
        refused: a gRPC status that there is not, "99"
        refused: a gRPC status that there is not, "-1"
        refused: status 200 OK over HTTP, and none of gRPC
        again after Some(7s): status 429 Too Many Requests over HTTP, and none of gRPC
        refused: status UNKNOWN, "X…X…"
        "#);
    }

    /// A `google.rpc.Status`: code 14, "wait", a `Help` and a `RetryInfo` of 2.5 s.
    const DETAILS: &[u8] = b"CA4SBHdhaXQaLAojdHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLkhlbHASBQoDC\
        gF4GjYKKHR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5SZXRyeUluZm8SCgoICAIQgMq17gE";

    #[test]
    fn the_delay_is_found_among_other_details() {
        assert_eq!(retry_delay(DETAILS), Some(Duration::from_millis(2_500)));
        let padded = [DETAILS, b"=, AAAA"].concat();
        assert_eq!(
            retry_delay(&padded),
            Some(Duration::from_millis(2_500)),
            "padded, the first of two"
        );
        assert_eq!(retry_delay(b"CA4SBHdhaXQ"), None, "a status without details");
        assert_eq!(retry_delay(b"%"), None);
    }

    #[test]
    fn a_delay_that_makes_no_sense_is_zero_and_the_longest_is_a_day() {
        let delay = |duration: &[u8]| super::duration(duration);
        assert_eq!(delay(b""), Duration::ZERO);
        assert_eq!(delay(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Duration::ZERO, "-1 s");
        assert_eq!(delay(b"\x08\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Duration::ZERO);
        let longest = b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x10\xff\xff\xff\xff\x0f";
        assert_eq!(delay(longest), Duration::from_secs(600));
    }

    #[test]
    fn base64_is_read_with_padding_and_without() {
        let text = |base64: &str| {
            from_base64(base64.as_bytes()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        for (base64, expected) in [("", ""), ("Zg", "f"), ("Zm8=", "fo"), ("Zg==", "f")] {
            assert_eq!(text(base64).as_deref(), Some(expected), "{base64:?}");
        }
        assert_eq!(text("Zm9vYmFy").as_deref(), Some("foobar"));
        assert_eq!(text("+/+/").map(|text| text.chars().count()), Some(3));
        for none in ["Z", "Zm9vY", "Zm=v", "Zm v", "===="] {
            assert_eq!(text(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_percent_sign_alone_stands_for_itself() {
        assert_eq!(percent_decoded_bytes(b"%41%4a %zz%4"), b"AJ %zz%4");
    }

    proptest! {
        #[test]
        fn any_answer_is_read(
            status in 200_u16..600,
            code in "[0-9]{0,3}|[ -~]{0,9}",
            message in "[ -~]{0,50}",
            details in "[A-Za-z0-9+/]{0,80}={0,2}|[ -~]{0,20}",
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
            behind in any::<bool>(),
        ) {
            let status = StatusCode::from_u16(status).expect("a status");
            let said = fields(&[
                ("grpc-status", &code),
                ("grpc-message", &message),
                ("grpc-status-details-bin", &details),
            ]);
            let (headers, trailers) =
                if behind { (HeaderMap::new(), said) } else { (said, HeaderMap::new()) };
            let answer = read(status, &headers, &Whole { bytes, trailers });
            let unavailable = matches!(answer, Answer::NoConnection(_));
            prop_assert!(!unavailable, "somebody answered");
        }
    }
}
