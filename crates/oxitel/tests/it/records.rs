//! What a span carries, as the receiver decodes it.

use crate::session::{PATIENCE, Session};
use oxitel::testing::proto::trace::v1::{Span, span, status::StatusCode};
use oxitel::testing::{fix_clock, fix_ids};
use oxitel::{Kind, Limits, Scope, SpanContext, SpanId, Status, TraceFlags, TraceId, Value};

static SCOPE: Scope = Scope::new("records").version("1.0").schema_url("https://example/1");

/// Records one span and returns it as it arrived.
fn sent(session: &Session, record: impl FnOnce()) -> Span {
    record();
    oxitel::flush(PATIENCE).expect("delivered");
    let mut spans = session.receiver.spans();
    assert_eq!(spans.len(), 1, "{}", session.receiver.tree());
    spans.remove(0).span
}

fn shown(span: &Span) -> String {
    let pairs = span.attributes.iter().map(|pair| {
        let value = pair.value.as_ref().and_then(|any| any.value.as_ref());
        format!("{}={:?}", pair.key, value.expect("a value"))
    });
    pairs.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_kind_of_value_arrives() {
    let session = Session::start();
    let span = sent(&session, || {
        let inner = [Value::I64(1), Value::Str("two")];
        let pairs = [("list", Value::Array(&inner)), ("yes", Value::Bool(true))];
        let mut span = SCOPE.span("values");
        span.set_attribute("text", "grüße")
            .set_attribute("flag", false)
            .set_attribute("negative", -1_i64)
            .set_attribute("large", u64::MAX)
            .set_attribute("float", 0.5)
            .set_attribute("bytes", &[0_u8, 255][..])
            .set_attribute("map", Value::Map(&pairs));
    });
    insta::assert_snapshot!(shown(&span), @r#"
    text=StringValue("grüße")
    flag=BoolValue(false)
    negative=IntValue(-1)
    large=StringValue("18446744073709551615")
    float=DoubleValue(0.5)
    bytes=BytesValue([0, 255])
    map=KvlistValue(KeyValueList { values: [KeyValue { key: "list", value: Some(AnyValue { value: Some(ArrayValue(ArrayValue { values: [AnyValue { value: Some(IntValue(1)) }, AnyValue { value: Some(StringValue("two")) }] })) }), key_strindex: 0 }, KeyValue { key: "yes", value: Some(AnyValue { value: Some(BoolValue(true)) }), key_strindex: 0 }] })
    "#);
}

#[test]
fn setting_a_key_again_replaces_its_value() {
    let session = Session::start();
    let span = sent(&session, || {
        let mut span = SCOPE.span("overwrite");
        span.set_attribute("a", 1).set_attribute("b", 2);
        for round in 0..10_000 {
            span.set_attribute("a", round).set_attribute("a-longer-key", round);
        }
    });
    insta::assert_snapshot!(shown(&span), @r"
    b=IntValue(2)
    a=IntValue(9999)
    a-longer-key=IntValue(9999)
    ");
    assert_eq!(span.dropped_attributes_count, 0);
}

#[test]
fn at_the_limit_new_keys_are_dropped_and_counted_and_old_ones_still_change() {
    let limits = Limits { attributes: 2, value_length: 3, ..Limits::default() };
    let session = Session::with(|config| config.limits(limits));
    let span = sent(&session, || {
        let nested = [Value::Str("ünïcode"), Value::Bytes(b"bytes")];
        let mut span = SCOPE.span("limits");
        span.set_attribute("a", "first value")
            .set_attribute("list", Value::Array(&nested))
            .set_attribute("c", 1)
            .set_attribute("", 1)
            .set_attribute("a", "äöüß");
    });
    insta::assert_snapshot!(shown(&span), @r#"
    list=ArrayValue(ArrayValue { values: [AnyValue { value: Some(StringValue("ünï")) }, AnyValue { value: Some(BytesValue([98, 121, 116])) }] })
    a=StringValue("äöü")
    "#);
    assert_eq!(span.dropped_attributes_count, 2, "\"c\" and the empty key");
}

#[test]
fn events_and_links_have_limits_of_their_own() {
    let limits = Limits {
        events: 2,
        links: 1,
        attributes_per_event: 1,
        attributes_per_link: 1,
        ..Limits::default()
    };
    let session = Session::with(|config| config.limits(limits));
    let other = SpanContext::remote(
        TraceId::from_bytes([7; 16]),
        SpanId::from_bytes([8; 8]),
        TraceFlags(TraceFlags::SAMPLED),
        Some("vendor=1"),
    );
    let span = sent(&session, || {
        let mut span = SCOPE.span("events");
        for name in ["one", "two", "three"] {
            span.add_event(name, &[("k", Value::I64(1)), ("l", Value::I64(2))]);
        }
        span.add_link(&other, &[("k", Value::I64(1)), ("k", Value::I64(2)), ("l", Value::I64(3))]);
        span.add_link(&other, &[]);
    });
    let names: Vec<_> = span.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!((names, span.dropped_events_count), (vec!["one", "two"], 1));
    assert!(span.events.iter().all(|e| e.attributes.len() == 1 && e.dropped_attributes_count == 1));
    let link = &span.links[0];
    assert_eq!((span.links.len(), span.dropped_links_count), (1, 1));
    assert_eq!((link.trace_id.as_slice(), link.span_id.as_slice()), (&[7; 16][..], &[8; 8][..]));
    assert_eq!((link.trace_state.as_str(), link.flags), ("vendor=1", 0x301));
    assert_eq!((link.attributes.len(), link.dropped_attributes_count), (1, 1));
}

#[test]
fn links_from_the_beginning_carry_attributes() {
    let session = Session::start();
    let other = |id| {
        let (trace, span) = (TraceId::from_bytes([7; 16]), SpanId::from_bytes([id; 8]));
        SpanContext::remote(trace, span, TraceFlags(TraceFlags::SAMPLED), None)
    };
    let (kind, number) =
        ([("kind", "batch".into())], [("number", 2.into()), ("last", true.into())]);
    let span = sent(&session, || {
        let build = SCOPE.build("linked").link_with(&other(1), &kind).link(&other(2));
        drop(build.link_with(&other(3), &number).start());
    });
    let keys = |link: &span::Link| {
        let keys: Vec<_> = link.attributes.iter().map(|pair| pair.key.clone()).collect();
        (link.span_id[0], keys.join(","))
    };
    let links: Vec<_> = span.links.iter().map(keys).collect();
    let expected = [(1, "kind"), (2, ""), (3, "number,last")];
    assert_eq!(links, expected.map(|(id, keys)| (id, keys.to_owned())));
}

#[test]
fn a_status_of_ok_is_final_and_an_error_carries_its_text() {
    let session = Session::start();
    let broken = "x".parse::<i32>().expect_err("no number");
    {
        let mut failed = SCOPE.enter("failed");
        failed.record_error(&broken);
        let mut fine = SCOPE.span("fine");
        fine.set_status(Status::Error("no")).set_status(Status::Ok).set_status(Status::Unset);
        fine.set_status(Status::Error("too late"));
    }
    let _ = session.tree();
    let spans = session.receiver.spans();
    let of = |name: &str| {
        let found = spans.iter().find(|record| record.span.name == name).expect("it arrived");
        found.span.clone()
    };
    let failed = of("failed");
    let status = failed.status.expect("a status");
    assert_eq!(status.code, StatusCode::Error as i32);
    assert_eq!(status.message, "invalid digit found in string");
    assert_eq!(failed.events[0].name, "exception");
    let fine = of("fine").status.expect("a status");
    assert_eq!((fine.code, fine.message.as_str()), (StatusCode::Ok as i32, ""));
}

#[test]
fn the_whole_record_is_the_same_in_every_run() {
    let session = Session::start();
    fix_clock(1_000, 10);
    fix_ids(42);
    {
        let _parent = SCOPE.enter("parent");
        let mut child = SCOPE.build("child").kind(Kind::Client).enter();
        child.update_name("renamed");
    }
    let _ = session.tree();
    let spans = session.receiver.spans();
    let told: Vec<_> = spans
        .iter()
        .map(|record| {
            let Span { name, kind, start_time_unix_nano, end_time_unix_nano, flags, .. } =
                &record.span;
            let kind = span::SpanKind::try_from(*kind).expect("a known kind");
            let (trace, id) = (record.trace_id(), record.span_id());
            format!("{trace} {id} {name} {kind:?} {start_time_unix_nano}..{end_time_unix_nano} {flags:#x}")
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    ae4a7cbfdda9b434e9cc09d33d38d9d2 eb29b2a1320e1a71 renamed Client 1010..1020 0x103
    ae4a7cbfdda9b434e9cc09d33d38d9d2 cb5756512b93433a parent Internal 1000..1030 0x103
    ");
    let scope = &spans[0].scope;
    assert_eq!((scope.name.as_str(), scope.version.as_str()), ("records", "1.0"));
    assert_eq!(spans[0].span.parent_span_id, spans[1].span.span_id);
    assert!(spans[1].span.parent_span_id.is_empty());
}

#[test]
fn a_start_in_the_past_keeps_its_time() {
    let session = Session::start();
    let span = sent(&session, || {
        let _past = SCOPE.build("past").started_at(1_000).start();
    });
    assert_eq!(span.start_time_unix_nano, 1_000);
    assert!(span.end_time_unix_nano > 1_700_000_000_000_000_000, "it ended now");
}
