//! The judge is `opentelemetry-proto`: its reader of JSON must see what its reader of protobuf
//! sees.

pub(crate) mod random;

use super::{MOST_DEPTH, request};
use crate::export::SignalKind;
use crate::wire::{Content, Fields};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use proptest::prelude::*;
use prost::Message as _;
use prost::encoding::encode_varint;
use random::Random;
use std::time::{Duration, Instant};

/// What the JSON of these bytes says, and what the bytes say.
fn judge(signal: SignalKind, bytes: &[u8]) {
    let json = request(signal, bytes);
    macro_rules! same {
        ($Request:ident) => {{
            let by_json: $Request = serde_json::from_str(&json).expect("JSON of OTLP");
            let by_bytes = $Request::decode(bytes).expect("protobuf of OTLP");
            same(&format!("{by_json:?}"), &format!("{by_bytes:?}"));
        }};
    }
    match signal {
        SignalKind::Traces => same!(ExportTraceServiceRequest),
        SignalKind::Metrics => same!(ExportMetricsServiceRequest),
        SignalKind::Logs => same!(ExportLogsServiceRequest),
    }
}

/// Messages are long: what is said is where they part.
fn same(found: &str, expected: &str) {
    let parts = found.bytes().zip(expected.bytes()).position(|(one, other)| one != other);
    let around = |text: &str, at: usize| {
        String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(80)..text.len().min(at + 80)])
            .into_owned()
    };
    if found != expected {
        let at = parts.unwrap_or(found.len().min(expected.len()));
        panic!("…{}…\nis not\n…{}…", around(found, at), around(expected, at));
    }
}

fn encoded(signal: SignalKind, random: &mut Random) -> Vec<u8> {
    match signal {
        SignalKind::Traces => random.traces().encode_to_vec(),
        SignalKind::Metrics => random.metrics().encode_to_vec(),
        SignalKind::Logs => random.logs().encode_to_vec(),
    }
}

fn field(number: u32, content: &[u8]) -> Vec<u8> {
    written((number, Content::Bytes(content)))
}

fn inside_a_span(span: &[u8]) -> Vec<u8> {
    field(1, &field(2, &field(2, span)))
}

/// The fields of a message in another order, with fields of a later version in between.
fn scrambled(message: &[u8], random: &mut Random) -> Vec<u8> {
    let mut parts: Vec<_> = Fields::new(message).flatten().map(written).collect();
    assert_eq!(parts.concat().len(), message.len(), "the whole message");
    parts.resize(parts.len() + random.below(3), b"\xca\x3e\x03new".to_vec());
    let mut whole = Vec::new();
    while !parts.is_empty() {
        whole.extend(parts.swap_remove(random.below(parts.len())));
    }
    whole
}

fn written((number, content): (u32, Content<'_>)) -> Vec<u8> {
    let mut part = Vec::new();
    let (wire, varint, bytes) = match content {
        Content::Varint(value) => (0, Some(value), Vec::new()),
        Content::Fixed64(value) => (1, None, value.to_le_bytes().to_vec()),
        Content::Bytes(bytes) => (2, Some(bytes.len() as u64), bytes.to_vec()),
        Content::Fixed32(value) => (5, None, value.to_le_bytes().to_vec()),
    };
    encode_varint(u64::from(number << 3 | wire), &mut part);
    if let Some(value) = varint {
        encode_varint(value, &mut part);
    }
    [part, bytes].concat()
}

proptest! {
    #[test]
    fn both_forms_say_the_same(seed: u64) {
        for signal in SignalKind::ALL {
            judge(signal, &encoded(signal, &mut Random(seed)));
        }
    }

    #[test]
    fn any_order_of_fields_says_the_same(seed: u64) {
        let mut random = Random(seed);
        let span = random.span().encode_to_vec();
        let span = scrambled(&span, &mut random);
        judge(SignalKind::Traces, &inside_a_span(&span));
    }

    #[test]
    fn broken_bytes_give_json_all_the_same(seed: u64, at: usize, byte: u8, cut: usize) {
        let signal = SignalKind::ALL[(seed % 3) as usize];
        let mut bytes = encoded(signal, &mut Random(seed));
        let length = bytes.len();
        bytes[at % length] = byte;
        bytes.truncate(length - cut % length);
        let json = request(signal, &bytes);
        let whole: Result<serde_json::Value, _> = serde_json::from_str(&json);
        prop_assert!(whole.is_ok(), "{json}");
    }

    #[test]
    fn any_bytes_give_json(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        for signal in SignalKind::ALL {
            let json = request(signal, &bytes);
            let whole: Result<serde_json::Value, _> = serde_json::from_str(&json);
            prop_assert!(whole.is_ok(), "{json}");
        }
    }
}

#[test]
fn a_message_that_comes_in_parts_is_one() {
    // The resource twice; a value that is text, a number, and in the end a list in two parts.
    let resource = [field(1, &field(1, b"\x0a\x01a")), field(1, &field(1, b"\x0a\x01b"))].concat();
    judge(SignalKind::Traces, &field(1, &resource));
    let parts: [&[u8]; 5] = [
        &field(5, &field(1, b"\x18\x01")),
        b"\x0a\x01t",
        b"\x18\x07",
        &field(5, &field(1, b"")),
        &field(5, &field(1, b"\x10\x01")),
    ];
    let attribute = [field(1, b"k"), field(2, &parts.concat())].concat();
    let bytes = inside_a_span(&field(9, &attribute));
    judge(SignalKind::Traces, &bytes);
    let json = request(SignalKind::Traces, &bytes);
    assert!(json.contains(r#"{"arrayValue":{"values":[{},{"boolValue":true}]}}"#), "{json}");
}

#[test]
fn a_request_reads_as_the_standard_writes_it() {
    let json = request(SignalKind::Traces, &Random(7).traces().encode_to_vec());
    let whole: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let span = &whole["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    for id in ["traceId", "spanId", "parentSpanId"] {
        let text = span[id].as_str().expect("a string");
        assert!(text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{text}");
    }
    assert!(span["kind"].is_number() && span["status"]["code"].is_number());
    assert!(span["startTimeUnixNano"].is_string() && span["flags"].is_number());
}

#[test]
fn a_span_is_written_as_in_the_examples_of_the_standard() {
    let attribute = |key: &str, value| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        key_strindex: 0,
    };
    let span = Span {
        trace_id: (0..16).collect(),
        span_id: vec![0xee; 8],
        flags: 0x101,
        name: "order".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_795_185_487_123_000_000,
        end_time_unix_nano: u64::MAX,
        attributes: vec![
            attribute("items", Value::IntValue(-3)),
            attribute("ratio", Value::DoubleValue(0.5)),
            attribute("raw", Value::BytesValue(vec![0, 255])),
        ],
        status: Some(Status { message: "no \"money\"".to_owned(), code: 2 }),
        ..Span::default()
    };
    let json = request(SignalKind::Traces, &inside_a_span(&span.encode_to_vec()));
    insta::assert_snapshot!(json, @r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"000102030405060708090a0b0c0d0e0f","spanId":"eeeeeeeeeeeeeeee","name":"order","kind":2,"startTimeUnixNano":"1795185487123000000","endTimeUnixNano":"18446744073709551615","attributes":[{"key":"items","value":{"intValue":"-3"}},{"key":"ratio","value":{"doubleValue":0.5}},{"key":"raw","value":{"bytesValue":"AP8="}}],"status":{"message":"no \"money\"","code":2},"flags":257}]}]}]}"#);
}

#[test]
fn doubles_that_are_no_numbers_are_words() {
    let double = |bits: f64| {
        let value = [b"\x21".as_slice(), &bits.to_le_bytes()].concat();
        let attribute = [field(1, b"k"), field(2, &value)].concat();
        let json = request(SignalKind::Traces, &inside_a_span(&field(9, &attribute)));
        let begin = json.find("doubleValue").expect("it is there");
        json[begin..].trim_end_matches(['}', ']']).to_owned()
    };
    assert_eq!(double(f64::NAN), r#"doubleValue":"NaN""#);
    assert_eq!(double(f64::NEG_INFINITY), r#"doubleValue":"-Infinity""#);
    assert_eq!(double(0.1), r#"doubleValue":0.1"#);
}

#[test]
fn what_lies_too_deep_is_no_value() {
    let nested = |depth: usize| {
        let value = (1..depth).fold(b"\x18\x05".to_vec(), |inner, _| field(5, &field(1, &inner)));
        let attribute = [field(1, b"k"), field(2, &value)].concat();
        request(SignalKind::Traces, &inside_a_span(&field(9, &attribute)))
    };
    assert!(nested(MOST_DEPTH).contains(r#"[{"intValue":"5"}]"#));
    assert!(nested(MOST_DEPTH + 1).contains(r#"{"arrayValue":{"values":[{}]}}"#));
    // As deep as a request can be: the stack bears it.
    assert!(nested(100_000).contains("[{}]"));
}

/// Twice the bytes take twice the time and not four times: a field is looked at a fixed number of
/// times, also where fields alternate.
#[test]
fn time_is_linear_in_the_bytes() {
    let pair = [field(9, &field(1, b"k")), field(11, b""), field(13, b"")].concat();
    let took = |pairs: usize| {
        let bytes = inside_a_span(&pair.repeat(pairs));
        let measured = (0..3).map(|_| {
            let begun = Instant::now();
            assert!(request(SignalKind::Traces, &bytes).len() > bytes.len());
            begun.elapsed()
        });
        measured.min().unwrap_or_default().max(Duration::from_micros(100))
    };
    let (small, large) = (took(5_000), took(50_000));
    assert!(large < small * 60, "ten times the bytes: {small:?}, then {large:?}");
}
