//! What a spool makes of a file, for tests that make up files.

use crate::SignalKind;
use crate::export::spool;

/// What [`read_segment`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// The requests that would be delivered, in order.
    pub requests: Vec<SpooledRequest>,
    /// Requests that are there and cannot be read any more.
    pub damaged: u64,
}

/// A request as it lies in the spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpooledRequest {
    /// The batch's name, as in the header `oxitel-batch-id`.
    pub id: String,
    /// What its records are.
    pub signal: SignalKind,
    /// How many there are, as the file says.
    pub records: u64,
    /// The bytes of the OTLP request.
    pub bytes: Vec<u8>,
}

/// Reads these bytes as a program that starts reads a segment of its spool; `None` when it would
/// leave the file alone: somebody else's, or a newer version's.
///
/// # Panics
///
/// When the first look at the file and the reading of it disagree.
pub fn read_segment(bytes: &[u8]) -> Option<Segment> {
    // A slice does not fail to be read.
    let (found, stored) = spool::read(bytes).ok().flatten()?;
    let records = stored.iter().fold(0, |sum: u64, one| sum.saturating_add(one.records));
    assert_eq!((found.left.batches, found.left.records), (stored.len() as u64, records));
    let requests = stored.into_iter().map(|one| SpooledRequest {
        id: one.id.to_string(),
        signal: one.signal,
        records: one.records,
        bytes: one.bytes.to_vec(),
    });
    Some(Segment { requests: requests.collect(), damaged: found.damaged })
}
