//! Puts the envelopes around buffers: one request, its records grouped by scope.
//!
//! Records are not copied. Each buffer becomes reference-counted bytes that return to the pool
//! when the last slice of them is dropped, so an attempt can be repeated.

use crate::pipeline::encode::{field_length, message, varint_length};
use crate::pipeline::scope::ScopeData;
use crate::pipeline::{Buffer, Lane};
use bytes::Bytes;
use std::mem;

/// Everything one request carries.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pieces: Vec<Bytes>,
    length: usize,
    records: u64,
}

/// The records of one scope, over all buffers.
#[derive(Debug)]
struct Group {
    scope: &'static ScopeData,
    slices: Vec<Bytes>,
    length: usize,
}

impl Batch {
    /// Takes the buffers' records; `resource` is an encoded `Resource`.
    pub(crate) fn new(resource: &[u8], buffers: Vec<Buffer>, lane: &'static Lane) -> Self {
        let records = buffers.iter().map(|buffer| buffer.records).sum();
        let groups = grouped(buffers, lane);
        let resource_spans = field_length(resource.len())
            + groups.iter().map(|group| field_length(group.inner_length())).sum::<usize>();

        let mut head = Vec::new();
        open(&mut head, 0x0a, resource_spans);
        message(&mut head, 0x0a, resource);
        let mut pieces = Vec::new();
        for group in groups {
            open(&mut head, 0x12, group.inner_length());
            message(&mut head, 0x0a, &group.scope.bytes);
            pieces.push(Bytes::from(mem::take(&mut head)));
            pieces.extend(group.slices);
            if !group.scope.schema_url.is_empty() {
                message(&mut head, 0x1a, group.scope.schema_url.as_bytes());
            }
        }
        pieces.push(Bytes::from(head));
        Self { pieces, length: field_length(resource_spans), records }
    }

    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// The encoded length of the request.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// The request in order; cloning a piece copies a pointer.
    pub(super) fn pieces(&self) -> Vec<Bytes> {
        self.pieces.clone()
    }
}

impl Group {
    /// The length of the `ScopeSpans` message.
    fn inner_length(&self) -> usize {
        let schema = self.scope.schema_url.len();
        field_length(self.scope.bytes.len())
            + self.length
            + if schema == 0 { 0 } else { field_length(schema) }
    }
}

fn grouped(buffers: Vec<Buffer>, lane: &'static Lane) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for buffer in buffers {
        // A copy: the buffer keeps its index, as the next thread wants one that has room.
        let runs = buffer.runs.clone();
        let bytes = Bytes::from_owner(Loan { buffer, lane });
        for run in runs {
            let (start, length) = (run.offset as usize, run.length as usize);
            let slice = bytes.slice(start..start + length);
            let known = groups.iter_mut().find(|group| std::ptr::eq(group.scope, run.scope));
            match known {
                Some(group) => {
                    group.slices.push(slice);
                    group.length += length;
                }
                None => groups.push(Group { scope: run.scope, slices: vec![slice], length }),
            }
        }
    }
    groups
}

/// A buffer on its way out; the pool gets it back when the last slice is gone.
#[derive(Debug)]
struct Loan {
    buffer: Buffer,
    lane: &'static Lane,
}

impl AsRef<[u8]> for Loan {
    fn as_ref(&self) -> &[u8] {
        &self.buffer.bytes
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.lane.memory.give_back(mem::take(&mut self.buffer));
    }
}

/// Tag and length of a message whose content follows in later pieces.
fn open(head: &mut Vec<u8>, tag: u8, length: usize) {
    head.reserve(1 + varint_length(length as u64));
    head.push(tag);
    let mut rest = length;
    while rest >= 0x80 {
        head.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    head.push(rest as u8);
}
