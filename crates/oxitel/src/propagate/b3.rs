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

#[cfg(test)]
mod tests {
    use super::{extract, inject_multi, inject_single};
    use crate::context::SpanContext;
    use crate::propagate::Inject;
    use proptest::prelude::*;

    const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
    const SPAN: &str = "e457b5a2e4d86bd1";

    fn read(headers: &[(&str, &str)]) -> Option<SpanContext> {
        extract(&headers)
    }

    /// What of a single header is understood, in B3's own words.
    fn single(header: &str) -> Option<String> {
        read(&[("b3", header)]).map(|span| sent(inject_single, &span))
    }

    /// The headers that are written, joined.
    fn sent(inject: fn(&SpanContext, &mut dyn Inject), span: &SpanContext) -> String {
        let mut headers: Vec<(String, String)> = Vec::new();
        inject(span, &mut headers);
        let pair = |(name, value): &(String, String)| format!("{name}: {value}");
        headers.iter().map(pair).collect::<Vec<_>>().join("; ")
    }

    fn multi(headers: &[(&str, &str)]) -> Option<String> {
        let ids = [("X-B3-TraceId", TRACE), ("X-B3-SpanId", SPAN)];
        read(&[&ids[..], headers].concat()).map(|span| sent(inject_multi, &span))
    }

    #[test]
    fn the_single_header_has_two_to_four_parts() {
        let known = |decision| Some(format!("b3: {TRACE}-{SPAN}-{decision}"));
        assert_eq!(single(&format!("{TRACE}-{SPAN}-1-05e3ac9a4f6e3b90")), known('1'));
        assert_eq!(single(&format!(" {TRACE}-{SPAN}-1\t")), known('1'));
        assert_eq!(single(&format!("{TRACE}-{SPAN}-0")), known('0'));
        assert_eq!(single(&format!("{TRACE}-{SPAN}-d")), known('d'));
        assert_eq!(single(&format!("{TRACE}-{SPAN}")), known('0'), "left to us");
        assert_eq!(single(&format!("{TRACE}-{SPAN}-true")), known('1'));
        assert_eq!(single(&format!("{TRACE}-{SPAN}-False")), known('0'));
    }

    #[test]
    fn ids_of_64_bits_are_padded_and_either_case_is_read() {
        let padded = format!("b3: 0000000000000000{SPAN}-{SPAN}-1");
        assert_eq!(single(&format!("{SPAN}-{SPAN}-1")), Some(padded));
        let upper = format!("{}-{}-1", TRACE.to_uppercase(), SPAN.to_uppercase());
        assert_eq!(single(&upper), Some(format!("b3: {TRACE}-{SPAN}-1")));
    }

    #[test]
    fn a_decision_without_a_span_is_no_parent() {
        for decision in ["0", "1", "d", "", "-", "--", "0-0-0-0"] {
            assert_eq!(single(decision), None, "{decision:?}");
        }
        assert_eq!(read(&[("X-B3-Sampled", "0")]), None);
        assert_eq!(read(&[("X-B3-Flags", "1")]), None);
    }

    #[test]
    fn broken_headers_are_no_parents() {
        let zero = "0".repeat(32);
        for header in [
            format!("{zero}-{SPAN}-1"),
            format!("{TRACE}-0000000000000000-1"),
            format!("{TRACE}-{SPAN}-2"),
            format!("{TRACE}-{SPAN}-"),
            format!("{TRACE}-{SPAN}-1-"),
            format!("{TRACE}-{SPAN}-1-{SPAN}-1"),
            format!("{TRACE}-{SPAN}-1-0000000000000000"),
            format!("{}-{SPAN}-1", &TRACE[1..]),
            format!("{TRACE}-{}-1", &SPAN[1..]),
            format!("+{}-{SPAN}-1", &TRACE[1..]),
            format!("{TRACE}{SPAN}1"),
            format!("{TRACE}-{SPAN}-1é"),
        ] {
            assert_eq!(single(&header), None, "{header}");
        }
    }

    #[test]
    fn several_headers_are_read_and_written() {
        let ids = format!("x-b3-traceid: {TRACE}; x-b3-spanid: {SPAN}");
        let decided = |decision: &str| Some(format!("{ids}; {decision}"));
        assert_eq!(multi(&[("X-B3-Sampled", "1")]), decided("x-b3-sampled: 1"));
        assert_eq!(multi(&[("x-b3-sampled", "true")]), decided("x-b3-sampled: 1"));
        assert_eq!(multi(&[("X-B3-Sampled", "0")]), decided("x-b3-sampled: 0"));
        assert_eq!(multi(&[]), decided("x-b3-sampled: 0"), "left to us");
        assert_eq!(multi(&[("X-B3-Sampled", "what")]), decided("x-b3-sampled: 0"));
        assert_eq!(multi(&[("X-B3-ParentSpanId", SPAN)]), decided("x-b3-sampled: 0"));
        assert_eq!(read(&[("X-B3-TraceId", TRACE)]), None);
        assert_eq!(multi(&[("X-B3-SpanId", SPAN)]), None, "of two ids neither is right");
    }

    #[test]
    fn debug_says_sampled_and_travels_alone() {
        let headers = [("X-B3-Flags", "1"), ("X-B3-Sampled", "0")];
        let expected = format!("x-b3-traceid: {TRACE}; x-b3-spanid: {SPAN}; x-b3-flags: 1");
        assert_eq!(multi(&headers), Some(expected));
        assert!(multi(&[("X-B3-Flags", "2")]).is_some_and(|sent| !sent.contains("flags")));
        let span = read(&[("b3", &format!("{TRACE}-{SPAN}-d"))]).expect("valid");
        assert!(span.is_debug() && span.is_sampled() && span.is_remote());
    }

    #[test]
    fn the_single_header_comes_first_when_it_names_a_span() {
        let single = format!("{TRACE}-{SPAN}-1");
        let other = [("X-B3-TraceId", SPAN), ("X-B3-SpanId", SPAN)];
        let both = |single| read(&[&other[..], &[("b3", single)]].concat());
        assert_eq!(both(&single).expect("valid").trace_id().to_string(), TRACE);
        for broken in ["0", "d", "no span"] {
            let span = both(broken).expect("the several headers");
            assert_eq!(span.trace_id().to_string(), format!("0000000000000000{SPAN}"));
        }
    }

    proptest! {
        #[test]
        fn any_headers_are_read_without_panic(single in ".*", id in ".*", other in "[0-9a-fA-F+-]{14,34}") {
            let _ = read(&[("b3", &single), ("X-B3-TraceId", &id), ("X-B3-SpanId", &other)]);
            let _ = read(&[("X-B3-TraceId", &other), ("X-B3-SpanId", &other[..14])]);
        }

        #[test]
        fn what_is_read_is_written_and_read_again(header in "[0-9a-f]{16}([0-9a-f]{16})?-[0-9a-f]{16}(-[01d])?") {
            let Some(span) = read(&[("b3", &header)]) else { return Ok(()) };
            for inject in [inject_single, inject_multi] {
                let mut headers: Vec<(String, String)> = Vec::new();
                inject(&span, &mut headers);
                prop_assert_eq!(extract(&headers), Some(span.clone()));
            }
        }
    }
}
