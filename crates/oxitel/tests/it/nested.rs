//! Lists and maps as attributes: how deep, how large, at what cost.

use crate::session::{PATIENCE, Session};
use oxitel::testing::proto::common::v1::{AnyValue, KeyValue, any_value};
use oxitel::{Limits, Scope, Value};
use std::time::{Duration, Instant};

static SCOPE: Scope = Scope::new("nested");

/// Calls `done` with `levels` lists inside of each other, each of which holds the one below
/// `copies` times.
fn within<'a>(below: Value<'a>, levels: usize, copies: usize, done: &mut dyn FnMut(&Value<'_>)) {
    if levels == 0 {
        return done(&below);
    }
    let items = vec![below; copies];
    within(Value::Array(&items), levels - 1, copies, done);
}

#[test]
fn lists_that_share_their_parts_cost_no_more_than_others() {
    let session = Session::start();
    let begun = Instant::now();
    {
        let mut span = SCOPE.span("span");
        span.set_attribute("before", 1);
        // 2^60 items.
        within(Value::Bool(true), 60, 2, &mut |value| {
            span.set_attribute("shared", *value);
            span.add_event("event", &[("shared", *value), ("fine", Value::I64(1))]);
        });
        span.set_attribute("after", 2);
    }
    let took = begun.elapsed();
    insta::assert_snapshot!(session.tree(), @r#"
    it: span (internal) before=1 after=2 (1 attribute dropped)
      · event fine=1 (1 attribute dropped)
    "#);
    let span = session.receiver.spans().remove(0).span;
    assert_eq!((span.dropped_attributes_count, span.events[0].dropped_attributes_count), (1, 1));
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn many_items_arrive_whole() {
    let session = Session::start();
    let items = vec![Value::I64(7); 100_000];
    SCOPE.span("span").set_attribute("list", &items[..]);
    oxitel::flush(PATIENCE).expect("delivered");
    let span = session.receiver.spans().remove(0).span;
    assert_eq!(items_of(span.attributes[0].value.as_ref()).len(), 100_000);
}

fn items_of(value: Option<&AnyValue>) -> &[AnyValue] {
    match value.and_then(|any| any.value.as_ref()) {
        Some(any_value::Value::ArrayValue(list)) => &list.values,
        other => panic!("no list: {other:?}"),
    }
}

/// Sixty-four levels would be allowed; but a decoder that refuses them refuses all other records
/// of the request as well.
#[test]
fn what_is_nested_too_deep_is_empty_and_texts_are_cut_at_every_level() {
    let session =
        Session::with(|config| config.limits(Limits { value_length: 2, ..Limits::default() }));
    {
        let mut span = SCOPE.span("span");
        within(Value::Str("äöü"), 46, 1, &mut |value| {
            span.set_attribute("deep", *value);
            span.add_event("event", &[("deep", *value)]);
        });
        within(Value::Str("äöü"), 47, 1, &mut |value| {
            span.set_attribute("deeper", *value);
        });
        maps_within(Value::Bool(true), 200, &mut |value| {
            span.set_attribute("maps", *value);
        });
    }
    oxitel::flush(PATIENCE).expect("the receiver takes it");
    let span = session.receiver.spans().remove(0).span;
    let cut = any_value::Value::StringValue("äö".to_owned());
    let deep = |pair: &KeyValue| depth_and_end(pair.value.as_ref());
    assert_eq!(deep(&span.attributes[0]), (46, Some(cut.clone())));
    assert_eq!(deep(&span.events[0].attributes[0]), (46, Some(cut)));
    assert_eq!(deep(&span.attributes[1]), (47, None), "the last one is there, and empty");
    assert_eq!(deep(&span.attributes[2]), (31, None));
}

fn maps_within(below: Value<'_>, levels: usize, done: &mut dyn FnMut(&Value<'_>)) {
    if levels == 0 {
        return done(&below);
    }
    maps_within(Value::Map(&[("key", below)]), levels - 1, done);
}

/// How many lists or maps lie inside of each other, and what is in the last one.
fn depth_and_end(mut value: Option<&AnyValue>) -> (usize, Option<any_value::Value>) {
    let mut depth = 0;
    loop {
        let inner = match value.and_then(|any| any.value.as_ref()) {
            Some(any_value::Value::ArrayValue(list)) => list.values.first(),
            Some(any_value::Value::KvlistValue(list)) => {
                list.values.first().and_then(|pair| pair.value.as_ref())
            }
            end => return (depth, end.cloned()),
        };
        depth += 1;
        value = inner;
    }
}

#[test]
fn values_of_every_size_and_form_are_encoded_as_others_decode_them() {
    let session = Session::start();
    let long = "x".repeat(20_000);
    let inner = [Value::Str(&long), Value::Bytes(&[0, 255]), Value::U64(u64::MAX), Value::I64(-1)];
    let pairs = [("", Value::Array(&[])), ("list", Value::Array(&inner)), ("f", Value::F64(0.5))];
    SCOPE.span("span").set_attribute("map", Value::Map(&pairs)).set_attribute("next", 1);
    oxitel::flush(PATIENCE).expect("delivered");
    let span = session.receiver.spans().remove(0).span;
    let shown = format!("{:?}", span.attributes).replace(&long, "20,000 x");
    insta::assert_snapshot!(shown, @r#"[KeyValue { key: "map", value: Some(AnyValue { value: Some(KvlistValue(KeyValueList { values: [KeyValue { key: "", value: Some(AnyValue { value: Some(ArrayValue(ArrayValue { values: [] })) }), key_strindex: 0 }, KeyValue { key: "list", value: Some(AnyValue { value: Some(ArrayValue(ArrayValue { values: [AnyValue { value: Some(StringValue("20,000 x")) }, AnyValue { value: Some(BytesValue([0, 255])) }, AnyValue { value: Some(StringValue("18446744073709551615")) }, AnyValue { value: Some(IntValue(-1)) }] })) }), key_strindex: 0 }, KeyValue { key: "f", value: Some(AnyValue { value: Some(DoubleValue(0.5)) }), key_strindex: 0 }] })) }), key_strindex: 0 }, KeyValue { key: "next", value: Some(AnyValue { value: Some(IntValue(1)) }), key_strindex: 0 }]"#);
}
