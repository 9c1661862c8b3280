//! Ids as B3 and Jaeger write them: hexadecimal digits of either case, leading zeros left out.

use crate::context::{SpanId, TraceId};
use std::ops::RangeInclusive;

/// A trace id of so many digits; `None` when it is not valid.
pub(super) fn trace_id(text: &str, digits: RangeInclusive<usize>) -> Option<TraceId> {
    let id = TraceId::from_bytes(number(text, digits)?.to_be_bytes());
    id.is_valid().then_some(id)
}

/// A span id of so many digits, 16 at most; `None` when it is not valid.
pub(super) fn span_id(text: &str, digits: RangeInclusive<usize>) -> Option<SpanId> {
    let number = u64::try_from(number(text, digits)?).ok()?;
    let id = SpanId::from_bytes(number.to_be_bytes());
    id.is_valid().then_some(id)
}

/// A number of so many digits.
pub(super) fn number(text: &str, digits: RangeInclusive<usize>) -> Option<u128> {
    // `from_str_radix` would take a sign as well.
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex && digits.contains(&text.len()) { u128::from_str_radix(text, 16).ok() } else { None }
}
