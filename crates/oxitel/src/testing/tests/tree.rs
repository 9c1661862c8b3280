//! What a trace looks like as text.

use opentelemetry_proto::tonic::trace::v1::Status;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::*;
use crate::testing::tree;

#[test]
fn a_trace_over_two_services_reads_as_one_tree() {
    let mut reserve = span("reserve", 3, 1);
    reserve.kind = SpanKind::Client as i32;
    reserve.attributes = vec![attribute("http.response.status_code", Value::IntValue(409))];
    reserve.events = vec![Event {
        name: "retry".to_owned(),
        attributes: vec![attribute("attempt", Value::IntValue(1))],
        ..Event::default()
    }];
    let mut post = span("POST /reserve", 4, 3);
    post.kind = SpanKind::Server as i32;
    post.status =
        Some(Status { message: "out of stock".to_owned(), code: StatusCode::Error as i32 });
    // Neither the order of arrival nor that of services matters.
    let spans = [
        record("back", post),
        record("front", reserve),
        record("front", span("price", 2, 1)),
        record("front", span("order", 1, 0)),
    ];
    insta::assert_snapshot!(tree(&spans), @r"
    front: order (internal)
      front: price (internal)
      front: reserve (client) http.response.status_code=409
        · retry attempt=1
        back: POST /reserve (server) [error: out of stock]
    ");
}

#[test]
fn a_span_without_its_parent_is_marked_and_what_was_dropped_is_said() {
    let mut orphan = span("orphan", 2, 9);
    orphan.dropped_attributes_count = 1;
    orphan.dropped_events_count = 2;
    orphan.status = Some(Status { message: String::new(), code: StatusCode::Ok as i32 });
    let spans = [record("front", orphan), record("", span("child", 3, 2))];
    insta::assert_snapshot!(tree(&spans), @r"
    front: orphan (internal) [ok] (1 attribute dropped) (2 events dropped) (parent missing)
      (no service): child (internal)
    ");
}

#[test]
fn a_link_names_the_span_it_leads_to() {
    let link = |id| Link { trace_id: vec![1; 16], span_id: vec![id; 8], ..Link::default() };
    let mut batch = span("batch", 2, 0);
    batch.links = vec![link(1), link(7)];
    let spans = [record("front", span("order", 1, 0)), record("front", batch)];
    insta::assert_snapshot!(tree(&spans), @r"
    front: order (internal)
    front: batch (internal)
      → order
      → elsewhere
    ");
}

#[test]
fn every_span_is_shown_once_whatever_its_parents_say() {
    let spans = [
        record("front", span("sent twice", 1, 0)),
        record("front", span("sent twice", 1, 0)),
        record("front", span("child", 2, 1)),
        record("front", span("own parent", 3, 3)),
        record("front", span("egg", 4, 5)),
        record("front", span("hen", 5, 4)),
    ];
    insta::assert_snapshot!(tree(&spans), @r"
    front: sent twice (internal)
      front: child (internal)
    front: sent twice (internal)
    front: own parent (internal) (its own ancestor)
    front: egg (internal) (its own ancestor)
      front: hen (internal)
    ");
}

#[test]
fn spans_of_one_instant_stand_in_the_order_of_their_names() {
    let at_once = |name, id| Span { start_time_unix_nano: 5, ..span(name, id, 1) };
    let spans = [
        record("front", at_once("b", 2)),
        record("front", at_once("a", 3)),
        record("front", span("order", 1, 0)),
    ];
    insta::assert_snapshot!(tree(&spans), @r"
    front: order (internal)
      front: a (internal)
      front: b (internal)
    ");
}
