//! Puts the envelopes around parcels: one request, its records grouped by scope.
//!
//! Records are not copied. A batch is slices of its parcels' bytes, so an attempt can be repeated.

use super::SignalKind;
use crate::pipeline::encode::{field_length, message, varint_length};
use crate::pipeline::scope::ScopeData;
use crate::pipeline::{Content, Parcel};
use bytes::Bytes;
use std::{fmt, mem};

/// What a batch is called, in each of its attempts: a receiver that has it can drop a second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BatchId {
    /// Random, one for each process.
    pub(crate) sender: u128,
    pub(crate) number: u64,
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}-{}", self.sender, self.number)
    }
}

/// Everything one request carries.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    id: BatchId,
    signal: SignalKind,
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
    /// The parcels' records; `resource` is an encoded `Resource`.
    pub(crate) fn new(
        id: BatchId,
        signal: SignalKind,
        resource: &[u8],
        parcels: &[Parcel],
    ) -> Self {
        let records = parcels.iter().map(|parcel| parcel.records).sum();
        let groups = grouped(parcels);
        let scopes = parcels.iter().filter(|parcel| matches!(parcel.content, Content::Scopes));
        let resource_spans = field_length(resource.len())
            + scopes.clone().map(|parcel| parcel.bytes.len()).sum::<usize>()
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
        pieces.extend(scopes.map(|parcel| parcel.bytes.clone()));
        Self { id, signal, pieces, length: field_length(resource_spans), records }
    }

    /// A request that is encoded already.
    pub(crate) fn encoded(id: BatchId, signal: SignalKind, records: u64, request: Bytes) -> Self {
        Self { id, signal, length: request.len(), pieces: vec![request], records }
    }

    pub(crate) fn id(&self) -> BatchId {
        self.id
    }

    pub(crate) fn signal(&self) -> SignalKind {
        self.signal
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

fn grouped(parcels: &[Parcel]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for parcel in parcels {
        let Content::Records(runs) = &parcel.content else { continue };
        for run in runs.iter() {
            let (start, length) = (run.offset as usize, run.length as usize);
            let slice = parcel.bytes.slice(start..start + length);
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
