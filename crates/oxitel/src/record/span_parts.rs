//! Events and links of a span, read from their encoding.

use super::span_ref::{ValueRef, pair};
use crate::context::{Ids, SpanContext, SpanId, TraceFlags, TraceId};
use crate::wire::{Content, Fields};

/// Something that happened during a span.
#[derive(Clone, Debug)]
pub struct EventRef<'a>(Fields<'a>);

impl<'a> EventRef<'a> {
    /// What happened.
    pub fn name(&self) -> &'a str {
        text(self.0.clone(), 2)
    }

    /// When, in nanoseconds since 1970.
    pub fn time_ns(&self) -> u64 {
        let time = self.0.clone().flatten().find_map(|field| match field {
            (1, Content::Fixed64(time_ns)) => Some(time_ns),
            _ => None,
        });
        time.unwrap_or(0)
    }

    /// What else was said.
    pub fn attributes(&self) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> {
        pairs(self.0.clone(), 3)
    }

    /// How many attributes a limit left out.
    pub fn dropped_attributes(&self) -> u32 {
        number(self.0.clone(), 4)
    }
}

/// A span that another one points at.
#[derive(Clone, Debug)]
pub struct LinkRef<'a>(Fields<'a>);

impl<'a> LinkRef<'a> {
    /// The other span.
    pub fn context(&self) -> SpanContext {
        let (mut trace_id, mut span_id, mut flags) = ([0; 16], [0; 8], 0);
        for field in self.0.clone().flatten() {
            match field {
                (1, Content::Bytes(id)) => trace_id = id.try_into().unwrap_or(trace_id),
                (2, Content::Bytes(id)) => span_id = id.try_into().unwrap_or(span_id),
                (6, Content::Fixed32(bits)) => flags = bits,
                _ => {}
            }
        }
        let is_remote = flags & Ids::REMOTE != 0;
        let trace_state = text(self.0.clone(), 3);
        SpanContext {
            ids: Ids::new(
                TraceId::from_bytes(trace_id),
                SpanId::from_bytes(span_id),
                TraceFlags((flags & 0xff) as u8),
                is_remote,
            ),
            trace_state: (!trace_state.is_empty()).then(|| trace_state.into()),
        }
    }

    /// What else was said.
    pub fn attributes(&self) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> {
        pairs(self.0.clone(), 4)
    }

    /// How many attributes a limit left out.
    pub fn dropped_attributes(&self) -> u32 {
        number(self.0.clone(), 5)
    }
}

/// The events in their encoding, each under its tag.
pub(super) fn events(encoded: &[u8]) -> impl Iterator<Item = EventRef<'_>> {
    messages(Fields::new(encoded), 11).map(|message| EventRef(Fields::new(message)))
}

/// The links in their encoding, each under its tag.
pub(super) fn links(encoded: &[u8]) -> impl Iterator<Item = LinkRef<'_>> {
    messages(Fields::new(encoded), 13).map(|message| LinkRef(Fields::new(message)))
}

fn messages(fields: Fields<'_>, number: u32) -> impl Iterator<Item = &[u8]> {
    fields.flatten().filter_map(move |field| match field {
        (found, Content::Bytes(message)) if found == number => Some(message),
        _ => None,
    })
}

fn pairs(fields: Fields<'_>, number: u32) -> impl Iterator<Item = (&str, ValueRef<'_>)> {
    messages(fields, number).filter_map(pair)
}

fn number(fields: Fields<'_>, number: u32) -> u32 {
    let found = fields.flatten().find_map(|field| match field {
        (known, Content::Varint(count)) if known == number => Some(count as u32),
        _ => None,
    });
    found.unwrap_or(0)
}

/// The text of a field; empty if there is none.
pub(super) fn text(fields: Fields<'_>, number: u32) -> &str {
    messages(fields, number).find_map(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
}
