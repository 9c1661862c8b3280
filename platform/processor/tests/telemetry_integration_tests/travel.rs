//! Spans and baggage travel: below each other, into tasks, over headers.

use crate::session::Session;
use processor::telemetry::{
    BaggageItem, OtlpProtocol, SpanBuilder, context_with_span, extract_from_headers, get_baggage,
    inject_into_headers, propagate_context, record_exception, with_baggage,
};
use processor::{OtelContext, OtelKeyValue, Span as _, SpanKind, TraceContextExt as _};
use processor::{Tracer as _, otel_global};
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use tokio::runtime::Builder;

#[derive(Debug)]
struct WindowClosed;

impl fmt::Display for WindowClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the window is closed")
    }
}

impl Error for WindowClosed {}

#[test]
fn builder_and_global_tracer_make_one_tree() {
    let session = Session::start(OtlpProtocol::Grpc);
    let tracer = otel_global::tracer("processor");
    let parent = tracer.span_builder("parent_operation").with_kind(SpanKind::Server).start(&tracer);
    {
        let parent_context = context_with_span(parent);
        let _guard = parent_context.attach();
        let mut child = tracer
            .span_builder("child_operation")
            .with_attributes(vec![OtelKeyValue::new("event.type", "metric")])
            .start(&tracer);
        child.add_event("Validation started".to_string(), vec![]);
        child.add_event(
            "Validation complete".to_string(),
            vec![OtelKeyValue::new("result", "success")],
        );
        let mut built = SpanBuilder::new("built").with_kind(SpanKind::Producer).start();
        record_exception(&mut built, &WindowClosed);
    }
    insta::assert_snapshot!(session.tree(), @r#"
    it: parent_operation (server)
      it: child_operation (internal) event.type=metric
        · Validation started
        · Validation complete result=success
      it: built (producer) [error: the window is closed]
        · exception exception.message="the window is closed" exception.type=telemetry_integration_tests::travel::WindowClosed
    "#);
}

#[test]
fn a_trace_goes_over_headers_whatever_their_case() {
    let session = Session::start(OtlpProtocol::Http);
    let mut headers = HashMap::from([("TraceParent".to_owned(), "of an older request".to_owned())]);
    {
        let client = SpanBuilder::new("call").with_kind(SpanKind::Client).start();
        inject_into_headers(&context_with_span(client), &mut headers);
        assert_eq!(headers.len(), 1, "{headers:?}");
    }
    for change in [str::to_lowercase, str::to_uppercase] {
        let headers: HashMap<_, _> =
            headers.iter().map(|(name, value)| (change(name), value.clone())).collect();
        let context = extract_from_headers(&headers);
        assert!(context.span().span_context().is_remote());
        let _guard = context.attach();
        drop(SpanBuilder::new("serve").with_kind(SpanKind::Server).start());
    }
    insta::assert_snapshot!(session.tree(), @r#"
    it: call (client)
      it: serve (server)
      it: serve (server)
    "#);
}

#[test]
fn without_valid_headers_a_new_trace_begins() {
    let session = Session::start(OtlpProtocol::Http);
    for value in ["", "00-nothing", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"] {
        let headers = HashMap::from([("traceparent".to_owned(), value.to_owned())]);
        let _guard = extract_from_headers(&headers).attach();
        drop(SpanBuilder::new("root").start());
    }
    assert_eq!(session.tree(), "it: root (internal)\n".repeat(3));
}

#[test]
fn baggage_is_read_back_and_goes_over_a_border() {
    let context = OtelContext::new();
    let items = [BaggageItem::new("user-id", "12345"), BaggageItem::new("tenant-id", "acme, corp")];
    let context = with_baggage(&context, items);
    assert_eq!(get_baggage(&context, "user-id").as_deref(), Some("12345"));
    assert_eq!(get_baggage(&context, "nobody"), None);

    let session = Session::start(OtlpProtocol::Http);
    let mut headers = HashMap::new();
    inject_into_headers(&context, &mut headers);
    assert_eq!(headers.keys().collect::<Vec<_>>(), ["baggage"], "there is no span");
    let there = extract_from_headers(&headers);
    assert_eq!(get_baggage(&there, "user-id").as_deref(), Some("12345"));
    assert_eq!(get_baggage(&there, "tenant-id").as_deref(), Some("acme, corp"));
    let more = with_baggage(&there, [BaggageItem::new("hop", "2")]);
    let mut onward = HashMap::new();
    inject_into_headers(&more, &mut onward);
    let last = extract_from_headers(&onward);
    assert_eq!(get_baggage(&last, "tenant-id").as_deref(), Some("acme, corp"));
    assert_eq!(get_baggage(&last, "hop").as_deref(), Some("2"));
    assert_eq!(session.tree(), "", "baggage is no span");
}

#[test]
fn a_spawned_task_inherits_span_and_baggage() {
    for workers in [0, 1, 3] {
        let session = Session::start(OtlpProtocol::Http);
        let runtime = match workers {
            0 => Builder::new_current_thread().build(),
            workers => Builder::new_multi_thread().worker_threads(workers).build(),
        };
        runtime.expect("a runtime").block_on(async {
            let tracer = otel_global::tracer("processor");
            let parent = SpanBuilder::new("parent").start();
            let context = context_with_span(parent);
            let context = with_baggage(&context, vec![BaggageItem::new("user-id", "12345")]);
            let guard = context.attach();
            let task = tokio::spawn(propagate_context(async move {
                tokio::task::yield_now().await;
                drop(tracer.span_builder("async_operation").start(&tracer));
                tokio::task::yield_now().await;
                get_baggage(&OtelContext::current(), "user-id")
            }));
            let without = tokio::spawn(async { drop(SpanBuilder::new("alone").start()) });
            drop(guard);
            assert_eq!(task.await.expect("no panic").as_deref(), Some("12345"));
            without.await.expect("no panic");
        });
        let spans = session.end().spans();
        let named = |name: &str| {
            let found = spans.iter().find(|record| record.span.name == name);
            found.unwrap_or_else(|| panic!("{name} arrives")).span.clone()
        };
        assert_eq!(named("async_operation").parent_span_id, named("parent").span_id);
        assert_ne!(named("alone").trace_id, named("parent").trace_id, "{workers} workers");
    }
}
