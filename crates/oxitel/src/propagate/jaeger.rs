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

/// Names are in lower case, whatever libraries and proxies made of them on the way.
pub(super) fn extract_baggage(carrier: &dyn Extract) -> Baggage {
    let mut baggage = Baggage::new();
    carrier.visit(&mut |header, value| {
        let Some((prefix, name)) = header.split_at_checked(BAGGAGE_PREFIX.len()) else { return };
        let is_ours = prefix.eq_ignore_ascii_case(BAGGAGE_PREFIX) && is_token(name);
        // What is full takes no further name, and need not decode the value to say so.
        if is_ours && !baggage.is_full() {
            baggage.insert(name.to_ascii_lowercase(), percent::decode(trim(value), true));
        }
    });
    baggage
}

#[cfg(test)]
mod tests {
    use super::{extract, extract_baggage, inject};
    use crate::context::{Baggage, SpanContext};
    use proptest::prelude::*;

    const TRACE: &str = "5af7183fb1d4cf5f0123456789abcdef";
    const SPAN: &str = "6b221d5bc9e6496c";

    /// What of a header is understood, as it is written again.
    fn read(header: &str) -> Option<String> {
        let span = extract(&[("Uber-Trace-Id", header)])?;
        Some(written(&span, &Baggage::new()).remove(0).1)
    }

    fn written(span: &SpanContext, baggage: &Baggage) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        inject(span, baggage, &mut headers);
        headers
    }

    #[test]
    fn ids_may_lack_their_leading_zeros_and_colons_may_be_encoded() {
        let expected = Some(format!("{TRACE}:{SPAN}:0:1"));
        assert_eq!(read(&format!("{TRACE}:{SPAN}:0:1")), expected);
        assert_eq!(read(&format!(" {TRACE}:{SPAN}:{SPAN}:01 ")), expected);
        assert_eq!(read(&format!("{TRACE}%3A{SPAN}%3a0%3A1")), expected);
        let short = format!("{:0>32}:{:0>16}:0:0", "1f", "a");
        assert_eq!(read("1F:a:0:0"), Some(short));
    }

    #[test]
    fn flags_are_a_bitmap_and_debug_says_sampled() {
        let flags = |received: &str| {
            let sent = read(&format!("1:2:0:{received}")).expect("valid");
            sent.rsplit_once(':').expect("four parts").1.to_owned()
        };
        for (received, sent) in
            [("0", "0"), ("1", "1"), ("3", "3"), ("2", "3"), ("09", "1"), ("ff", "3"), ("fc", "0")]
        {
            assert_eq!(flags(received), sent, "{received}");
        }
    }

    #[test]
    fn broken_headers_are_no_parents() {
        for header in [
            "",
            "0:2:0:1",
            "1:0:0:1",
            "1:2:0",
            "1:2:0:",
            "1:2::1",
            "1:2:0:1:0",
            "1:2:0:100",
            "1:2:x:1",
            "+1:2:0:1",
            "1:-2:0:1",
            "1:2:0:1%",
            "123456789012345678901234567890123:2:0:1",
            "1:12345678901234567:0:1",
            "%3A%3A%3A",
            "1:2:0:1é",
        ] {
            assert_eq!(read(header), None, "{header}");
        }
        let twice = [("uber-trace-id", "1:2:0:1"), ("uber-trace-id", "1:3:0:1")];
        assert_eq!(extract(&twice), None, "of two parents neither is right");
    }

    #[test]
    fn baggage_travels_in_headers_of_its_own() {
        let headers = [
            ("Uberctx-User", "J%C3%BCrgen+M%2B"),
            ("uberctx-", "no name"),
            ("uberctx", "no name"),
            ("uberctx-a b", "no token"),
            ("uberctx-empty", " "),
        ];
        let mut expected = Baggage::new();
        assert!(expected.insert("user", "Jürgen M+") && expected.insert("empty", ""));
        assert_eq!(extract_baggage(&headers), expected);
        let sent = written(&SpanContext::NONE, &expected);
        let sent: Vec<_> = sent.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(sent, [("uberctx-user", "J%C3%BCrgen%20M%2B"), ("uberctx-empty", "")]);
    }

    #[test]
    fn baggage_has_the_limits_of_the_w3c() {
        let headers: Vec<_> = (0..100).map(|i| (format!("uberctx-k{i}"), "v")).collect();
        assert_eq!(extract_baggage(&headers).len(), 64);
    }

    proptest! {
        #[test]
        fn any_headers_are_read_without_panic(header in "([0-9a-f:%+]|.)*", name in ".*", value in ".*") {
            let name = format!("uberctx-{name}");
            let headers = [("uber-trace-id", header.as_str()), (name.as_str(), value.as_str())];
            let _ = (extract(&headers), extract_baggage(&headers));
        }

        #[test]
        fn any_value_travels(name in "[a-z0-9.-]{1,9}", value in ".*") {
            let mut baggage = Baggage::new();
            prop_assume!(baggage.insert(name, value));
            prop_assert_eq!(extract_baggage(&written(&SpanContext::NONE, &baggage)), baggage);
        }
    }
}
