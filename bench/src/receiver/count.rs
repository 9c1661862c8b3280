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
    /// Bytes of the bodies.
    pub(crate) bytes: u64,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.spans += other.spans;
        self.children += other.children;
        self.attributes += other.attributes;
        self.bytes += other.bytes;
    }
}

/// Fields of `ExportTraceServiceRequest`, `ResourceSpans`, `ScopeSpans` and `Span`.
const RESOURCE_SPANS: u32 = 1;
const SCOPE_SPANS: u32 = 2;
const SPANS: u32 = 2;
const PARENT_SPAN_ID: u32 = 4;
const ATTRIBUTES: u32 = 9;

impl Count {
    /// Of one `ExportTraceServiceRequest`.
    pub(super) fn of(request: &[u8]) -> Result<Self, WireError> {
        let mut count = Self { bytes: request.len() as u64, ..Self::default() };
        for_each(request, RESOURCE_SPANS, |resource_spans| {
            for_each(resource_spans, SCOPE_SPANS, |scope_spans| {
                for_each(scope_spans, SPANS, |span| count.add_span(span))
            })
        })?;
        Ok(count)
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

        let expected = Count { spans: 3, children: 1, attributes: 3, bytes: request.len() as u64 };
        assert_eq!(Count::of(&request), Ok(expected));
        assert!(Count::of(&request[..request.len() - 1]).is_err());
        assert_eq!(Count::of(b""), Ok(Count::default()));
    }
}
