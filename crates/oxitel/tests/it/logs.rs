//! Log records: what arrives of them, in which span, and what becomes of `tracing` events.

use crate::session::{PATIENCE, Session, run_example, turn};
use oxitel::testing::{Answer, Receiver};
use oxitel::{
    Config, Limits, LogRecord, Sampler, Scope, Severity, SignalKind, TracingEvents, Value,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tracing::{debug, error, info, info_span, trace, warn};
use tracing_subscriber::layer::SubscriberExt;

static SCOPE: Scope = Scope::new("logs").version("1.0");

/// A session whose events are log records.
fn session() -> Session {
    Session::with(|config| config.tracing_events(TracingEvents::LogRecords))
}

/// Flushes, checks the conservation law, and returns the records as text.
fn lines(session: &Session) -> String {
    oxitel::flush(PATIENCE).expect("everything is delivered");
    session.verify();
    session.receiver.log_lines()
}

/// Runs `action` under our layer, and under our subscriber.
fn under_each_front_end(action: impl Fn()) {
    let layer = tracing_subscriber::registry().with(oxitel::bridge::layer());
    tracing::subscriber::with_default(layer, &action);
    let subscriber = oxitel::bridge::subscriber().with_filter("trace");
    tracing::subscriber::with_default(subscriber, &action);
}

#[test]
fn a_record_stands_in_the_span_that_is_current() {
    let session = session();
    SCOPE.log(&LogRecord::new(Severity::INFO, "outside"));
    let span = SCOPE.enter("order");
    SCOPE.log(&LogRecord::new(Severity::WARN, "inside").attributes(&[
        ("order.id", 17.into()),
        ("order.id", 18.into()),
        ("ok", true.into()),
    ]));
    let other = SCOPE.span("other");
    let there = other.context();
    SCOPE.log(&LogRecord::new(Severity::ERROR, "there").in_span(&there).severity_text("CRITICAL"));
    drop((span, other));
    insta::assert_snapshot!(lines(&session), @r#"
    INFO logs: outside
    WARN logs: inside order.id=18 ok=true (in order)
    CRITICAL logs: there (in other)
    "#);
    let logs = session.receiver.logs();
    let (inside, span) = (&logs[1], &session.receiver.spans()[0]);
    assert_eq!((inside.trace_id(), inside.record.flags & 1), (span.trace_id(), 1));
    assert_eq!(inside.record.severity_number, 13);
    assert_eq!((&*inside.scope.name, &*inside.scope.version), ("logs", "1.0"));
}

#[test]
fn a_record_says_when_what_and_of_which_kind() {
    let session = session();
    let noon = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let map = [("first", Value::I64(1)), ("second", Value::Array(&[Value::Bool(true)]))];
    SCOPE
        .log(&LogRecord::new(Severity::DEBUG, Value::Map(&map)).time(noon).event_name("shop.sale"));
    for body in [Value::Bytes(b"\x01\x02"), Value::F64(0.5), Value::U64(u64::MAX)] {
        SCOPE.log(&LogRecord::new(Severity::TRACE, body));
    }
    insta::assert_snapshot!(lines(&session), @r#"
    DEBUG logs: <shop.sale> {first=1, second=[true]}
    TRACE logs: 0x0102
    TRACE logs: 0.5
    TRACE logs: 18446744073709551615
    "#);
    let record = &session.receiver.logs()[0].record;
    assert_eq!(record.time_unix_nano, 1_700_000_000_000_000_000);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64;
    assert!(now.abs_diff(record.observed_time_unix_nano) < 60_000_000_000, "observed just now");
}

#[test]
fn events_of_both_front_ends_become_records_with_their_severity_and_their_place() {
    let session = session();
    let events = || {
        info_span!("work").in_scope(|| {
            info!(rows = 3, "done");
            warn!(target: "other", "beware");
            error!(name: "shop.refused", reason = "closed", "no");
            debug!("detail");
            trace!("more detail");
        });
        info!("outside");
    };
    under_each_front_end(events);
    let once = "INFO it::logs: done rows=3 (in work)
WARN other: beware (in work)
ERROR it::logs: <shop.refused> no reason=closed (in work)
DEBUG it::logs: detail (in work)
TRACE it::logs: more detail (in work)
INFO it::logs: outside
";
    assert_eq!(lines(&session), once.repeat(2));
    let tree = session.receiver.tree();
    assert!(!tree.contains('·'), "never both: {tree}");
    assert!(tree.contains("error"), "an error is still the span's: {tree}");
    let log = &session.receiver.logs()[0];
    let file = log.attribute("code.file.path");
    assert!(format!("{file:?}").contains("tests/it/logs.rs"), "{file:?}");
    assert!(log.attribute("code.line.number").is_some());
}

#[test]
fn an_event_belongs_to_the_parent_that_it_names_or_to_none() {
    let session = session();
    under_each_front_end(|| {
        let named = info_span!("named");
        let _entered = info_span!("entered").entered();
        info!(parent: &named, "below a name");
        info!(parent: None, "alone");
        let _direct = SCOPE.enter("direct");
        info!("below the direct API");
    });
    let once = "INFO it::logs: below a name (in named)
INFO it::logs: alone
INFO it::logs: below the direct API (in direct)
";
    assert_eq!(lines(&session), once.repeat(2));
}

#[test]
fn an_error_is_an_exception_of_the_record_and_the_status_of_the_span() {
    let session = session();
    under_each_front_end(|| {
        info_span!("work").in_scope(|| {
            let error = std::io::Error::other("disk gone");
            let error: &(dyn std::error::Error + 'static) = &error;
            error!(error, "writing failed");
        });
        info_span!("returns").in_scope(|| error!(error = "as text"));
    });
    let said = lines(&session);
    assert_eq!(said.matches("writing failed exception.message=\"disk gone\"").count(), 2, "{said}");
    assert_eq!(said.matches("as text\" exception.message=").count(), 0, "{said}");
    assert_eq!(said.matches(": as text exception.message=\"as text\"").count(), 2, "{said}");
    assert_eq!(session.receiver.tree().matches("error").count(), 4, "{}", session.receiver.tree());
}

#[test]
fn an_event_is_one_record_whatever_kind_of_values_it_has() {
    let session = session();
    under_each_front_end(|| {
        info_span!("work").in_scope(|| {
            let error = std::io::Error::other("disk gone");
            let error: &(dyn std::error::Error + 'static) = &error;
            warn!(error, "writing is slow");
            info!(message = 3, rows = 1);
            info!(rows = 2);
            info!(rows = 3, message = %"at the end");
            info!(debug = ?Some(1), text = "a", "{} and {}", 1, 2);
            error!(rows = 4, "failed");
        });
    });
    let said = lines(&session);
    let half = said.lines().count() / 2;
    let once: Vec<&str> = said.lines().take(half).collect();
    assert_eq!(said.lines().skip(half).collect::<Vec<_>>(), once, "both front ends say the same");
    insta::assert_snapshot!(once.join("\n"), @r#"
    WARN it::logs: writing is slow exception.message="disk gone" exception.stacktrace=[] error="disk gone" error.chain=[] (in work)
    INFO it::logs: 3 rows=1 (in work)
    INFO it::logs: null rows=2 (in work)
    INFO it::logs: at the end rows=3 (in work)
    INFO it::logs: 1 and 2 debug="Some(1)" text=a (in work)
    ERROR it::logs: failed rows=4 (in work)
    "#);
    let tree = session.receiver.tree();
    assert_eq!(tree.matches("exception.message=").count(), 2, "the spans have it too: {tree}");
}

#[test]
fn records_are_exported_whether_their_span_is_sampled_or_not() {
    let session = Session::with(|config| {
        config.tracing_events(TracingEvents::LogRecords).sampler(Sampler::always_off())
    });
    under_each_front_end(|| info_span!("unsampled").in_scope(|| info!("said")));
    let said = lines(&session);
    assert_eq!(said, "INFO it::logs: said (in a span that is not here)\n".repeat(2));
    assert!(session.receiver.spans().is_empty());
    assert!(session.receiver.logs().iter().all(|log| log.record.flags & 1 == 0));
}

#[test]
fn a_record_has_limits_of_its_own_and_none_for_its_body() {
    let session = Session::with(|mut config| {
        config.log_records.attributes = 2;
        config.log_records.value_length = 3;
        config.limits(Limits { attributes: 1, ..Limits::default() })
    });
    let attributes =
        [("a", "12345".into()), ("b", Value::I64(2)), ("c", Value::I64(3)), ("a", "678".into())];
    SCOPE.log(&LogRecord::new(Severity::INFO, "a body of any length").attributes(&attributes));
    insta::assert_snapshot!(lines(&session), @r#"INFO logs: a body of any length b=2 a="678" dropped=1"#);
}

#[test]
fn each_signal_has_a_ledger_and_both_are_in_the_sum() {
    let session = session();
    let before = SignalKind::ALL.map(oxitel::stats_of);
    drop(SCOPE.span("one"));
    SCOPE.log(&LogRecord::new(Severity::INFO, "one"));
    SCOPE.log(&LogRecord::new(Severity::INFO, "two"));
    lines(&session);
    let counts = SignalKind::ALL.map(|signal| oxitel::stats_of(signal).delivered);
    let more: Vec<_> = counts.iter().zip(before).map(|(now, was)| now - was.delivered).collect();
    assert_eq!(more, [1, 0, 2], "traces, metrics, logs");
    assert_eq!(session.ledger().delivered, 3);
}

#[test]
fn a_refused_record_is_a_loss_that_the_flush_tells() {
    let session = session();
    session.receiver.script([Answer::Status(400)]);
    SCOPE.log(&LogRecord::new(Severity::INFO, "refused"));
    let told = oxitel::flush(PATIENCE).expect_err("it was refused");
    assert_eq!((told.lost, told.queued), (1, 0));
    SCOPE.log(&LogRecord::new(Severity::INFO, "taken"));
    assert_eq!(lines(&session), "INFO logs: taken\n");
}

#[test]
fn records_leave_by_themselves_after_their_own_delay() {
    let session = Session::with(|mut config| {
        config.log_records.schedule_delay = Duration::from_millis(50);
        config
    });
    drop(SCOPE.span("waits for its own delay"));
    SCOPE.log(&LogRecord::new(Severity::INFO, "gone already"));
    let requests = session.receiver.wait_for_requests(1, PATIENCE);
    assert_eq!(requests[0].path, "/v1/logs");
    assert!(session.receiver.spans().is_empty());
}

#[test]
fn logs_go_on_without_traces_and_traces_without_logs() {
    let _turn = turn();
    let receiver = Receiver::start();
    let without = |signal: &'static str| {
        let config = Config::from_lookup(move |name| (name == signal).then(|| "none".to_owned()));
        oxitel::init(config.endpoint(receiver.endpoint())).expect("telemetry starts")
    };
    let record = |text: &str| {
        let _span = SCOPE.enter("span");
        SCOPE.log(&LogRecord::new(Severity::INFO, text));
    };
    let guard = without("OTEL_TRACES_EXPORTER");
    assert!(guard.is_recording());
    record("alone");
    drop(guard);
    assert_eq!((receiver.log_lines().as_str(), receiver.spans().len()), ("INFO logs: alone\n", 0));
    let guard = without("OTEL_LOGS_EXPORTER");
    record("nobody's");
    drop(guard);
    assert_eq!((receiver.logs().len(), receiver.spans().len()), (1, 1));
}

#[test]
fn what_is_wrong_with_one_signal_switches_that_one_off_and_is_said() {
    let receiver = Receiver::start();
    let variables = [
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "gopher://x"),
    ];
    let (output, _) =
        crate::session::run_example_with("leaves", &["guard"], &receiver.endpoint(), &variables);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT") || said.contains("logs are off"),
        "{said}"
    );
    assert_eq!(receiver.spans().len(), 100, "{said}");
}

#[test]
fn forked_children_log_for_themselves() {
    let receiver = Receiver::start();
    let (output, _) = run_example("forks", &["20"], &receiver.endpoint());
    assert!(output.status.success(), "{output:?}");
    let children: std::collections::HashSet<_> =
        receiver.logs().iter().map(|log| format!("{:?}", log.attribute("process"))).collect();
    assert_eq!(children.len(), 21, "each child and the parent: {children:?}");
}

#[test]
fn each_signal_goes_where_its_own_endpoint_says_word_for_word() {
    let _turn = turn();
    let [base, metrics, logs] = [Receiver::start(), Receiver::start(), Receiver::start()];
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", base.endpoint()),
        (
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            format!("{}/v1/metrics?tenant=a", metrics.endpoint()),
        ),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", format!("{}/v1/logs", logs.endpoint())),
    ];
    let config = Config::from_lookup(|name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    });
    let guard = oxitel::init(config).expect("telemetry starts");
    drop(SCOPE.span("to the base"));
    SCOPE.log(&LogRecord::new(Severity::INFO, "to its own"));
    oxitel::flush(PATIENCE).expect("delivered");
    let paths = |receiver: &Receiver| -> Vec<_> {
        receiver.requests().into_iter().map(|request| request.path).collect()
    };
    assert_eq!(paths(&base), ["/v1/traces"]);
    assert_eq!(paths(&logs), ["/v1/logs"]);
    assert_eq!(paths(&metrics), ["/v1/metrics"], "the engine's own");
    drop(guard);
}

#[test]
fn records_of_the_opentelemetry_api_are_ours() {
    use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _};
    use opentelemetry::{SpanId, TraceFlags, TraceId};
    let session = session();
    let logger = oxitel::bridge::opentelemetry::LoggerProvider::new().logger("appender");
    let emit = |fill: &dyn Fn(&mut oxitel::bridge::opentelemetry::LogRecord)| {
        let mut record = logger.create_log_record();
        fill(&mut record);
        logger.emit(record);
    };
    let map = |value: AnyValue| AnyValue::from_iter([("key", value)]);
    let span = SCOPE.enter("work");
    emit(&|record| {
        record.set_severity_number(opentelemetry::logs::Severity::Warn2);
        record.set_body("said".into());
        record.set_target("shop::cart");
        record.set_event_name("shop.event");
        record.add_attribute("list", AnyValue::from_iter([1, 2]));
        record.add_attribute("password", "hunter2");
        record.add_attributes([("map", map(map(AnyValue::from(true))))]);
    });
    emit(&|record| {
        let (trace, span) = (TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]));
        record.set_trace_context(trace, span, Some(TraceFlags::SAMPLED));
        record.set_body(map("elsewhere".into()));
    });
    // More lists than a stack should hold: what is one too many is told to be so.
    let wide: AnyValue = (0..10_000).map(|_| AnyValue::from_iter([1])).collect();
    emit(&|record| record.set_body(wide.clone()));
    let deep = (0..1_000).fold(AnyValue::from(1), |inner, _| AnyValue::from_iter([inner]));
    emit(&|record| record.set_body(deep.clone()));
    drop(span);
    let said = lines(&session);
    let mut said = said.lines();
    assert_eq!(
        said.next(),
        Some(
            "WARN2 shop::cart: <shop.event> said list=[1, 2] password=\"[redacted]\" \
             map={key={key=true}} (in work)"
        )
    );
    assert_eq!(said.next(), Some(" appender: {key=elsewhere} (in a span that is not here)"));
    let wide = said.next().expect("two more");
    assert!(wide.contains("[1], \"[too many lists and maps]\""), "{wide:.200}");
    let deep = said.next().expect("one more");
    assert!(deep.contains("[[[]]]"), "as deep as decoders go: {deep:.200}");
}
