//! W3C trace context, level 2: the `traceparent` and `tracestate` headers.

use crate::context::{SpanContext, SpanId, TraceFlags, TraceId};

pub(super) const TRACEPARENT: &str = "traceparent";
pub(super) const TRACESTATE: &str = "tracestate";

/// The flags this version of the standard knows; others are not passed on.
const KNOWN_FLAGS: u8 = TraceFlags::SAMPLED | TraceFlags::RANDOM;
const MAX_MEMBERS: usize = 32;
/// The standard asks for 512 at least; it travels in every span.
const MAX_STATE_BYTES: usize = 4096;

pub(super) fn traceparent(context: &SpanContext) -> String {
    let flags = context.flags().0 & KNOWN_FLAGS;
    format!("00-{}-{}-{flags:02x}", context.trace_id(), context.span_id())
}

/// An invalid parent is no parent; invalid state is dropped and the parent kept.
pub(super) fn read(traceparent: &str, tracestate: Option<&str>) -> Option<SpanContext> {
    let header = traceparent.trim();
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
    let state = tracestate.map(str::trim).filter(|state| is_valid_state(state));
    valid.then(|| SpanContext::remote(trace_id, span_id, TraceFlags(flags & KNOWN_FLAGS), state))
}

fn is_valid_state(state: &str) -> bool {
    let members = state.split(',').map(str::trim).filter(|member| !member.is_empty());
    let printable = state.bytes().all(|byte| (0x20..0x7f).contains(&byte) || byte == b'\t');
    let well_formed = |member: &str| member.split_once('=').is_some_and(|(key, _)| !key.is_empty());
    printable
        && state.len() <= MAX_STATE_BYTES
        && members.clone().count() <= MAX_MEMBERS
        && members.into_iter().all(well_formed)
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
    use super::{read, traceparent};
    use proptest::prelude::*;

    const IDS: &str = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";

    fn parses(header: &str) -> bool {
        read(header, None).is_some()
    }

    #[test]
    fn what_is_read_is_written_again() {
        let context = read(&format!("00-{IDS}-01"), Some("a=1,b=2")).expect("valid");
        assert!(context.is_remote() && context.is_sampled());
        assert_eq!(traceparent(&context), format!("00-{IDS}-01"));
        assert_eq!(context.trace_state(), "a=1,b=2");
    }

    #[test]
    fn versions_follow_the_standard() {
        assert!(parses(&format!(" 00-{IDS}-00 ")), "spaces around are allowed");
        assert!(parses(&format!("cc-{IDS}-01")), "an unknown version");
        assert!(parses(&format!("cc-{IDS}-01-what-the-future-brings")));
        assert!(!parses(&format!("cc-{IDS}-01.what")));
        assert!(!parses(&format!("00-{IDS}-01-more")), "version 0 has four fields");
        assert!(!parses(&format!("ff-{IDS}-01")), "forbidden");
    }

    #[test]
    fn broken_parents_are_no_parents() {
        let zero_trace = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        let zero_span = "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01";
        let upper = format!("00-{}-01", IDS.to_uppercase());
        for header in
            ["", "00", "00-", zero_trace, zero_span, &upper, "00-é", &format!("00-{IDS}-0")]
        {
            assert!(!parses(header), "{header:?}");
        }
    }

    #[test]
    fn unknown_flags_are_not_passed_on() {
        let context = read(&format!("00-{IDS}-ff"), None).expect("valid");
        assert_eq!(traceparent(&context), format!("00-{IDS}-03"));
    }

    #[test]
    fn broken_state_is_dropped_and_the_parent_kept() {
        let many = (0..33).map(|i| format!("k{i}=v")).collect::<Vec<_>>().join(",");
        for state in ["no equals sign", "=v", "a=ü", &many] {
            let context = read(&format!("00-{IDS}-01"), Some(state)).expect("the parent stays");
            assert_eq!(context.trace_state(), "", "{state:?}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(header in ".*", state in ".*") {
            let _ = read(&header, Some(&state));
        }
    }
}
