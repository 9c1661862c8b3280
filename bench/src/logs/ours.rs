//! oxitel: its layer and its subscriber under `tracing`, its own API, foreign records, JSON lines.

use super::Sample;
use super::work::{SPAN, TRACE, event, measure};
use crate::candidates::without_feedback;
use crate::workload::{CACHE_HIT, Inputs, METHOD, STATUS, USER, Values};
use anyhow::Context;
use oxitel::context::Attached;
use oxitel::{
    Config, ForeignRecord, Guard, LogRecord, Scope, Severity, SpanContext, SpanId, TraceFlags,
    TraceId, Value,
};
use std::fs::File;
use std::io::Write as _;
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;

static SCOPE: Scope = Scope::new("bench");
const MESSAGE: &str = "the request was served";

pub(super) fn layer(endpoint: &str) -> anyhow::Result<Sample> {
    let guard = start(endpoint)?;
    let registry = tracing_subscriber::registry().with(without_feedback());
    let subscriber = registry.with(oxitel::bridge::layer());
    tracing::subscriber::set_global_default(subscriber).context("the global subscriber")?;
    let _here = here();
    let sample = measure(event, flush);
    drop(guard);
    sample
}

pub(super) fn subscriber(endpoint: &str) -> anyhow::Result<Sample> {
    let guard = start(endpoint)?;
    let subscriber = oxitel::bridge::subscriber().with_filter("info");
    subscriber.try_init().context("the global subscriber")?;
    let _here = here();
    let sample = measure(event, flush);
    drop(guard);
    sample
}

pub(super) fn scope(endpoint: &str) -> anyhow::Result<Sample> {
    let guard = start(endpoint)?;
    let _here = here();
    let say = |inputs: &mut Inputs| {
        let attributes = attributes(inputs.next());
        SCOPE.log(&LogRecord::new(Severity::INFO, MESSAGE).attributes(&attributes));
    };
    let sample = measure(say, flush);
    drop(guard);
    sample
}

/// As Python's handler does: with module, line, level and thread beside the extras.
pub(super) fn forward(endpoint: &str) -> anyhow::Result<Sample> {
    let guard = start(endpoint)?;
    let _here = here();
    let say = |inputs: &mut Inputs| {
        let attributes = attributes(inputs.next());
        let record = ForeignRecord::new(20, MESSAGE).logger("bench.logger").extras(&attributes);
        oxitel::forward_log(&record.module("bench").line(17).thread("MainThread"));
    };
    let sample = measure(say, flush);
    drop(guard);
    sample
}

pub(super) fn json_lines() -> anyhow::Result<Sample> {
    let nowhere = File::create("/dev/null").context("/dev/null")?;
    let lines = oxitel::bridge::json_lines().write_with(move |line| (&nowhere).write_all(line));
    let registry = tracing_subscriber::registry().with(without_feedback());
    let subscriber = registry.with(lines);
    tracing::subscriber::set_global_default(subscriber).context("the global subscriber")?;
    measure(event, || Ok(()))
}

fn start(endpoint: &str) -> anyhow::Result<Guard> {
    let config = Config::new("bench").endpoint(endpoint).own_metrics(false);
    oxitel::init(config).context("oxitel does not start")
}

/// In a span of another process.
fn here() -> Attached {
    let (trace, span) = (TraceId::from_bytes(TRACE), SpanId::from_bytes(SPAN));
    let above = SpanContext::remote(trace, span, TraceFlags(TraceFlags::SAMPLED), None);
    oxitel::context::with_parent(&above).attach()
}

fn flush() -> anyhow::Result<()> {
    oxitel::flush(Duration::from_secs(10)).context("oxitel's flush")
}

#[inline(always)]
fn attributes(values: Values<'_>) -> [(&'static str, Value<'_>); 4] {
    [
        (METHOD, Value::Str(values.method)),
        (USER, Value::Str(values.user)),
        (STATUS, Value::I64(values.status)),
        (CACHE_HIT, Value::Bool(values.cache_hit)),
    ]
}
