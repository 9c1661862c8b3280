//! What was exported, as text: a field of a span has one name and one value, whoever sent it.

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;
use oxitel::testing::SpanRecord;
use oxitel::testing::proto::common::v1::KeyValue as ProtoKeyValue;
use oxitel::testing::proto::common::v1::any_value::Value as ProtoValue;
use std::collections::BTreeMap;

/// The fields of each span, by its name.
pub(crate) type Exported = BTreeMap<String, BTreeMap<String, String>>;

type Fields = BTreeMap<String, String>;

/// What the SDK exported.
pub(crate) fn of_peer(spans: &[SpanData]) -> Exported {
    let named = |id: [u8; 8]| {
        let found = spans.iter().find(|span| span.span_context.span_id().to_bytes() == id);
        found.map(|span| span.name.to_string())
    };
    collect(spans.iter().map(|span| {
        let mut fields = Fields::new();
        let parent = place(span.parent_span_id.to_bytes(), named);
        fields.insert("parent".to_owned(), parent);
        fields.insert("kind".to_owned(), kind(&span.span_kind).to_owned());
        fields.insert(
            "status".to_owned(),
            match &span.status {
                Status::Unset => "unset".to_owned(),
                Status::Ok => "ok".to_owned(),
                Status::Error { description } => format!("error {description:?}"),
            },
        );
        fields.insert("flags".to_owned(), flags(span.span_context.trace_flags().to_u8()));
        fields.insert("remote parent".to_owned(), span.parent_span_is_remote.to_string());
        fields.insert("trace state".to_owned(), span.span_context.trace_state().header());
        add_attributes(&mut fields, "", peer_pairs(&span.attributes));
        add_count(&mut fields, "dropped attributes", span.dropped_attributes_count);
        for (number, event) in span.events.iter().enumerate() {
            let name = format!("event {number} ");
            fields.insert(format!("{name}name"), event.name.to_string());
            add_attributes(&mut fields, &name, peer_pairs(&event.attributes));
            let dropped = event.dropped_attributes_count;
            add_count(&mut fields, &format!("{name}dropped attributes"), dropped);
        }
        add_count(&mut fields, "dropped events", span.events.dropped_count);
        for (number, link) in span.links.iter().enumerate() {
            let to = place(link.span_context.span_id().to_bytes(), named);
            fields.insert(format!("link {number}"), to);
        }
        add_count(&mut fields, "dropped links", span.links.dropped_count);
        (span.name.to_string(), fields)
    }))
}

/// What a receiver got.
pub(crate) fn of_receiver(spans: &[SpanRecord]) -> Exported {
    let named = |id: [u8; 8]| {
        let found = spans.iter().find(|record| record.span.span_id == id);
        found.map(|record| record.span.name.clone())
    };
    let id = |bytes: &[u8]| <[u8; 8]>::try_from(bytes).unwrap_or_default();
    collect(spans.iter().map(|record| {
        let span = &record.span;
        let mut fields = Fields::new();
        fields.insert("parent".to_owned(), place(id(&span.parent_span_id), named));
        let kinds = ["?", "internal", "server", "client", "producer", "consumer"];
        fields.insert("kind".to_owned(), kinds[span.kind as usize].to_owned());
        let status = span.status.clone().unwrap_or_default();
        fields.insert(
            "status".to_owned(),
            match status.code {
                0 => "unset".to_owned(),
                1 => "ok".to_owned(),
                _ => format!("error {:?}", status.message),
            },
        );
        fields.insert("flags".to_owned(), flags(span.flags as u8));
        fields.insert("remote parent".to_owned(), (span.flags & 0x200 != 0).to_string());
        fields.insert("trace state".to_owned(), span.trace_state.clone());
        add_attributes(&mut fields, "", proto_pairs(&span.attributes));
        add_count(&mut fields, "dropped attributes", span.dropped_attributes_count);
        for (number, event) in span.events.iter().enumerate() {
            let name = format!("event {number} ");
            fields.insert(format!("{name}name"), event.name.clone());
            add_attributes(&mut fields, &name, proto_pairs(&event.attributes));
            let dropped = event.dropped_attributes_count;
            add_count(&mut fields, &format!("{name}dropped attributes"), dropped);
        }
        add_count(&mut fields, "dropped events", span.dropped_events_count);
        for (number, link) in span.links.iter().enumerate() {
            fields.insert(format!("link {number}"), place(id(&link.span_id), named));
        }
        add_count(&mut fields, "dropped links", span.dropped_links_count);
        (span.name.clone(), fields)
    }))
}

/// By name; one that is there already gets a number.
fn collect(spans: impl Iterator<Item = (String, Fields)>) -> Exported {
    let mut exported = Exported::new();
    for (name, fields) in spans {
        let mut key = name.clone();
        for number in 2.. {
            if !exported.contains_key(&key) {
                break;
            }
            key = format!("{name} #{number}");
        }
        exported.insert(key, fields);
    }
    exported
}

fn place(id: [u8; 8], named: impl Fn([u8; 8]) -> Option<String>) -> String {
    if id == [0; 8] {
        return "none".to_owned();
    }
    named(id).unwrap_or_else(|| format!("{:016x}", u64::from_be_bytes(id)))
}

/// Whether the span is sampled; what other bits say is no part of the comparison.
fn flags(bits: u8) -> String {
    if bits & 1 == 1 { "sampled" } else { "not sampled" }.to_owned()
}

fn kind(kind: &SpanKind) -> &'static str {
    match kind {
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    }
}

fn add_count(fields: &mut Fields, name: &str, count: u32) {
    if count > 0 {
        fields.insert(name.to_owned(), count.to_string());
    }
}

fn add_attributes(fields: &mut Fields, of: &str, pairs: Vec<(String, String)>) {
    for (key, value) in pairs {
        let name = format!("{of}attribute {key}");
        if let Some(before) = fields.insert(name.clone(), value) {
            fields.insert(format!("{name} (again)"), before);
        }
    }
}

fn peer_pairs(attributes: &[KeyValue]) -> Vec<(String, String)> {
    attributes.iter().map(|pair| (pair.key.to_string(), peer_value(&pair.value))).collect()
}

fn peer_value(value: &Value) -> String {
    match value {
        Value::Bool(flag) => format!("bool {flag}"),
        Value::I64(number) => format!("int {number}"),
        Value::F64(number) => format!("double {number}"),
        Value::String(text) => format!("text {:?}", text.as_str()),
        Value::Array(Array::String(texts)) => {
            let texts: Vec<_> =
                texts.iter().map(|text| format!("text {:?}", text.as_str())).collect();
            format!("list {}", texts.join(", "))
        }
        other => format!("other {other:?}"),
    }
}

fn proto_pairs(attributes: &[ProtoKeyValue]) -> Vec<(String, String)> {
    let value = |pair: &ProtoKeyValue| {
        pair.value.as_ref().and_then(|it| it.value.as_ref()).map(proto_value)
    };
    attributes.iter().map(|pair| (pair.key.clone(), value(pair).unwrap_or_default())).collect()
}

fn proto_value(value: &ProtoValue) -> String {
    match value {
        ProtoValue::BoolValue(flag) => format!("bool {flag}"),
        ProtoValue::IntValue(number) => format!("int {number}"),
        ProtoValue::DoubleValue(number) => format!("double {number}"),
        ProtoValue::StringValue(text) => format!("text {text:?}"),
        ProtoValue::ArrayValue(list) => {
            let values = list.values.iter().filter_map(|it| it.value.as_ref());
            format!("list {}", values.map(proto_value).collect::<Vec<_>>().join(", "))
        }
        other => format!("other {other:?}"),
    }
}
