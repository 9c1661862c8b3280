//! Files that a spool may find: a valid segment, and what can happen to it.

use crate::random::Random;
use oxitel::testing::{Segment, read_segment};

/// A file of three requests, as a program wrote it.
const VALID: &[u8] = include_bytes!("../corpus/spool/three.segment");
/// Its requests begin here.
const RECORDS_AT: usize = 1536;
/// No request takes less room.
const SMALLEST: usize = 64;

/// A file that follows from its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolCase {
    /// What lies on the disk.
    pub bytes: Vec<u8>,
    /// So many single bytes were changed and nothing else; none when more happened to it.
    pub changed: Option<usize>,
}

/// The case of this number.
pub fn spool_case(seed: u64) -> SpoolCase {
    let mut random = Random::new(seed);
    if random.once_in(2) { changed(&mut random) } else { mangled(&mut random) }
}

/// A few bytes are other ones.
fn changed(random: &mut Random) -> SpoolCase {
    let mut bytes = VALID.to_vec();
    let count = 1 + random.below(4);
    for _ in 0..count {
        let at = place(random, bytes.len());
        bytes[at] ^= 1 + random.below(255) as u8;
    }
    SpoolCase { bytes, changed: Some(count) }
}

/// Anything: cut, repeated, moved, filled with whatever.
fn mangled(random: &mut Random) -> SpoolCase {
    let mut bytes = VALID.to_vec();
    for _ in 0..=random.below(6) {
        let at = place(random, bytes.len().max(1)).min(bytes.len());
        let end = (at + random.below(200)).min(bytes.len());
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let copy = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            3 => bytes[at..end].fill(0),
            4 => (0..random.below(300)).for_each(|_| bytes.push(random.number() as u8)),
            _ => bytes.extend_from_slice(&VALID[RECORDS_AT.min(VALID.len())..]),
        }
    }
    SpoolCase { bytes, changed: None }
}

/// More often where something is.
fn place(random: &mut Random, length: usize) -> usize {
    let start = if random.once_in(3) { 0 } else { RECORDS_AT.min(length - 1) };
    start + random.below(length - start)
}

/// What is wrong with how the file is read; a panic goes through.
pub fn check_spool(case: &SpoolCase) -> Result<(), String> {
    let Some(found) = read_segment(&case.bytes) else {
        // What one wrong byte makes unreadable would be lost without a word.
        let is_ours = case.changed == Some(1);
        return if is_ours { Err("one wrong byte hides the file".to_owned()) } else { Ok(()) };
    };
    bounded(&found, case.bytes.len())?;
    case.changed.map_or(Ok(()), |changed| complete(&found, changed))
}

fn bounded(found: &Segment, length: usize) -> Result<(), String> {
    let bytes: usize = found.requests.iter().map(|one| one.bytes.len() + SMALLEST).sum();
    if bytes > length {
        return Err(format!("{bytes} bytes of requests in a file of {length}"));
    }
    Ok(())
}

/// Each wrong byte costs one request at most, and what is left is unchanged. That something is lost
/// is told; how much, as long as no request has two wrong bytes.
fn complete(found: &Segment, changed: usize) -> Result<(), String> {
    let all = read_segment(VALID).unwrap_or_default().requests;
    let strange = found.requests.iter().find(|one| !all.contains(one));
    if let Some(strange) = strange {
        return Err(format!("nobody wrote {strange:?}"));
    }
    let lost = all.len() - found.requests.len();
    let told = if lost == changed { lost } else { lost.min(1) };
    if lost > changed || found.damaged < told as u64 {
        let damaged = found.damaged;
        return Err(format!("{lost} are lost by {changed} bytes, {damaged} are counted"));
    }
    Ok(())
}
