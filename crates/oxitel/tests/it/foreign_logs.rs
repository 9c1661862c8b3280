//! Records of another logging system: `oxitel::forward_log`.

use crate::session::{PATIENCE, Session};
use oxitel::{Config, ForeignRecord, Sampler, Scope, TracingEvents, Value, forward_log};
use std::time::{Duration, UNIX_EPOCH};
use tracing::info_span;
use tracing_subscriber::layer::SubscriberExt;

static SCOPE: Scope = Scope::new("foreign");

fn session() -> Session {
    Session::with(|config| config.tracing_events(TracingEvents::LogRecords))
}

fn lines(session: &Session) -> String {
    oxitel::flush(PATIENCE).expect("everything is delivered");
    session.verify();
    session.receiver.log_lines()
}

#[test]
fn a_foreign_record_says_what_its_own_system_said() {
    let session = session();
    let made = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    forward_log(
        &ForeignRecord::new(30, "slow query")
            .logger("shop.store")
            .module("store")
            .line(17)
            .thread("worker-3")
            .thread_id(4711)
            .extras(&[("duration_ms", 5_000.into()), ("cached", false.into())])
            .time(made),
    );
    insta::assert_snapshot!(lines(&session), @r#"WARN shop.store: slow query python.module=store python.line=17 python.levelno=30 thread.name=worker-3 thread.id=4711 duration_ms=5000 cached=false"#);
    let record = &session.receiver.logs()[0].record;
    assert_eq!((record.severity_number, record.time_unix_nano), (13, 1_700_000_000_123_000_000));
    assert_ne!(record.observed_time_unix_nano, record.time_unix_nano);
}

#[test]
fn the_level_follows_the_record_and_keeps_its_number_and_its_name() {
    let session = session();
    let levels = [5, 10, 20, 25, 30, 40, 50, 60];
    for level in levels {
        forward_log(&ForeignRecord::new(level, "said"));
    }
    forward_log(&ForeignRecord::new(25, "said").level_name("SUCCESS"));
    insta::assert_snapshot!(lines(&session), @r"
    TRACE python: said python.levelno=5
    DEBUG python: said python.levelno=10
    INFO python: said python.levelno=20
    INFO python: said python.levelno=25
    WARN python: said python.levelno=30
    ERROR python: said python.levelno=40
    CRITICAL python: said python.levelno=50
    CRITICAL python: said python.levelno=60
    SUCCESS python: said python.levelno=25
    ");
    let numbers: Vec<_> =
        session.receiver.logs().iter().map(|log| log.record.severity_number).collect();
    assert_eq!(numbers, [1, 5, 9, 9, 13, 17, 17, 17, 9]);
}

#[test]
fn a_foreign_record_stands_in_the_span_that_is_current_or_in_the_one_it_names() {
    let session = session();
    let other = SCOPE.span("other");
    let there = other.context();
    forward_log(&ForeignRecord::new(20, "outside"));
    {
        let _direct = SCOPE.enter("direct");
        forward_log(&ForeignRecord::new(20, "inside"));
        forward_log(&ForeignRecord::new(20, "there").in_span(&there));
    }
    let layer = tracing_subscriber::registry().with(oxitel::bridge::layer());
    tracing::subscriber::with_default(layer, || {
        info_span!("traced").in_scope(|| forward_log(&ForeignRecord::new(20, "below tracing")));
    });
    drop(other);
    insta::assert_snapshot!(lines(&session), @r"
    INFO python: outside python.levelno=20
    INFO python: inside python.levelno=20 (in direct)
    INFO python: there python.levelno=20 (in other)
    INFO python: below tracing python.levelno=20 (in traced)
    ");
}

#[test]
fn extras_are_any_values_and_none_of_them_tells_a_secret() {
    let session = session();
    let list = [Value::I64(1), Value::Str("two")];
    let map = [("api_key", Value::Str("hunter2")), ("kind", Value::Str("test"))];
    forward_log(
        &ForeignRecord::new(40, "refused: token=hunter2")
            .exception("ValueError", "password=hunter2", "Traceback: token=hunter2")
            .extras(&[
                ("password", "hunter2".into()),
                ("list", Value::Array(&list)),
                ("map", Value::Map(&map)),
                ("url", "https://me:hunter2@host/".into()),
                ("python.module", "told by the program".into()),
            ]),
    );
    let said = lines(&session);
    assert!(!said.contains("hunter2"), "{said}");
    insta::assert_snapshot!(said, @r#"ERROR python: refused: token=[redacted] python.levelno=40 exception.type=ValueError exception.message="password=[redacted]" exception.stacktrace="Traceback: token=[redacted]" password="[redacted]" list=[1, two] map={api_key="[redacted]", kind=test} url=https://REDACTED:REDACTED@host/ python.module="told by the program""#);
    assert!(session.ledger().redacted >= 5, "{:?}", session.ledger());
}

#[test]
fn with_events_of_spans_a_foreign_record_is_one_and_a_log_record_only_outside_of_spans() {
    let session = Session::start();
    let forward = || {
        forward_log(&ForeignRecord::new(20, "outside").logger("shop"));
        info_span!("work").in_scope(|| {
            forward_log(&ForeignRecord::new(30, "inside").logger("shop").line(3));
        });
    };
    let layer = tracing_subscriber::registry().with(oxitel::bridge::layer());
    tracing::subscriber::with_default(layer, forward);
    let subscriber = oxitel::bridge::subscriber().with_filter("info");
    tracing::subscriber::with_default(subscriber, forward);
    let said = lines(&session);
    assert_eq!(said, "INFO shop: outside python.levelno=20\n".repeat(2));
    insta::assert_snapshot!(session.receiver.tree(), @r"
    it: work (internal)
      · inside level=WARN target=shop python.line=3 python.levelno=30
    it: work (internal)
      · inside level=WARN target=shop python.line=3 python.levelno=30
    ");
}

#[test]
fn a_foreign_record_of_an_unsampled_span_is_exported() {
    let session = Session::with(|config| {
        config.tracing_events(TracingEvents::LogRecords).sampler(Sampler::always_off())
    });
    let _span = SCOPE.enter("unsampled");
    forward_log(&ForeignRecord::new(20, "said"));
    assert!(lines(&session).contains("(in a span that is not here)"));
}

#[test]
fn a_record_that_is_forwarded_while_nothing_runs_is_nothing() {
    let _turn = crate::session::turn();
    let guard = oxitel::init(Config::default().logs(false)).expect("telemetry starts");
    let before = oxitel::stats();
    forward_log(&ForeignRecord::new(50, "nobody's"));
    drop(guard);
    forward_log(&ForeignRecord::new(50, "nobody's"));
    assert_eq!(oxitel::stats().recorded, before.recorded);
}
