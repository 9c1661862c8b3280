//! A finished span, its events and its links.

use super::tag;
use super::writer::{Writer, field_length, varint_length};
use crate::pipeline::scratch::Scratch;

const fn count_length(count: u32) -> usize {
    if count == 0 { 0 } else { 1 + varint_length(count as u64) }
}

/// The length of the `Span` message that [`span`] writes.
#[inline]
pub(crate) fn span_length(scratch: &Scratch) -> usize {
    let optional = |length: usize| if length == 0 { 0 } else { field_length(length) };
    18 // trace id
        + 10 // span id
        + optional(scratch.trace_state.as_deref().map_or(0, str::len))
        + if scratch.parent == 0 { 0 } else { 10 }
        + field_length(scratch.name.len())
        + 2 // kind
        + 18 // start and end
        + scratch.attributes.live_length()
        + count_length(scratch.attributes.dropped)
        + scratch.events.bytes.len()
        + count_length(scratch.events.dropped)
        + scratch.links.bytes.len()
        + count_length(scratch.links.dropped)
        + optional(scratch.status.encoded_length())
        + 6 // flags
}

/// Appends the finished span as a `spans` field of `ScopeSpans`; `length` is [`span_length`].
#[inline]
pub(crate) fn span(target: &mut Vec<u8>, scratch: &Scratch, length: usize, end_ns: u64) {
    let state = scratch.trace_state.as_deref().unwrap_or("");
    let status = scratch.status.encoded_length();
    let mut writer = Writer::reserve(target, field_length(length));
    let out = &mut writer;
    out.open(tag::SPAN_IN_SCOPE, length);
    out.byte(0x0a);
    out.byte(16);
    out.bytes(&scratch.ids.trace_high.to_be_bytes());
    out.bytes(&scratch.ids.trace_low.to_be_bytes());
    out.byte(0x12);
    out.byte(8);
    out.bytes(&scratch.ids.span.to_be_bytes());
    if !state.is_empty() {
        out.field(0x1a, state.as_bytes());
    }
    if scratch.parent != 0 {
        out.byte(0x22);
        out.byte(8);
        out.bytes(&scratch.parent.to_be_bytes());
    }
    out.field(0x2a, scratch.name.as_bytes());
    out.byte(0x30);
    out.byte(scratch.kind as u8);
    out.byte(0x39);
    out.bytes(&scratch.start.wall_ns.to_le_bytes());
    out.byte(0x41);
    out.bytes(&end_ns.to_le_bytes());
    scratch.attributes.write_live(out);
    count(out, 0x50, scratch.attributes.dropped);
    out.bytes(&scratch.events.bytes);
    count(out, 0x60, scratch.events.dropped);
    out.bytes(&scratch.links.bytes);
    count(out, 0x70, scratch.links.dropped);
    if status != 0 {
        out.open(0x7a, status);
        scratch.status.encode(out);
    }
    out.bytes(&[0x85, 0x01]); // field 16, fixed32
    out.bytes(&scratch.flags.to_le_bytes());
    writer.finish();
}

fn count(out: &mut Writer<'_>, tag: u8, count: u32) {
    if count != 0 {
        out.byte(tag);
        out.varint(u64::from(count));
    }
}

/// Appends a `Span.Event` under the span's tag; `attributes` are encoded fields.
pub(crate) fn event(
    target: &mut Vec<u8>,
    time_ns: u64,
    name: &str,
    attributes: &[u8],
    dropped: u32,
) {
    let length = 9 + field_length(name.len()) + attributes.len() + count_length(dropped);
    let mut writer = Writer::reserve(target, field_length(length));
    writer.open(tag::SPAN_EVENT, length);
    writer.byte(0x09);
    writer.bytes(&time_ns.to_le_bytes());
    writer.field(0x12, name.as_bytes());
    writer.bytes(attributes);
    count(&mut writer, 0x20, dropped);
    writer.finish();
}

/// What a link points at, ready for the wire.
pub(crate) struct LinkTarget<'a> {
    pub(crate) trace_id: [u8; 16],
    pub(crate) span_id: [u8; 8],
    pub(crate) trace_state: &'a str,
    pub(crate) flags: u32,
}

/// Appends a `Span.Link` under the span's tag; `attributes` are encoded fields.
pub(crate) fn link(target: &mut Vec<u8>, to: &LinkTarget<'_>, attributes: &[u8], dropped: u32) {
    let state = to.trace_state;
    let length = 18
        + 10
        + if state.is_empty() { 0 } else { field_length(state.len()) }
        + attributes.len()
        + count_length(dropped)
        + 5;
    let mut writer = Writer::reserve(target, field_length(length));
    writer.open(tag::SPAN_LINK, length);
    writer.field(0x0a, &to.trace_id);
    writer.field(0x12, &to.span_id);
    if !state.is_empty() {
        writer.field(0x1a, state.as_bytes());
    }
    writer.bytes(attributes);
    count(&mut writer, 0x28, dropped);
    writer.byte(0x35);
    writer.bytes(&to.flags.to_le_bytes());
    writer.finish();
}
