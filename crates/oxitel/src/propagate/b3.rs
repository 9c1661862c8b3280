//! B3, the format of Zipkin: in the one header `b3`, or in several, `x-b3-*`.
//!
//! Both are read, the single one first; the list of propagators says which is written. The span
//! that they name is the caller's: its id becomes the parent's and is never taken over. The
//! caller's own parent, which B3 can also carry, is of no use here and is not written.

use super::carrier::{Extract, Inject, only};
use super::hex;
use crate::context::{SpanContext, SpanId, TraceFlags, TraceId};

const SINGLE: &str = "b3";
const TRACE_ID: &str = "x-b3-traceid";
const SPAN_ID: &str = "x-b3-spanid";
const SAMPLED: &str = "x-b3-sampled";
const FLAGS: &str = "x-b3-flags";
pub(super) const SINGLE_FIELDS: [&str; 1] = [SINGLE];
pub(super) const MULTI_FIELDS: [&str; 4] = [TRACE_ID, SPAN_ID, SAMPLED, FLAGS];

/// What the caller decided about the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Deny,
    Accept,
    /// Accepted by somebody who looks for a fault, past every sampler.
    Debug,
}

pub(super) fn inject_single(span: &SpanContext, carrier: &mut dyn Inject) {
    if !span.is_valid() {
        return;
    }
    let decision = match decision(span) {
        Decision::Deny => '0',
        Decision::Accept => '1',
        Decision::Debug => 'd',
    };
    carrier.set(SINGLE, &format!("{}-{}-{decision}", span.trace_id(), span.span_id()));
}

pub(super) fn inject_multi(span: &SpanContext, carrier: &mut dyn Inject) {
    if !span.is_valid() {
        return;
    }
    carrier.set(TRACE_ID, &span.trace_id().to_string());
    carrier.set(SPAN_ID, &span.span_id().to_string());
    match decision(span) {
        Decision::Deny => carrier.set(SAMPLED, "0"),
        Decision::Accept => carrier.set(SAMPLED, "1"),
        // It says accepted as well: both together are not to be sent.
        Decision::Debug => carrier.set(FLAGS, "1"),
    }
}

pub(super) fn extract(carrier: &dyn Extract) -> Option<SpanContext> {
    only(carrier, SINGLE, read_single).or_else(|| extract_multi(carrier))
}

/// `{trace}-{span}`, `{trace}-{span}-{decision}` or `{trace}-{span}-{decision}-{parent}`. A
/// decision alone names no span.
fn read_single(header: &str) -> Option<SpanContext> {
    let mut parts = header.split('-');
    let (trace_id, span_id) = ids(parts.next()?, parts.next()?)?;
    let decision = match parts.next() {
        Some(text) => Some(read_decision(text)?),
        None => None,
    };
    let parent_is_valid = parts.next().is_none_or(|parent| hex::span_id(parent, 16..=16).is_some());
    let well_formed = parent_is_valid && parts.next().is_none();
    well_formed.then(|| span_context(trace_id, span_id, decision))
}

fn extract_multi(carrier: &dyn Extract) -> Option<SpanContext> {
    let trace_id = only(carrier, TRACE_ID, trace_id)?;
    let span_id = only(carrier, SPAN_ID, |text| hex::span_id(text, 16..=16))?;
    let debug = only(carrier, FLAGS, |text| (text == "1").then_some(Decision::Debug));
    let decision = debug.or_else(|| only(carrier, SAMPLED, read_decision));
    Some(span_context(trace_id, span_id, decision))
}

fn ids(trace_id: &str, span_id: &str) -> Option<(TraceId, SpanId)> {
    Some((self::trace_id(trace_id)?, hex::span_id(span_id, 16..=16)?))
}

/// 128 bits, or 64 with zeros before them.
fn trace_id(text: &str) -> Option<TraceId> {
    if matches!(text.len(), 16 | 32) { hex::trace_id(text, 16..=32) } else { None }
}

/// `true` and `false` are how early libraries wrote it.
fn read_decision(text: &str) -> Option<Decision> {
    match text {
        "0" => Some(Decision::Deny),
        "1" => Some(Decision::Accept),
        "d" => Some(Decision::Debug),
        _ if text.eq_ignore_ascii_case("false") => Some(Decision::Deny),
        _ if text.eq_ignore_ascii_case("true") => Some(Decision::Accept),
        _ => None,
    }
}

/// Without a decision it is left to us, which W3C's flags cannot say: not sampled, as every
/// OpenTelemetry library takes it.
fn span_context(trace_id: TraceId, span_id: SpanId, decision: Option<Decision>) -> SpanContext {
    let sampled = matches!(decision, Some(Decision::Accept | Decision::Debug));
    let flags = TraceFlags(if sampled { TraceFlags::SAMPLED } else { 0 });
    let span = SpanContext::remote(trace_id, span_id, flags, None);
    if decision == Some(Decision::Debug) { span.with_debug() } else { span }
}

fn decision(span: &SpanContext) -> Decision {
    if span.is_debug() {
        Decision::Debug
    } else if span.is_sampled() {
        Decision::Accept
    } else {
        Decision::Deny
    }
}
