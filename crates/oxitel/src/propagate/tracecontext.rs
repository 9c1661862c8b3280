//! W3C trace context, level 2: the `traceparent` header, and `tracestate` beside it.

use super::carrier::{Extract, Inject, only, trim};
use super::tracestate;
use crate::context::{SpanContext, SpanId, TraceFlags, TraceId};

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
pub(super) const FIELDS: [&str; 2] = [TRACEPARENT, TRACESTATE];

/// The flags this version of the standard knows; others are not passed on.
const KNOWN_FLAGS: u8 = TraceFlags::SAMPLED | TraceFlags::RANDOM;

pub(super) fn inject(span: &SpanContext, carrier: &mut dyn Inject) {
    if !span.is_valid() {
        return;
    }
    let flags = span.flags().0 & KNOWN_FLAGS;
    let parent = format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id());
    carrier.set(TRACEPARENT, &parent);
    // Text that the program made itself may be anything; a header may not.
    if tracestate::is_header(span.trace_state()) {
        carrier.set(TRACESTATE, span.trace_state());
    }
}

/// An invalid parent is no parent; invalid state is dropped and the parent kept.
pub(super) fn extract(carrier: &dyn Extract) -> Option<SpanContext> {
    let (trace_id, span_id, flags) = only(carrier, TRACEPARENT, read)?;
    let mut list = String::new();
    carrier.get_all(TRACESTATE, &mut |header| {
        let header = trim(header);
        if !list.is_empty() && !header.is_empty() {
            list.push(',');
        }
        list.push_str(header);
    });
    let state = tracestate::read(&list);
    Some(SpanContext::remote(trace_id, span_id, flags, state.as_deref()))
}

fn read(header: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
    let (version, rest) = header.split_once('-')?;
    let [version] = hex(version)?;
    let known_length = 52;
    let (fields, more) = rest.split_at_checked(known_length)?;
    // A later version may add fields; version 0 has none, and 255 is forbidden.
    let well_formed = match version {
        0 => more.is_empty(),
        255 => false,
        _ => more.is_empty() || more.starts_with('-'),
    };
    let mut parts = fields.split('-');
    let trace_id = TraceId::from_bytes(hex(parts.next()?)?);
    let span_id = SpanId::from_bytes(hex(parts.next()?)?);
    let [flags] = hex(parts.next()?)?;
    let valid = well_formed && parts.next().is_none() && trace_id.is_valid() && span_id.is_valid();
    valid.then_some((trace_id, span_id, TraceFlags(flags & KNOWN_FLAGS)))
}

/// Exactly `N` bytes of lower-case hexadecimal.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{extract, inject};
    use crate::context::SpanContext;
    use proptest::prelude::*;

    const IDS: &str = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";

    fn read(headers: &[(&str, &str)]) -> Option<SpanContext> {
        extract(&headers)
    }

    fn parses(header: &str) -> bool {
        read(&[("traceparent", header)]).is_some()
    }

    fn written(span: &SpanContext) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        inject(span, &mut headers);
        headers
    }

    fn state(headers: &[&str]) -> String {
        let parent = format!("00-{IDS}-01");
        let mut all = vec![("traceparent", parent.as_str())];
        all.extend(headers.iter().map(|header| ("tracestate", *header)));
        read(&all).expect("the parent stays").trace_state().to_owned()
    }

    #[test]
    fn what_is_read_is_written_again() {
        let parent = format!("00-{IDS}-01");
        let headers = [("traceparent", parent.as_str()), ("tracestate", "a=1,b=2")];
        let span = read(&headers).expect("valid");
        assert!(span.is_remote() && span.is_sampled());
        assert_eq!(written(&span), headers.map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert!(written(&SpanContext::NONE).is_empty());
    }

    #[test]
    fn versions_follow_the_standard() {
        assert!(parses(&format!(" \t00-{IDS}-00\t ")), "white space around is allowed");
        assert!(!parses(&format!("\u{a0}00-{IDS}-00")), "but only that of HTTP");
        assert!(parses(&format!("cc-{IDS}-01")), "an unknown version");
        assert!(parses(&format!("cc-{IDS}-01-what-the-future-brings")));
        assert!(parses(&format!("01-{IDS}-01-")));
        assert!(!parses(&format!("cc-{IDS}-01.what")));
        assert!(!parses(&format!("cc-{IDS}-0")), "shorter than 55 characters");
        assert!(!parses(&format!("00-{IDS}-01-more")), "version 0 has four fields");
        assert!(!parses(&format!("00-{IDS}-01-")));
        assert!(!parses(&format!("ff-{IDS}-01")), "forbidden");
        assert!(!parses(&format!("FF-{IDS}-01")) && !parses(&format!("0-{IDS}-01")));
    }

    #[test]
    fn broken_parents_are_no_parents() {
        let zero_trace = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        let zero_span = "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01";
        let upper = format!("00-{}-01", IDS.to_uppercase());
        let not_hexadecimal = format!("00-{IDS}-.0");
        let moved_dash = "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01";
        let flags = format!("00-{IDS}-0");
        let broken =
            ["", "00", "00-", zero_trace, zero_span, &upper, "00-é", &not_hexadecimal, moved_dash];
        for header in broken.into_iter().chain([flags.as_str()]) {
            assert!(!parses(header), "{header:?}");
        }
    }

    #[test]
    fn a_broken_parent_takes_its_state_along() {
        assert_eq!(read(&[("traceparent", "00-broken"), ("tracestate", "a=1")]), None);
        assert_eq!(read(&[("tracestate", "a=1")]), None);
    }

    #[test]
    fn of_two_parents_neither_is_right() {
        let parent = format!("00-{IDS}-01");
        assert_eq!(read(&[("traceparent", &parent), ("traceparent", &parent)]), None);
        assert_eq!(read(&[("traceparent", &parent), ("TraceParent", "")]), None);
    }

    #[test]
    fn names_are_read_in_any_case() {
        let parent = format!("00-{IDS}-01");
        let span = read(&[("TRACEPARENT", &parent), ("TraceState", "a=1")]).expect("valid");
        assert_eq!(span.trace_state(), "a=1");
    }

    #[test]
    fn the_random_flag_travels_and_unknown_flags_do_not() {
        for (received, sent) in [("02", "02"), ("03", "03"), ("ff", "03"), ("fc", "00")] {
            let parent = format!("00-{IDS}-{received}");
            let span = read(&[("traceparent", &parent)]).expect("valid");
            assert_eq!(written(&span)[0].1, format!("00-{IDS}-{sent}"));
        }
    }

    #[test]
    fn several_state_headers_are_one_list() {
        assert_eq!(state(&["a=1,b=2", "c=3"]), "a=1,b=2,c=3");
        assert_eq!(state(&["", "a=1", " \t", "b=2", ""]), "a=1,b=2");
        assert_eq!(state(&["a=1", "=broken"]), "", "one broken part breaks the list");
        assert_eq!(state(&[]), "");
    }

    #[test]
    fn state_that_is_no_header_is_not_written() {
        let span = read(&[("traceparent", &format!("00-{IDS}-01"))]).expect("valid");
        for state in ["a=1\r\nevil: 1", "a=ü", "a=\u{0}", " "] {
            let ids = (span.trace_id(), span.span_id(), span.flags());
            let made = SpanContext::remote(ids.0, ids.1, ids.2, Some(state));
            assert_eq!(written(&made).len(), 1, "{state:?}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(header in ".*", state in ".*") {
            let _ = read(&[("traceparent", &header), ("tracestate", &state)]);
        }

        #[test]
        fn a_parent_of_any_form_is_read_or_refused(header in "[0-9a-f]{2}-[0-9a-f]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{1,3}(-.{0,4})?") {
            let Some(span) = read(&[("traceparent", &header)]) else { return Ok(()) };
            let (sent, head) = (written(&span)[0].1.clone(), &header[3..52]);
            prop_assert_eq!(&sent[3..52], head, "the ids are as they came");
        }
    }
}
