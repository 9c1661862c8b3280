//! A log record.

use super::tag;
use super::writer::{Writer, field_length, varint_length};
use crate::context::Ids;

/// A log record whose parts are bytes already.
#[derive(Debug)]
pub(crate) struct Log<'a> {
    pub(crate) time_ns: u64,
    pub(crate) observed_ns: u64,
    /// 0 is none.
    pub(crate) severity: u8,
    pub(crate) severity_text: &'a str,
    /// An encoded `AnyValue`; `None`: there is no body.
    pub(crate) body: Option<&'a [u8]>,
    /// Encoded fields.
    pub(crate) attributes: &'a [u8],
    pub(crate) dropped: u32,
    pub(crate) ids: &'a Ids,
    pub(crate) event_name: &'a str,
}

impl Log<'_> {
    /// The length of the `LogRecord` message that [`Log::write`] writes.
    pub(crate) fn length(&self) -> usize {
        let optional = |length: usize| if length == 0 { 0 } else { field_length(length) };
        let ids = if self.ids.is_valid() { 18 + 10 + 5 } else { 0 };
        let dropped =
            if self.dropped == 0 { 0 } else { 1 + varint_length(u64::from(self.dropped)) };
        9 + 9
            + if self.severity == 0 { 0 } else { 2 }
            + optional(self.severity_text.len())
            + self.body.map_or(0, |body| field_length(body.len()))
            + self.attributes.len()
            + dropped
            + ids
            + optional(self.event_name.len())
    }

    /// Appends the record as a `log_records` field of `ScopeLogs`; `length` is [`Log::length`].
    pub(crate) fn write(&self, target: &mut Vec<u8>, length: usize) {
        let mut writer = Writer::reserve(target, field_length(length));
        let out = &mut writer;
        out.open(tag::LOG_IN_SCOPE, length);
        out.byte(0x09);
        out.bytes(&self.time_ns.to_le_bytes());
        if self.severity != 0 {
            out.byte(0x10);
            out.byte(self.severity);
        }
        if !self.severity_text.is_empty() {
            out.field(0x1a, self.severity_text.as_bytes());
        }
        if let Some(body) = self.body {
            out.field(0x2a, body);
        }
        out.bytes(self.attributes);
        if self.dropped != 0 {
            out.byte(0x38);
            out.varint(u64::from(self.dropped));
        }
        if self.ids.is_valid() {
            out.byte(0x45);
            out.bytes(&(self.ids.flags & 0xff).to_le_bytes());
            out.byte(0x4a);
            out.byte(16);
            out.bytes(&self.ids.trace_high.to_be_bytes());
            out.bytes(&self.ids.trace_low.to_be_bytes());
            out.byte(0x52);
            out.byte(8);
            out.bytes(&self.ids.span.to_be_bytes());
        }
        out.byte(0x59);
        out.bytes(&self.observed_ns.to_le_bytes());
        if !self.event_name.is_empty() {
            out.field(0x62, self.event_name.as_bytes());
        }
        writer.finish();
    }
}
