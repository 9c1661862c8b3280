//! What the spool promises, on a disk of paper and on the real one.

mod damage;
mod disk;
mod keeper;
mod model;
mod random;

use super::{Entry, Options, Spool, Stored, files::Files};
use crate::export::{BatchId, SignalKind};
use bytes::Bytes;
use model::Model;
use std::path::Path;

const OPTIONS: Options = Options { quota_bytes: 24 << 10, segment_bytes: 6 << 10 };

fn open(disk: &Model) -> Spool<Model> {
    Spool::open(disk.clone(), Path::new("spool"), OPTIONS).expect("a disk that is well")
}

fn id(number: u64) -> BatchId {
    BatchId { sender: 7, number }
}

/// A request that tells its number.
fn request(number: u64, length: usize) -> Vec<u8> {
    (0..length as u64).map(|at| (number.wrapping_mul(31) + at * 7) as u8).collect()
}

fn append<F: Files>(spool: &mut Spool<F>, number: u64, length: usize) {
    append_bytes(spool, number, &request(number, length));
}

fn append_bytes<F: Files>(spool: &mut Spool<F>, number: u64, bytes: &[u8]) {
    let pieces = [Bytes::copy_from_slice(bytes)];
    let entry = Entry { id: id(number), signal: SignalKind::Logs, records: 1, pieces: &pieces };
    spool.append(&entry).expect("there is room");
}

/// Whether there is room for it.
fn offer<F: Files>(spool: &mut Spool<F>, number: u64, length: usize) -> bool {
    let pieces = [Bytes::from(request(number, length))];
    let entry = Entry { id: id(number), signal: SignalKind::Logs, records: 1, pieces: &pieces };
    spool.append(&entry).is_ok()
}

/// Everything, in order; each is done.
fn drain<F: Files>(spool: &mut Spool<F>) -> Vec<Stored> {
    let mut all = Vec::new();
    while let Some(stored) = spool.oldest().expect("readable") {
        assert!(spool.done(stored.id));
        all.push(stored);
    }
    all
}

fn numbers(batches: &[Stored]) -> Vec<u64> {
    batches.iter().map(|stored| stored.id.number).collect()
}
