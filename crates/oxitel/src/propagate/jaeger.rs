//! Jaeger's own format: `uber-trace-id`, and one `uberctx-` header for each entry of the baggage.

use super::baggage::is_token;
use super::carrier::{Extract, Inject, only, trim};
use super::{hex, percent};
use crate::context::{Baggage, SpanContext, TraceFlags, is_octet};

const TRACE: &str = "uber-trace-id";
const BAGGAGE_PREFIX: &str = "uberctx-";
pub(super) const FIELDS: [&str; 1] = [TRACE];

const SAMPLED: u128 = 1;
const DEBUG: u128 = 2;

/// `{trace}:{span}:{parent}:{flags}`; the parent is obsolete and 0.
pub(super) fn inject(span: &SpanContext, baggage: &Baggage, carrier: &mut dyn Inject) {
    if span.is_valid() {
        let flags = match (span.is_debug(), span.is_sampled()) {
            (true, _) => SAMPLED | DEBUG,
            (false, true) => SAMPLED,
            (false, false) => 0,
        };
        carrier.set(TRACE, &format!("{}:{}:0:{flags:x}", span.trace_id(), span.span_id()));
    }
    for (name, value, _) in baggage.iter().filter(|(name, ..)| is_token(name)) {
        let mut encoded = String::new();
        // Its libraries read `+` as a space.
        percent::encode(&mut encoded, value, |byte| is_octet(byte) && byte != b'+');
        let name = format!("{BAGGAGE_PREFIX}{}", name.to_ascii_lowercase());
        carrier.set(&name, &encoded);
    }
}

pub(super) fn extract(carrier: &dyn Extract) -> Option<SpanContext> {
    only(carrier, TRACE, |header| {
        // Some clients encode the colons.
        if header.contains('%') { read(&percent::decode(header, false)) } else { read(header) }
    })
}

fn read(header: &str) -> Option<SpanContext> {
    let mut parts = header.split(':');
    let trace_id = hex::trace_id(parts.next()?, 1..=32)?;
    let span_id = hex::span_id(parts.next()?, 1..=16)?;
    hex::number(parts.next()?, 1..=16)?;
    let flags = hex::number(parts.next()?, 1..=2)?;
    if parts.next().is_some() {
        return None;
    }
    let is_debug = flags & DEBUG != 0;
    let is_sampled = is_debug || flags & SAMPLED != 0;
    let w3c = TraceFlags(if is_sampled { TraceFlags::SAMPLED } else { 0 });
    let span = SpanContext::remote(trace_id, span_id, w3c, None);
    Some(if is_debug { span.with_debug() } else { span })
}

/// The names are as the carrier has them; HTTP has them in lower case.
pub(super) fn extract_baggage(carrier: &dyn Extract) -> Baggage {
    let mut baggage = Baggage::new();
    carrier.visit(&mut |header, value| {
        let Some((prefix, name)) = header.split_at_checked(BAGGAGE_PREFIX.len()) else { return };
        let is_ours = prefix.eq_ignore_ascii_case(BAGGAGE_PREFIX) && is_token(name);
        // What is full takes no further name, and need not decode the value to say so.
        if is_ours && !baggage.is_full() {
            baggage.insert(name, percent::decode(trim(value), true));
        }
    });
    baggage
}
