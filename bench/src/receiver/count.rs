//! Counts what OTLP requests carry, without decoding it.

use oxitel::wire::{Content, Fields, WireError};
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// What some requests carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Count {
    pub(crate) spans: u64,
    /// Spans that have a parent.
    pub(crate) children: u64,
    /// Attributes of spans.
    pub(crate) attributes: u64,
    /// Log records.
    pub(crate) records: u64,
    /// Log records with a trace id.
    pub(crate) placed: u64,
    /// Bytes of the bodies.
    pub(crate) bytes: u64,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.spans += other.spans;
        self.children += other.children;
        self.attributes += other.attributes;
        self.records += other.records;
        self.placed += other.placed;
        self.bytes += other.bytes;
    }
}

/// What a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Logs,
}

/// Fields of `ExportTraceServiceRequest`, `ResourceSpans` and `ScopeSpans`, and of their like for
/// logs, which have the same numbers.
const RESOURCES: u32 = 1;
const SCOPES: u32 = 2;
const ITEMS: u32 = 2;
/// Fields of `Span`.
const PARENT_SPAN_ID: u32 = 4;
const ATTRIBUTES: u32 = 9;
/// A field of `LogRecord`.
const TRACE_ID: u32 = 9;

impl Count {
    /// Of one request.
    pub(super) fn of(signal: Signal, request: &[u8]) -> Result<Self, WireError> {
        let mut count = Self { bytes: request.len() as u64, ..Self::default() };
        for_each(request, RESOURCES, |resource| {
            for_each(resource, SCOPES, |scope| {
                for_each(scope, ITEMS, |item| match signal {
                    Signal::Traces => count.add_span(item),
                    Signal::Logs => count.add_record(item),
                })
            })
        })?;
        Ok(count)
    }

    fn add_record(&mut self, record: &[u8]) -> Result<(), WireError> {
        self.records += 1;
        for_each(record, TRACE_ID, |id| {
            self.placed += u64::from(id.len() == 16);
            Ok(())
        })
    }

    fn add_span(&mut self, span: &[u8]) -> Result<(), WireError> {
        self.spans += 1;
        for_each(span, PARENT_SPAN_ID, |parent| {
            self.children += u64::from(!parent.is_empty());
            Ok(())
        })?;
        for_each(span, ATTRIBUTES, |_| {
            self.attributes += 1;
            Ok(())
        })
    }
}

/// Calls `action` with every message of this field number.
fn for_each(
    message: &[u8],
    wanted: u32,
    mut action: impl FnMut(&[u8]) -> Result<(), WireError>,
) -> Result<(), WireError> {
    for field in Fields::new(message) {
        if let (number, Content::Bytes(content)) = field?
            && number == wanted
        {
            action(content)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("short contents");
        [&[number << 3 | 2, length], content].concat()
    }

    #[test]
    fn spans_parents_and_attributes_are_counted_through_all_envelopes() {
        let attribute = field(9, &field(1, b"key"));
        let root = field(2, &[field(1, &[1; 16]), attribute.clone()].concat());
        let child = field(2, &[field(4, &[2; 8]), attribute.clone(), attribute].concat());
        // An SDK that writes "no parent" as an empty field means a root all the same.
        let other_root = field(2, &field(4, b""));
        let scope = field(1, &field(1, b"bench"));
        let scope_spans = field(2, &[scope, root, child, other_root].concat());
        let resource = field(1, &field(1, b"resource"));
        let request = field(1, &[resource, scope_spans].concat());

        let bytes = request.len() as u64;
        let expected = Count { spans: 3, children: 1, attributes: 3, bytes, ..Count::default() };
        assert_eq!(Count::of(Signal::Traces, &request), Ok(expected));
        assert!(Count::of(Signal::Traces, &request[..request.len() - 1]).is_err());
        assert_eq!(Count::of(Signal::Traces, b""), Ok(Count::default()));
    }

    #[test]
    fn log_records_are_counted_with_and_without_a_trace() {
        let placed = field(2, &field(9, &[1; 16]));
        let alone = field(2, &field(3, b"INFO"));
        let request = field(1, &field(2, &[placed, alone].concat()));
        let bytes = request.len() as u64;
        let expected = Count { records: 2, placed: 1, bytes, ..Count::default() };
        assert_eq!(Count::of(Signal::Logs, &request), Ok(expected));
    }
}
