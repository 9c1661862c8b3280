//! The module from inside. Here: what the functions around spans send.

mod config;
mod engine;
mod json;
mod prometheus;

use super::{
    BaggageItem, OtlpProtocol, SpanBuilder, TelemetryConfig, get_baggage, init_telemetry,
    record_exception, with_baggage,
};
use opentelemetry::trace::{Span as _, SpanKind};
use opentelemetry::{Context, KeyValue};
use oxitel::testing::Receiver;
use std::error::Error;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The engine is the process's: tests that start it take turns.
fn turn() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What arrives of the spans that `record` makes.
fn recorded(record: impl FnOnce()) -> String {
    let _turn = turn();
    let receiver = Receiver::start();
    let config = TelemetryConfig::default()
        .with_service_name("unit")
        .with_otlp_endpoint(receiver.endpoint())
        .with_otlp_protocol(OtlpProtocol::Http)
        .with_metrics_enabled(false);
    let providers = init_telemetry(config).expect("telemetry starts");
    record();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(providers.shutdown()).expect("everything arrives");
    receiver.tree()
}

#[test]
fn test_span_builder() {
    let tree = recorded(|| {
        let parent = SpanBuilder::new("process_event")
            .with_kind(SpanKind::Consumer)
            .with_attribute("event.type", "metric")
            .with_attribute("event.id", "12345")
            .with_attribute("event.size", 1024)
            .with_attribute("event.size", 1025)
            .start();
        let parent = super::context_with_span(parent);
        let _child = SpanBuilder::new("elsewhere").start_with_context(&parent);
        let _current = parent.attach();
        drop(SpanBuilder::new("aggregate").start());
    });
    insta::assert_snapshot!(tree, @r#"
    unit: process_event (consumer) event.type=metric event.id="12345" event.size=1025
      unit: elsewhere (internal)
      unit: aggregate (internal)
    "#);
}

#[derive(Debug)]
struct Broken(Option<Box<Broken>>);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "window is broken" } else { "state is gone" })
    }
}

impl Error for Broken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_deref().map(|cause| cause as _)
    }
}

#[test]
fn an_exception_has_its_type_its_text_and_its_causes() {
    let tree = recorded(|| {
        record_exception(&mut SpanBuilder::new("alone").start(), &Broken(None));
        let error = Broken(Some(Box::new(Broken(None))));
        record_exception(&mut SpanBuilder::new("caused").start(), &error);
        let boxed: Box<dyn Error + Send + Sync> = "of unknown type".into();
        record_exception(&mut SpanBuilder::new("boxed").start(), &*boxed);
    });
    insta::assert_snapshot!(tree, @r#"
    unit: alone (internal) [error: state is gone]
      · exception exception.message="state is gone" exception.type=processor::telemetry::tests::Broken
    unit: caused (internal) [error: window is broken]
      · exception exception.message="window is broken" exception.type=processor::telemetry::tests::Broken exception.stacktrace="window is broken\ncaused by: state is gone"
    unit: boxed (internal) [error: of unknown type]
      · exception exception.message="of unknown type"
    "#);
}

#[test]
fn an_error_that_does_not_print_is_no_panic() {
    #[derive(Debug)]
    struct Silent;
    impl fmt::Display for Silent {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    impl Error for Silent {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }
    let tree = recorded(|| record_exception(&mut SpanBuilder::new("silent").start(), &Silent));
    assert_eq!(tree.matches("caused by").count(), 32, "{tree}");
}

#[test]
fn what_is_set_on_a_span_after_its_end_is_ignored() {
    let tree = recorded(|| {
        let mut span = SpanBuilder::new("ended").start();
        span.end();
        span.set_attribute(KeyValue::new("late", true));
        record_exception(&mut span, &Broken(None));
    });
    insta::assert_snapshot!(tree, @"unit: ended (internal)");
}

#[test]
fn baggage_is_added_to_what_is_there() {
    let first = with_baggage(&Context::new(), [BaggageItem::new("user-id", "12345")]);
    let items = vec![
        BaggageItem::new("tenant-id", "acme-corp").with_metadata("ttl=60"),
        BaggageItem::new("not valid", "refused"),
    ];
    let both = with_baggage(&first, items);
    assert_eq!(get_baggage(&both, "user-id").as_deref(), Some("12345"));
    assert_eq!(get_baggage(&both, "tenant-id").as_deref(), Some("acme-corp"));
    assert_eq!(get_baggage(&both, "not valid"), None);
    assert_eq!(get_baggage(&first, "tenant-id"), None, "the context before is as it was");
    let replaced = with_baggage(&both, [BaggageItem::new("user-id", "6")]);
    assert_eq!(get_baggage(&replaced, "user-id").as_deref(), Some("6"));
}
