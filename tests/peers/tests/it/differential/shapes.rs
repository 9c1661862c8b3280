//! Programs of a dozen shapes. Each span of one has a name of its own.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use std::error::Error;
use std::fmt;
use std::thread;
use tracing::field::Empty;
use tracing::{Dispatch, Level};
use tracing::{Instrument, debug, error, info, info_span, instrument, span, trace, warn};

/// Each with its name.
pub(super) const SHAPES: &[(&str, fn())] = &[
    ("nesting", nesting),
    ("late fields", late_fields),
    ("otel fields", otel_fields),
    ("kinds", kinds),
    ("status", status),
    ("follows from", follows_from),
    ("field types", field_types),
    ("events", events),
    ("errors", errors),
    ("explicit parents", explicit_parents),
    ("async", asynchronous),
    ("threads", threads),
    ("instrument", instrumented),
    ("limits", limits),
    ("remote parent", remote_parent),
    ("entering", entering),
];

fn nesting() {
    let _outer = info_span!("outer", depth = 0).entered();
    for name in ["left", "right"] {
        let _middle = info_span!("middle", side = name, otel.name = name).entered();
        let _inner = span!(Level::TRACE, "inner", otel.name = format!("inner {name}")).entered();
    }
    info_span!("never entered");
}

fn late_fields() {
    let span = info_span!("late", first = Empty, second = Empty, never = Empty, early = "early");
    span.record("first", 1);
    span.record("second", tracing::field::debug("debug"));
    let _entered = span.enter();
    span.record("early", "changed");
    span.record("first", "another type");
    span.record("unknown", "no such field");
}

fn otel_fields() {
    let span = info_span!("before", otel.name = "renamed", otel.kind = "client", kept = true);
    drop(span);
    let span = info_span!("late name", otel.name = Empty, otel.kind = Empty);
    span.in_scope(|| span.record("otel.name", "renamed late"));
    span.record("otel.kind", "server");
}

fn kinds() {
    for kind in ["internal", "server", "client", "producer", "consumer", "SERVER", "Client", "none"]
    {
        drop(info_span!("kind", otel.kind = kind, otel.name = format!("kind {kind}")));
    }
}

fn status() {
    drop(info_span!("ok", otel.status_code = "ok"));
    drop(info_span!("OK", otel.status_code = "OK"));
    drop(info_span!("error", otel.status_code = "error"));
    drop(info_span!("unknown", otel.status_code = "whatever"));
    drop(info_span!("described", otel.status_code = "error", otel.status_description = "why"));
    drop(info_span!("only described", otel.status_description = "why"));
    let late = info_span!("late status", otel.status_code = Empty, otel.status_description = Empty);
    late.record("otel.status_code", "ERROR");
    late.record("otel.status_description", "late");
    let changed = info_span!("ok then error", otel.status_code = "ok");
    changed.record("otel.status_code", "error");
}

fn follows_from() {
    let first = info_span!("cause");
    let second = info_span!("second cause");
    let span = info_span!("effect");
    span.follows_from(&first);
    let _entered = span.enter();
    span.follows_from(&second);
    span.follows_from(None);
}

fn field_types() {
    let _types = info_span!(
        "types",
        text = "text",
        signed = -1_i64,
        unsigned = 7_u64,
        large = u64::MAX,
        float = 0.5_f64,
        nan = f64::NAN,
        flag = true,
        debug = ?vec![1, 2],
        display = %"displayed",
        wide = u128::MAX,
        optional = Some("some"),
        absent = Option::<&str>::None,
        "a name with spaces" = 1,
    )
    .entered();
}

fn events() {
    info!("outside of any span");
    let _span = info_span!("with events").entered();
    info!("a message");
    warn!(count = 3, text = "text", float = 1.5, flag = false, "a message with {} in it", "fields");
    debug!(debug = ?Some(1), display = %"displayed", large = u64::MAX);
    trace!(name: "named", "with a name of its own");
    info!(target: "it::differential::elsewhere", "another target");
    info!(message = "given as a field", other = 1);
    error!("an error");
}

#[derive(Debug)]
struct Broken(Option<Box<Broken>>);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "outer failure" } else { "inner failure" })
    }
}

impl Error for Broken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_ref().map(|inner| &**inner as &(dyn Error + 'static))
    }
}

fn errors() {
    let broken = Broken(Some(Box::new(Broken(None))));
    let as_error: &(dyn Error + 'static) = &broken;
    drop(info_span!("error as field", failure = as_error));
    {
        let late = info_span!("error late", failure = Empty);
        late.record("failure", as_error);
    }
    info_span!("error in info").in_scope(|| info!(failure = as_error, "went on"));
    info_span!("error in error").in_scope(|| error!(failure = as_error, "gave up"));
    info_span!("error without text").in_scope(|| error!(failure = as_error));
    info_span!("called error").in_scope(|| error!(error = "only text", "gave up"));
    info_span!("error displayed").in_scope(|| error!(error = %broken, "gave up"));
}

fn explicit_parents() {
    let one = info_span!("one");
    let _entered = info_span!("other").entered();
    drop(info_span!(parent: &one, "below one"));
    drop(info_span!(parent: None, "root"));
    drop(info_span!("below other"));
    info!(parent: &one, "an event of one");
    info!(parent: None, "an event of nobody");
    let id = one.id();
    drop(info_span!(parent: id, "below one by id"));
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

fn asynchronous() {
    async fn step(name: &'static str) {
        for turn in 0..3 {
            info!(turn, "turn");
            tokio::task::yield_now().await;
        }
        drop(info_span!("below step", otel.name = format!("below {name}")));
    }
    block_on(async {
        let steps = ["a", "b", "c"].map(|name| {
            let span = info_span!("step", otel.name = name);
            step(name).instrument(span)
        });
        let _ = futures_util::future::join_all(steps).instrument(info_span!("all")).await;
    });
}

fn threads() {
    let dispatch = tracing::dispatcher::get_default(Dispatch::clone);
    let span = info_span!("moves");
    let worker = thread::Builder::new().name("worker".to_owned()).spawn(move || {
        let _here = tracing::dispatcher::set_default(&dispatch);
        let _entered = span.entered();
        let _inside = info_span!("on the worker").entered();
        info!("from the worker");
    });
    worker.expect("a thread").join().expect("no panic");
    drop(info_span!("afterwards"));
}

#[instrument(fields(sum = Empty, fixed = "fixed"))]
fn adds(one: u64, other: &str) -> usize {
    let sum = one as usize + other.len();
    tracing::Span::current().record("sum", sum);
    sum
}

#[instrument(err)]
fn fails(number: u8) -> Result<u8, Broken> {
    if number > 0 { Err(Broken(None)) } else { Ok(number) }
}

#[instrument(err(Debug), skip_all, name = "fails in debug")]
fn fails_in_debug() -> Result<(), Broken> {
    Err(Broken(None))
}

#[instrument(ret, level = "debug")]
async fn returns(number: u8) -> u8 {
    tokio::task::yield_now().await;
    number
}

fn instrumented() {
    assert_eq!(adds(1, "ab"), 3);
    assert!(fails(1).is_err() && fails_in_debug().is_err());
    assert_eq!(block_on(returns(7)), 7);
}

fn limits() {
    let span = info_span!("many events");
    let other = info_span!("linked");
    span.in_scope(|| (0..200).for_each(|number| info!(number, "event")));
    (0..200).for_each(|_| {
        span.follows_from(&other);
    });
}

fn remote_parent() {
    let remote = SpanContext::new(
        TraceId::from(7),
        SpanId::from(9),
        TraceFlags::SAMPLED,
        true,
        TraceState::from_key_value([("vendor", "opaque")]).expect("a trace state"),
    );
    let _attached = Context::new().with_remote_span_context(remote).attach();
    let _server = info_span!("below remote").entered();
    drop(info_span!("further below"));
}

fn entering() {
    let span = info_span!("entered twice");
    {
        let first = span.enter();
        let second = span.enter();
        drop(first);
        drop(info_span!("between"));
        drop(second);
    }
    drop(info_span!("outside"));
    let (outer, inner) = (info_span!("left first").entered(), info_span!("left last").entered());
    drop(outer);
    drop(info_span!("below the last"));
    drop(inner);
    let clone = span.clone();
    drop(span);
    drop(clone);
}
