//! The bytes of a segment file, version 1. All numbers are little-endian.
//!
//! ```text
//! offset 0     header: magic 8, version 1, zeros 3, checksum 4   the same in every version
//!              key 8, checksum 4                                 random, this file's own
//! offset 512   mark: how far the records are dealt with          each in a sector of its own,
//! offset 1024  mark: the same, written in turn                   so that one of them is whole
//! offset 1536  record, record, …                                 64 bytes and the request
//! ```
//!
//! Each record can be read by itself, so what is damaged takes nothing else with it. Lost are
//! exactly the records whose ordinals are missing.

use super::super::{BatchId, SignalKind};
use crc32fast::Hasher;

/// The version that is written, and the newest one that is read.
pub(super) const VERSION: u8 = 1;

pub(super) const HEADER: usize = 28;
pub(super) const HEAD: usize = 64;
pub(super) const MARK: usize = 28;
pub(super) const MARKS_AT: [u64; 2] = [512, 1024];
pub(super) const RECORDS_AT: u64 = 1536;

const MAGIC: [u8; 8] = *b"OXISPOOL";
const MARK_MAGIC: [u8; 4] = *b"Oxi\xd5";
/// What every record begins with.
pub(super) const HEAD_MAGIC: [u8; 4] = *b"Oxi\xf5";

/// What the beginning of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// Ours; the key, if it can be read.
    Known { key: Option<u64> },
    /// Written by a program that knows more than this one.
    Newer { version: u8 },
    /// Damaged, or no file of ours.
    Unreadable,
}

impl Header {
    pub(super) fn encode(key: u64) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8] = VERSION;
        let crc = checksum(&bytes[..12]);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        bytes[16..24].copy_from_slice(&key.to_le_bytes());
        let crc = checksum(&bytes[16..24]);
        bytes[24..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(super) fn read(bytes: &[u8; HEADER]) -> Self {
        if bytes[..8] != MAGIC || u32_at(bytes, 12) != checksum(&bytes[..12]) {
            return Self::Unreadable;
        }
        match bytes[8] {
            version if version > VERSION => Self::Newer { version },
            _ => {
                let is_whole = u32_at(bytes, 24) == checksum(&bytes[16..24]);
                Self::Known { key: is_whole.then(|| u64_at(bytes, 16)) }
            }
        }
    }

    /// Whether a file that holds no record may still be one of ours: the program ended, or the
    /// power, while it was made.
    pub(super) fn may_have_begun(bytes: &[u8]) -> bool {
        let magic = &bytes[..bytes.len().min(MAGIC.len())];
        MAGIC.starts_with(magic) || bytes.iter().all(|byte| *byte == 0)
    }
}

/// What stands before a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The file's; what lies in a request and looks like a record does not know it.
    pub(super) key: u64,
    /// The place among the file's records, from 0 on without a gap.
    pub(super) ordinal: u32,
    pub(super) id: BatchId,
    pub(super) signal: SignalKind,
    pub(super) records: u64,
    pub(super) length: u32,
    /// Of the request.
    pub(super) checksum: u32,
}

impl Head {
    pub(super) fn encode(&self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..4].copy_from_slice(&HEAD_MAGIC);
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.key.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.ordinal.to_le_bytes());
        bytes[20] = code(self.signal);
        bytes[24..32].copy_from_slice(&self.records.to_le_bytes());
        bytes[32..48].copy_from_slice(&self.id.sender.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.id.number.to_le_bytes());
        bytes[56..60].copy_from_slice(&self.checksum.to_le_bytes());
        let crc = checksum(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(super) fn read(bytes: &[u8; HEAD]) -> Option<Self> {
        if bytes[..4] != HEAD_MAGIC || u32_at(bytes, 60) != checksum(&bytes[..60]) {
            return None;
        }
        let sender = u128::from_le_bytes(*bytes[32..].first_chunk()?);
        Some(Self {
            key: u64_at(bytes, 8),
            ordinal: u32_at(bytes, 16),
            id: BatchId { sender, number: u64_at(bytes, 48) },
            signal: SignalKind::ALL.into_iter().find(|signal| code(*signal) == bytes[20])?,
            records: u64_at(bytes, 24),
            length: u32_at(bytes, 4),
            checksum: u32_at(bytes, 56),
        })
    }

    /// The record's length in the file.
    pub(super) fn whole(&self) -> u64 {
        HEAD as u64 + u64::from(self.length)
    }
}

/// How far a file's records are dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) key: u64,
    /// The first record that is not dealt with: its ordinal, and where it begins.
    pub(super) ordinal: u32,
    pub(super) at: u64,
}

impl Mark {
    pub(super) fn encode(&self) -> [u8; MARK] {
        let mut bytes = [0; MARK];
        bytes[..4].copy_from_slice(&MARK_MAGIC);
        bytes[4..12].copy_from_slice(&self.key.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.ordinal.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.at.to_le_bytes());
        let crc = checksum(&bytes[..24]);
        bytes[24..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(super) fn read(bytes: &[u8; MARK]) -> Option<Self> {
        if bytes[..4] != MARK_MAGIC || u32_at(bytes, 24) != checksum(&bytes[..24]) {
            return None;
        }
        let mark =
            Self { key: u64_at(bytes, 4), ordinal: u32_at(bytes, 12), at: u64_at(bytes, 16) };
        (mark.at >= RECORDS_AT).then_some(mark)
    }
}

/// The checksum of bytes that lie in pieces.
pub(super) fn checksum_of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> u32 {
    let mut hasher = Hasher::new();
    pieces.into_iter().for_each(|piece| hasher.update(piece));
    hasher.finalize()
}

fn checksum(bytes: &[u8]) -> u32 {
    checksum_of([bytes])
}

fn code(signal: SignalKind) -> u8 {
    match signal {
        SignalKind::Traces => 1,
        SignalKind::Metrics => 2,
        SignalKind::Logs => 3,
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
