//! Spans of the OpenTelemetry API, in full.

use crate::harness::{LAYER, Run, SCOPE, current, o, parents, remote, span, t, tracer};
use opentelemetry::trace::{
    Event, Link, Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt,
    TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Array, Context, InstrumentationScope, KeyValue, StringValue, Value, global};
use oxitel::Sampler;
use oxitel::bridge::Activation;
use oxitel::bridge::opentelemetry::TracerProvider;
use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn run() -> Run {
    Run::start(LAYER, Activation::Auto)
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn kinds_values_events_and_links_arrive_as_they_were_set() {
    let run = run();
    for kind in [
        SpanKind::Client,
        SpanKind::Server,
        SpanKind::Producer,
        SpanKind::Consumer,
        SpanKind::Internal,
    ] {
        let name = format!("{kind:?}");
        drop(tracer().span_builder(name).with_kind(kind).start(&tracer()));
    }
    let linked = tracer().start("linked");
    let texts: Vec<StringValue> = vec!["a".into(), "b c".into()];
    let early = vec![
        KeyValue::new("bool", true),
        KeyValue::new("i64", -7),
        KeyValue::new("f64", 2.5),
        KeyValue::new("str", "text"),
        KeyValue::new("bools", Value::Array(Array::Bool(vec![true, false]))),
    ];
    let mut builder = SpanBuilder::from_name("all").with_attributes(early);
    builder = builder.with_events(vec![Event::new("early", at(5), vec![KeyValue::new("n", 1)], 0)]);
    let link = Link::new(linked.span_context().clone(), vec![KeyValue::new("of", "builder")], 0);
    builder = builder.with_links(vec![link]);
    let mut span = builder.start(&tracer());
    span.set_attributes([
        KeyValue::new("i64s", Value::Array(Array::I64(vec![1, -2]))),
        KeyValue::new("f64s", Value::Array(Array::F64(vec![0.5, f64::INFINITY]))),
        KeyValue::new("strs", Value::Array(Array::String(texts))),
        KeyValue::new("none", Value::Array(Array::String(vec![]))),
        KeyValue::new("i64", 8),
    ]);
    span.add_event("late", vec![KeyValue::new("n", 2)]);
    span.add_event_with_timestamp("named time", at(6), vec![]);
    span.record_error(&std::fmt::Error);
    span.add_link(remote(1), vec![KeyValue::new("of", "span")]);
    span.update_name("all of it");
    span.end();
    drop(linked);
    let spans = run.spans();
    insta::assert_snapshot!(run.receiver.tree(), @r#"
    tree: Client (client)
    tree: Server (server)
    tree: Producer (producer)
    tree: Consumer (consumer)
    tree: Internal (internal)
    tree: linked (internal)
    tree: all of it (internal) bool=true f64=2.5 str=text bools=[true, false] i64s=[1, -2] f64s=[0.5, inf] strs=[a, "b c"] none=[] i64=8
      · early n=1
      · late n=2
      · named time
      · exception exception.message="an error occurred when formatting an argument"
      → linked of=builder
      → elsewhere of=span
    "#);
    let all = spans.iter().find(|record| record.span.name == "all of it").expect("it arrived");
    let times: Vec<_> = all.span.events.iter().map(|event| event.time_unix_nano).collect();
    assert_eq!((times[0], times[2]), (5_000_000_000, 6_000_000_000));
    assert!(times[1] > 1_600_000_000_000_000_000, "now");
}

#[test]
fn times_that_are_named_are_kept() {
    let run = run();
    let tracer = tracer();
    let mut both = tracer.span_builder("both").with_start_time(at(100)).start(&tracer);
    both.end_with_timestamp(at(103));
    let mut early =
        tracer.span_builder("ends before it starts").with_start_time(at(100)).start(&tracer);
    early.end_with_timestamp(at(90));
    let mut before = tracer
        .span_builder("before 1970")
        .with_start_time(UNIX_EPOCH - Duration::from_secs(5))
        .start(&tracer);
    before.end_with_timestamp(at(1));
    drop(tracer.start("now"));
    let times: HashMap<_, _> = run
        .spans()
        .into_iter()
        .map(|record| {
            (
                record.span.name.clone(),
                (record.span.start_time_unix_nano, record.span.end_time_unix_nano),
            )
        })
        .collect();
    assert_eq!(times["both"], (100_000_000_000, 103_000_000_000));
    assert_eq!(times["ends before it starts"], (100_000_000_000, 100_000_000_000));
    assert_eq!(times["before 1970"].1, 1_000_000_000);
    let (start, end) = times["now"];
    assert!(start > 1_600_000_000_000_000_000 && end >= start && end - start < 60_000_000_000);
}

#[test]
fn ok_is_the_last_word_on_a_status_and_an_error_replaces_another() {
    let run = run();
    let with = |name: &'static str, statuses: &[Status]| {
        let mut span = tracer().start(name);
        for status in statuses {
            span.set_status(status.clone());
        }
    };
    with("unset", &[Status::Unset]);
    with("ok", &[Status::error("first"), Status::Ok, Status::error("second"), Status::Unset]);
    with("error", &[Status::error("first"), Status::error("second"), Status::Unset]);
    run.spans();
    insta::assert_snapshot!(run.receiver.tree(), @r"
    tree: unset (internal)
    tree: ok (internal) [ok]
    tree: error (internal) [error: second]
    ");
}

#[test]
fn a_span_ends_once_and_changes_no_more() {
    let run = run();
    {
        let mut ended = tracer().start("ended");
        ended.end();
        assert!(!ended.is_recording());
        let context = ended.span_context().clone();
        assert!(context.is_valid(), "its ids stay");
        ended.set_attribute(KeyValue::new("late", true));
        ended.add_event("late", vec![]);
        ended.add_link(remote(1), vec![]);
        ended.set_status(Status::error("late"));
        ended.update_name("late");
        ended.end();
        ended.end_with_timestamp(at(1));
        // Still a parent to start below.
        drop(tracer().start_with_context("below", &Context::new().with_span(ended)));
    }
    let dropped = tracer().start("dropped");
    assert!(dropped.is_recording());
    drop(dropped);
    let got = parents(&run.spans());
    assert_eq!(got, ["below<ended", "dropped<-", "ended<-"]);
    assert!(!run.receiver.tree().contains("late"), "{}", run.receiver.tree());
}

#[test]
fn a_span_may_end_on_another_thread_and_outlive_its_context() {
    let run = run();
    let context = Context::current_with_span(tracer().start("moved"));
    let attached = context.clone().attach();
    let thread = run.thread(move || {
        context.span().set_attribute(KeyValue::new("there", 1));
        drop(context);
    });
    thread.join().expect("no panic");
    assert_eq!(run.spans().len(), 0, "the Context that is attached keeps it");
    o("below");
    drop(attached);
    assert_eq!(parents(&run.spans()), ["below<moved", "moved<-"]);
}

#[test]
fn a_scope_says_all_that_the_api_was_told() {
    let run = run();
    let scope = InstrumentationScope::builder("library")
        .with_version("1.2.3")
        .with_schema_url("https://opentelemetry.io/schemas/1.30.0")
        .with_attributes([KeyValue::new("team", "blue"), KeyValue::new("number", 7)])
        .build();
    drop(global::tracer_with_scope(scope.clone()).start("global"));
    drop(TracerProvider::new().tracer_with_scope(scope).start("direct"));
    drop(global::tracer("only a name").start("plain"));
    drop(global::tracer("").start("no name"));
    for record in run.spans() {
        let scope = &record.scope;
        let keys: Vec<_> = scope.attributes.iter().map(|pair| pair.key.as_str()).collect();
        let got = (scope.name.as_str(), scope.version.as_str(), keys);
        let expected = match record.span.name.as_str() {
            "plain" => ("only a name", "", vec![]),
            "no name" => ("", "", vec![]),
            _ => ("library", "1.2.3", vec!["team", "number"]),
        };
        assert_eq!(got, expected, "{}", record.span.name);
    }
    let body = run.receiver.requests();
    let schema = b"https://opentelemetry.io/schemas/1.30.0";
    let told = body.iter().any(|request| request.body.windows(schema.len()).any(|it| it == schema));
    assert!(told, "the schema");
}

#[test]
fn spans_that_are_sampled_out_hand_the_decision_on() {
    let run = Run::with(LAYER, Activation::Auto, |config| config.sampler(Sampler::always_off()));
    let span = tracer().start("out");
    let context = span.span_context().clone();
    assert!(context.is_valid() && !context.is_sampled() && !span.is_recording());
    let _attached = Context::current_with_span(span).attach();
    let below = tracer().start("below");
    assert_eq!(below.span_context().trace_id(), context.trace_id());
    assert!(!below.span_context().is_sampled());
    assert_eq!(current().trace_id().to_bytes(), context.trace_id().to_bytes());
    assert_eq!(run.spans().len(), 0);
}

#[test]
fn in_a_suppressed_context_a_span_is_nothing() {
    let run = run();
    let _suppressed = Context::enter_telemetry_suppressed_scope();
    let span = tracer().start("nothing");
    assert!(!span.span_context().is_valid() && !span.is_recording());
    let given = tracer()
        .start_with_context("nothing", &Context::current().with_remote_span_context(remote(1)));
    assert!(!given.span_context().is_valid());
    assert_eq!(run.spans().len(), 0);
}

#[test]
fn where_nothing_is_recorded_the_callers_context_passes_through() {
    let run = run();
    oxitel::shutdown(crate::harness::PATIENCE).expect("all is delivered");
    let before = oxitel::stats().recorded;
    let state: TraceState = "key=value".parse().expect("valid");
    let caller = SpanContext::new(
        remote(1).trace_id(),
        remote(1).span_id(),
        remote(1).trace_flags(),
        true,
        state,
    );
    let context = Context::new().with_remote_span_context(caller.clone());
    let mut span = tracer().start_with_context("off", &context);
    assert!(!span.is_recording());
    assert_eq!(span.span_context().trace_id(), caller.trace_id());
    assert_eq!(span.span_context().span_id(), caller.span_id());
    assert_eq!(span.span_context().trace_state().header(), "key=value");
    span.set_attribute(KeyValue::new("nowhere", true));
    let mut headers = HashMap::new();
    let with_span = context.with_span(span);
    global::get_text_map_propagator(|ours| ours.inject_context(&with_span, &mut headers));
    let header = "00-00000000000000000000000000000001-0000000000000abc-01";
    assert_eq!(headers.get("traceparent").map(String::as_str), Some(header));
    assert_eq!(headers.get("tracestate").map(String::as_str), Some("key=value"));
    drop(tracer().start("no parent"));
    assert_eq!(oxitel::stats().recorded, before);
    drop(run);
}

#[test]
fn a_span_that_ends_after_shutdown_is_counted() {
    let run = run();
    let open = tracer().start("open");
    let of_tracing = run.program(|| span("open"));
    oxitel::shutdown(crate::harness::PATIENCE).expect("nothing was recorded");
    let before = oxitel::stats();
    drop(open);
    drop(of_tracing);
    let after = oxitel::stats();
    assert_eq!(after.recorded - before.recorded, 2);
    assert_eq!(after.dropped.already_shutdown - before.dropped.already_shutdown, 2);
    assert_eq!(after.live, 0);
    assert_eq!(run.receiver.spans().len(), 0);
}

/// The standard allows a long system name behind an `@`; the API's parser does not.
const STATE: &str = "tenant@a-long-system-name=1,other=2";
const PARENT: &str = "00-00000000000000000000000000000001-0000000000000abc-01";

fn extracted() -> Context {
    let headers: HashMap<String, String> = [("traceparent", PARENT), ("tracestate", STATE)]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    global::get_text_map_propagator(|ours| ours.extract(&headers))
}

fn injected(context: &Context) -> String {
    let mut headers = HashMap::new();
    global::get_text_map_propagator(|ours| ours.inject_context(context, &mut headers));
    headers.remove("tracestate").unwrap_or_default()
}

#[test]
fn trace_state_that_the_api_refuses_travels_as_it_came() {
    assert!(STATE.parse::<TraceState>().is_err(), "the API has learned it: choose another");
    for activation in crate::harness::ACTIVATIONS {
        let run = Run::start(LAYER, activation);
        run.program(|| {
            let caller = extracted();
            assert_eq!(injected(&caller), STATE);
            let _caller = caller.clone().attach();
            drop(tracer().start("api"));
            t("tracing");
            {
                let _entered = SCOPE.enter("direct");
                assert_eq!(injected(&Context::current()), STATE, "below a direct span");
                drop(tracer().start("api below direct"));
            }
            {
                let _attached = Context::current_with_span(tracer().start("outer")).attach();
                assert_eq!(injected(&Context::current()), STATE, "below a span of the API");
                t("tracing below api");
                drop(SCOPE.span("direct below api"));
                drop(tracer().start("api below api"));
            }
            drop(tracer().start_with_context("given", &caller));
        });
        let spans = run.spans();
        assert_eq!(spans.len(), 9);
        for record in &spans {
            assert_eq!(record.span.trace_state, STATE, "{} {activation:?}", record.span.name);
        }
    }
}
