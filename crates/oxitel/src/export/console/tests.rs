//! What a person sees, whole; and that any bytes are seen as something.

use super::page;
use crate::export::{Request, SignalKind};
use crate::wire::json::tests::random::Random;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Summary, SummaryDataPoint, metric,
    number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::prelude::*;
use prost::Message;

/// 2026-11-20T14:38:07.123Z
const NOW: u64 = 1_795_185_487_123_000_000;

fn printed(signal: SignalKind, request: &impl Message, colours: bool) -> String {
    page(&Request::new(signal, 1, &[&request.encode_to_vec()]), colours)
}

fn text(value: &str) -> Value {
    Value::StringValue(value.to_owned())
}

fn pair(key: &str, value: Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: key.to_owned(), value, key_strindex: 0 }
}

fn shop() -> Resource {
    let attributes = vec![pair("service.name", text("shop"))];
    Resource { attributes, ..Resource::default() }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope { name: "cart".to_owned(), ..InstrumentationScope::default() }
}

/// A span of the one trace, begun and ended so many microseconds after now.
fn span(id: u8, parent: u8, name: &str, begin: u64, end: u64) -> Span {
    Span {
        trace_id: (0..16).collect(),
        span_id: vec![id; 8],
        parent_span_id: if parent == 0 { vec![] } else { vec![parent; 8] },
        name: name.to_owned(),
        kind: 1,
        start_time_unix_nano: NOW + begin * 1_000,
        end_time_unix_nano: NOW + end * 1_000,
        ..Span::default()
    }
}

fn traces(spans: Vec<Span>, colours: bool) -> String {
    let scope_spans = vec![ScopeSpans { scope: Some(scope()), spans, schema_url: String::new() }];
    let group = ResourceSpans { resource: Some(shop()), scope_spans, schema_url: String::new() };
    let request = ExportTraceServiceRequest { resource_spans: vec![group] };
    printed(SignalKind::Traces, &request, colours)
}

#[test]
fn a_trace_is_a_tree_with_durations_in_a_column() {
    let mut order = span(1, 0, "order", 0, 12_345);
    order.kind = 2;
    order.attributes = vec![pair("http.route", text("/order")), pair("items", Value::IntValue(3))];
    let mut charge = span(3, 1, "charge", 5_000, 8_000);
    charge.status = Some(Status { message: "card declined".to_owned(), code: 2 });
    let error = pair("exception.message", text("no money"));
    charge.events = vec![Event {
        time_unix_nano: NOW + 6_000_000,
        name: "exception".to_owned(),
        attributes: vec![error],
        dropped_attributes_count: 0,
    }];
    let mut query = span(4, 2, "query", 1_500, 1_501);
    query.kind = 3;
    query.status = Some(Status { message: String::new(), code: 1 });
    let elsewhere = span(5, 9, "a part", 9_000, 70_000_000);
    // Children end before their parents.
    let spans = vec![query, span(2, 1, "reserve", 1_000, 5_100), charge, elsewhere, order];
    insta::assert_snapshot!(traces(spans, false), @r#"
    14:38:07.123 shop  trace 000102030405060708090a0b0c0d0e0f
    order          12.3 ms  server  http.route=/order items=3
    ├─ reserve     4.10 ms
    │  └─ query    1.00 µs  client  ok
    └─ charge      3.00 ms  error: card declined
          · +1.00 ms exception  exception.message="no money"
    a part        1 m 09 s  parent 0909090909090909
    "#);
}

#[test]
fn spans_that_are_each_others_parents_are_shown_once() {
    let spans = vec![span(1, 2, "one", 0, 1), span(2, 1, "two", 0, 1), span(3, 3, "self", 0, 1)];
    insta::assert_snapshot!(traces(spans, false), @r#"
    14:38:07.123 shop  trace 000102030405060708090a0b0c0d0e0f
    self      1.00 µs  parent 0303030303030303
    one       1.00 µs  parent 0202020202020202
    └─ two    1.00 µs
    "#);
}

#[test]
fn a_hundred_thousand_generations_are_drawn_in_a_moment() {
    let mut spans: Vec<_> = (0..100_000).map(|_| span(0, 0, "deep", 0, 1)).collect();
    for (index, span) in spans.iter_mut().enumerate() {
        span.span_id = (index as u64 + 1).to_be_bytes().to_vec();
        span.parent_span_id = (index as u64).to_be_bytes().to_vec();
    }
    let drawn = traces(spans, false);
    assert_eq!(drawn.lines().count(), 100_001);
    assert!(drawn.lines().all(|line| line.chars().count() < 160), "the page stays on the screen");
}

#[test]
fn nothing_in_a_span_speaks_to_the_terminal() {
    let hostile = "a\x1b[2Jb\r\nc\u{202e}d\u{2028}\u{9b}31m";
    let mut evil = span(1, 0, hostile, 0, 1);
    evil.attributes = vec![pair(hostile, text(hostile))];
    evil.status = Some(Status { message: hostile.to_owned(), code: 2 });
    let drawn = traces(vec![evil], false);
    assert_eq!(drawn.lines().count(), 2, "{drawn}");
    assert!(!drawn.contains(['\x1b', '\r', '\u{202e}', '\u{2028}', '\u{9b}']), "{drawn:?}");
}

#[test]
fn values_of_every_kind_are_words() {
    let list = Value::ArrayValue(ArrayValue {
        values: [text("a"), Value::BoolValue(true)]
            .map(|value| AnyValue { value: Some(value) })
            .into(),
    });
    let map = Value::KvlistValue(KeyValueList { values: vec![pair("k", Value::DoubleValue(0.5))] });
    let mut all = span(1, 0, "all", 0, 1);
    all.attributes = vec![
        pair("empty", text("")),
        pair("words", text("two words")),
        pair("list", list),
        pair("map", map),
        pair("bytes", Value::BytesValue(vec![0, 255])),
        pair("long", text(&"x".repeat(500))),
    ];
    all.attributes.extend((0..20).map(|n| pair(&format!("k{n}"), Value::IntValue(-n))));
    insta::assert_snapshot!(traces(vec![all], false), @r#"
    14:38:07.123 shop  trace 000102030405060708090a0b0c0d0e0f
    all    1.00 µs  empty="" words="two words" list=[a, true] map={k=0.5} bytes=0x00ff long=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… k0=0 k1=-1 k2=-2 k3=-3 k4=-4 k5=-5 k6=-6 k7=-7 k8=-8 k9=-9 and 10 more
    "#);
}

#[test]
fn colours_are_for_terminals() {
    let mut failed = span(1, 0, "charge", 0, 1_000);
    failed.status = Some(Status { message: "declined".to_owned(), code: 2 });
    failed.attributes = vec![pair("k", text("v"))];
    insta::assert_snapshot!(traces(vec![failed], true).escape_debug(), @r#"\u{1b}[2m14:38:07.123\u{1b}[0m \u{1b}[1mshop\u{1b}[0m\u{1b}[2m  trace 000102030405060708090a0b0c0d0e0f\u{1b}[0m\n\u{1b}[31mcharge\u{1b}[0m    1.00 ms\u{1b}[31m  error: declined\u{1b}[0m  \u{1b}[2mk=\u{1b}[0mv\n"#);
}

#[test]
fn a_log_record_is_a_line() {
    let body = Some(AnyValue { value: Some(text("cart loaded\nin two lines")) });
    let warning = LogRecord {
        time_unix_nano: NOW,
        severity_number: 13,
        body: body.clone(),
        attributes: vec![pair("items", Value::IntValue(3))],
        trace_id: (0..16).collect(),
        span_id: vec![7; 8],
        ..LogRecord::default()
    };
    let event = LogRecord {
        observed_time_unix_nano: NOW,
        severity_number: 9,
        event_name: "user.login".to_owned(),
        ..LogRecord::default()
    };
    let log_records = vec![warning, event];
    let scope_logs =
        vec![ScopeLogs { scope: Some(scope()), log_records, schema_url: String::new() }];
    let group = ResourceLogs { resource: Some(shop()), scope_logs, schema_url: String::new() };
    let request = ExportLogsServiceRequest { resource_logs: vec![group] };
    insta::assert_snapshot!(printed(SignalKind::Logs, &request, false), @r#"
    14:38:07.123 WARN  shop cart: cart loaded\nin two lines  items=3  trace 000102030405060708090a0b0c0d0e0f span 0707070707070707
    14:38:07.123 INFO  shop cart: user.login
    "#);
}

fn metric(name: &str, unit: &str, data: metric::Data) -> Metric {
    let (name, unit) = (name.to_owned(), unit.to_owned());
    Metric { name, unit, data: Some(data), ..Metric::default() }
}

#[test]
fn a_point_is_a_line_and_a_histogram_has_a_table() {
    let number = |value| NumberDataPoint {
        time_unix_nano: NOW,
        attributes: vec![pair("state", text("used"))],
        value: Some(value),
        ..NumberDataPoint::default()
    };
    let points = vec![
        number(number_data_point::Value::AsInt(-5)),
        number(number_data_point::Value::AsDouble(0.25)),
    ];
    let durations = HistogramDataPoint {
        time_unix_nano: NOW,
        count: 13,
        sum: Some(1.5),
        min: Some(0.01),
        max: Some(0.9),
        bucket_counts: vec![0, 10, 0, 3, 0],
        explicit_bounds: vec![0.1, 0.2, 0.5, 1.0],
        ..HistogramDataPoint::default()
    };
    let exponential = ExponentialHistogramDataPoint {
        time_unix_nano: NOW,
        count: 6,
        scale: 1,
        zero_count: 1,
        positive: Some(Buckets { offset: -1, bucket_counts: vec![2, 0, 3] }),
        ..ExponentialHistogramDataPoint::default()
    };
    let quantile_values = vec![ValueAtQuantile { quantile: 0.5, value: 12.5 }];
    let summary =
        SummaryDataPoint { count: 2, sum: 25.0, quantile_values, ..SummaryDataPoint::default() };
    let metrics = vec![
        metric("memory", "By", metric::Data::Gauge(Gauge { data_points: points })),
        metric(
            "duration",
            "s",
            metric::Data::Histogram(Histogram {
                data_points: vec![durations],
                aggregation_temporality: 2,
            }),
        ),
        metric(
            "sizes",
            "",
            metric::Data::ExponentialHistogram(ExponentialHistogram {
                data_points: vec![exponential],
                aggregation_temporality: 2,
            }),
        ),
        metric("old", "", metric::Data::Summary(Summary { data_points: vec![summary] })),
    ];
    let scope_metrics =
        vec![ScopeMetrics { scope: Some(scope()), metrics, schema_url: String::new() }];
    let group =
        ResourceMetrics { resource: Some(shop()), scope_metrics, schema_url: String::new() };
    let request = ExportMetricsServiceRequest { resource_metrics: vec![group] };
    insta::assert_snapshot!(printed(SignalKind::Metrics, &request, false), @r#"
    14:38:07.123 shop  memory  state=used  -5 By
    14:38:07.123 shop  memory  state=used  0.25 By
    14:38:07.123 shop  duration  count 13, sum 1.5 s, min 0.01 s, max 0.9 s
               ≤ 0.2        10 ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪
               ≤ 0.5         0
                 ≤ 1         3 ▪▪▪▪▪▪▪▪▪
    14:38:07.123 shop  sizes  count 6
                zero  1
                 ≤ 1         2 ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪
            ≤ 1.4142         0
                 ≤ 2         3 ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪
    00:00:00.000 shop  old  count 2, sum 25
                q0.5  12.5
    "#);
}

proptest! {
    #[test]
    fn any_request_is_shown(seed: u64, at: usize, byte: u8, cut: usize) {
        let mut random = Random(seed);
        let mut bytes = match seed % 3 {
            0 => random.traces().encode_to_vec(),
            1 => random.metrics().encode_to_vec(),
            _ => random.logs().encode_to_vec(),
        };
        let length = bytes.len();
        bytes[at % length] = byte;
        bytes.truncate(length - cut % length);
        for signal in SignalKind::ALL {
            let shown = page(&Request::new(signal, 1, &[&bytes]), false);
            let clean = |letter: char| letter == '\n' || !letter.is_control();
            prop_assert!(shown.chars().all(clean), "{shown:?}");
        }
    }
}
