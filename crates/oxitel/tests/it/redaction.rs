//! What is replaced, what is not, and what a program can change about it.

use crate::session::{PATIENCE, Session};
use oxitel::{Redaction, Scope, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tracing_subscriber::layer::SubscriberExt;

static SCOPE: Scope = Scope::new("redaction");

#[test]
fn secrets_are_replaced_and_ordinary_values_are_not() {
    let session = Session::start();
    {
        let mut span = SCOPE.span("span");
        span.set_attribute("http.request.method", "GET")
            .set_attribute("http.request.header.Authorization", "Basic dXNlcjpwYXNz")
            .set_attribute("gen_ai.usage.input_tokens", 12)
            .set_attribute("password.attempts", 3)
            .set_attribute("password.set", true)
            .set_attribute("password", "")
            .set_attribute("url.full", "https://me:pw@host/?page=2&sig=abc")
            .set_attribute("db.query.text", "SELECT 1 FROM t WHERE a = 'x'")
            .set_attribute("note", "a ratio of 1:2 / 3")
            .set_attribute("secrets.counts", &[Value::I64(1), Value::I64(2)][..])
            .set_attribute("secrets.names", &[Value::Str("a"), Value::I64(2)][..]);
    }
    insta::assert_snapshot!(session.tree(), @r#"it: span (internal) http.request.method=GET http.request.header.Authorization="[redacted]" gen_ai.usage.input_tokens=12 password.attempts=3 password.set=true password="" url.full="https://REDACTED:REDACTED@host/?page=2&sig=REDACTED" db.query.text="SELECT ? FROM t WHERE a = ?" note="a ratio of 1:2 / 3" secrets.counts=[1, 2] secrets.names=["[redacted]", 2]"#);
    assert_eq!(session.ledger().redacted, 4, "{:?}", session.ledger());
}

#[test]
fn a_program_adds_keys_patterns_and_functions_and_allows_what_is_harmless() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let redaction =
        Redaction::default().key("employee").pattern("*iban*").allow("page.*token").value(
            move |key, text| {
                counted.fetch_add(1, Ordering::Relaxed);
                (key == "mail" && text.contains('@')).then(|| "[mail]".to_owned())
            },
        );
    let session = Session::with(|config| config.redaction(redaction));
    // The start has shown it what describes the process.
    assert!(calls.swap(0, Ordering::Relaxed) > 0);
    for _ in 0..2 {
        SCOPE
            .span("span")
            .set_attribute("request.employee", "Jane")
            .set_attribute("employee.id", "7")
            .set_attribute("customer.IBAN.number", "DE00")
            .set_attribute("page.next_token", "opaque")
            .set_attribute("mail", "jane@example.org")
            .set_attribute("list", &[Value::Str("one"), Value::Str("two")][..]);
    }
    insta::assert_snapshot!(session.tree(), @r#"
    it: span (internal) request.employee="[redacted]" employee.id="7" customer.IBAN.number="[redacted]" page.next_token=opaque mail="[mail]" list=[one, two]
    it: span (internal) request.employee="[redacted]" employee.id="7" customer.IBAN.number="[redacted]" page.next_token=opaque mail="[mail]" list=[one, two]
    "#);
    // Once for each text of each of two spans; replaced ones are shown too.
    assert_eq!(calls.load(Ordering::Relaxed), 14);
}

#[test]
fn off_means_off() {
    let session = Session::with(|config| config.redaction(Redaction::off()));
    SCOPE
        .span("span")
        .set_attribute("password", "hunter2")
        .set_attribute("url.full", "https://me:pw@host/")
        .add_event("token=hunter2", &[]);
    insta::assert_snapshot!(session.tree(), @r#"
    it: span (internal) password=hunter2 url.full=https://me:pw@host/
      · token=hunter2
    "#);
    assert_eq!(session.ledger().redacted, 0);
}

#[test]
fn a_function_that_panics_costs_the_text_and_one_that_records_does_not_come_back() {
    let redaction = Redaction::default().value(|key, _| {
        assert_ne!(key, "panics", "as the test wants it");
        let mut span = SCOPE.enter("made while redacting");
        span.set_attribute("again", "and again");
        None
    });
    let session = Session::with(|config| config.redaction(redaction));
    SCOPE.span("span").set_attribute("panics", "secret").set_attribute("fine", "text");
    insta::assert_snapshot!(session.tree(), @r#"it: span (internal) panics="[redacted]" fine=text"#);
    assert_eq!(session.ledger().panics, 1);
}

#[test]
fn what_is_redacted_is_cut_afterwards_and_counts_once() {
    let limits = oxitel::Limits { value_length: 14, ..oxitel::Limits::default() };
    let session = Session::with(|config| config.limits(limits));
    SCOPE
        .span("span")
        .set_attribute("url.full", "https://me:a-long-password@host/")
        .set_attribute("list", &[Value::Str("https://me:a-long-password@host/")][..]);
    insta::assert_snapshot!(session.tree(), @"it: span (internal) url.full=https://REDACT list=[https://REDACT]");
    assert_eq!(session.ledger().redacted, 2);
}

#[test]
fn a_span_that_a_hook_drops_still_counts_what_was_redacted() {
    let session = Session::with(|config| config.on_end(|_| oxitel::Verdict::Drop));
    SCOPE.span("span").set_attribute("token", "x");
    oxitel::flush(PATIENCE).expect("nothing was lost");
    assert_eq!((session.ledger().redacted, session.receiver.spans().len()), (1, 0));
}

/// The layer sets the field while the span is locked.
#[test]
fn a_function_that_uses_tracing_itself_waits_for_nobody() {
    let redaction = Redaction::default().value(|key, text| {
        let span = tracing::info_span!("made while redacting", text);
        let _entered = span.enter();
        tracing::info!(key, "said while redacting");
        let _current = tracing::Span::current().record("late", "again");
        (key == "late").then(|| "shown".to_owned())
    });
    let session = Session::with(|config| config.redaction(redaction));
    let program = || {
        let span = tracing::info_span!("span", late = tracing::field::Empty, early = "text");
        let _entered = span.enter();
        span.record("late", "text");
        tracing::info!(late = "text", "event");
    };
    let layered = tracing_subscriber::registry().with(oxitel::bridge::layer());
    tracing::subscriber::with_default(layered, program);
    tracing::subscriber::with_default(oxitel::bridge::subscriber().console(), program);
    insta::assert_snapshot!(session.tree(), @r"
    it: span (internal) early=text late=shown
      · event level=INFO target=it::redaction late=shown
    it: span (internal) early=text late=shown
      · event level=INFO target=it::redaction late=shown
    ");
}

#[test]
fn what_lies_inside_of_a_secret_is_secret_and_so_is_what_follows_its_flag() {
    let session = Session::start();
    let parts = [("message", Value::Str("hunter2")), ("url.full", Value::Str("hunter2"))];
    let arguments = ["run", "--db-password", "hunter2", "--port", "80", "--token=hunter2"];
    let arguments = arguments.map(Value::Str);
    SCOPE
        .span("span")
        .set_attribute("credentials", Value::Map(&parts))
        .set_attribute("process.command_args", &arguments[..]);
    insta::assert_snapshot!(session.tree(), @r#"it: span (internal) credentials={message="[redacted]", url.full="[redacted]"} process.command_args=[run, --db-password, "[redacted]", --port, "80", "--token=[redacted]"]"#);
}
