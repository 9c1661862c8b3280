//! What lies in the folder may be broken, of another version, or somebody else's.

use super::super::bytes::Memory;
use super::super::format::{HEAD, RECORDS_AT};
use super::super::walk::{Contents, Survey, survey};
use super::super::{Options, Spool};
use super::model::Model;
use super::{append, drain, numbers, open};
use std::path::Path;

const SEGMENT: &str = "spool/0/0000000000000001.segment";

/// A disk with one segment of three batches, and its bytes.
fn small() -> (Model, Vec<u8>) {
    let disk = Model::new(1);
    let mut spool = open(&disk);
    (0..3).for_each(|number| append(&mut spool, number, 40));
    assert!(spool.sync().lost.is_empty());
    drop(spool);
    let bytes = disk.content(SEGMENT);
    (disk, bytes)
}

/// A disk that has these bytes as its only segment.
fn with_segment(bytes: &[u8]) -> Model {
    let disk = Model::new(1);
    drop(open(&disk));
    disk.put(SEGMENT, bytes);
    disk
}

#[test]
fn a_wrong_byte_at_any_place_takes_its_own_batch_and_no_other() {
    let (_, bytes) = small();
    for at in 0..bytes.len() {
        let mut broken = bytes.clone();
        broken[at] ^= 0x41;
        let mut spool = open(&with_segment(&broken));
        let got = numbers(&drain(&mut spool));
        let hit = at.checked_sub(RECORDS_AT as usize).map(|at| (at / (HEAD + 40)) as u64);
        let expected: Vec<_> = (0..3).filter(|number| Some(*number) != hit).collect();
        assert_eq!(got, expected, "byte {at}");
        let damaged = spool.recovered().damaged + spool.lost().batches;
        assert_eq!(damaged, u64::from(hit.is_some()), "byte {at}");
    }
}

#[test]
fn a_file_that_ends_anywhere_gives_what_is_whole() {
    let (_, bytes) = small();
    for length in 0..bytes.len() {
        let mut spool = open(&with_segment(&bytes[..length]));
        let whole = length.saturating_sub(RECORDS_AT as usize) / (HEAD + 40);
        assert_eq!(drain(&mut spool).len(), whole, "{length} bytes");
        assert_eq!(spool.recovered().damaged, 0, "what was not finished was not accepted");
        assert_eq!(spool.bytes(), 0, "nothing is left of it");
    }
}

#[test]
fn a_byte_that_goes_wrong_while_the_spool_is_open_is_counted_too() {
    let disk = Model::new(1);
    let mut spool = open(&disk);
    (0..3).for_each(|number| append(&mut spool, number, 40));
    assert!(spool.sync().lost.is_empty());
    assert!(disk.corrupt(0, RECORDS_AT + (HEAD + 40) as u64 + 70, 0xff));
    assert_eq!(numbers(&drain(&mut spool)), [0, 2]);
    assert_eq!((spool.lost().batches, spool.left().batches), (1, 0));
}

#[test]
fn what_looks_like_a_record_inside_of_a_request_is_none() {
    let (_, bytes) = small();
    let record = &bytes[RECORDS_AT as usize..][..HEAD + 40];
    let disk = Model::new(2);
    let mut spool = open(&disk);
    super::append_bytes(&mut spool, 0, record);
    append(&mut spool, 1, 40);
    assert!(spool.sync().lost.is_empty());
    drop(spool);
    let mut bytes = disk.content(SEGMENT);
    bytes[RECORDS_AT as usize] ^= 1;
    let mut spool = open(&with_segment(&bytes));
    assert_eq!(numbers(&drain(&mut spool)), [1]);
    assert_eq!(spool.recovered().damaged, 1);
}

/// Bytes that were written once; this must never stop to open them.
const VERSION_1: &[u8] = include_bytes!("version_1.segment");

#[test]
fn a_file_of_version_1_opens() {
    let mut spool = open(&with_segment(VERSION_1));
    let got = drain(&mut spool);
    let shown: Vec<_> = got
        .iter()
        .map(|one| {
            let text = String::from_utf8_lossy(&one.bytes);
            format!("{} {} {} {text}", one.id, one.signal, one.records)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "0123456789abcdef0123456789abcdef-0 traces 1 the first",
            "0123456789abcdef0123456789abcdef-1 metrics 20 the second",
            "0123456789abcdef0123456789abcdef-7 logs 300 the third",
        ]
    );
    assert_eq!(spool.recovered().damaged, 0);
}

#[test]
fn files_of_a_newer_version_stay_and_another_slot_is_used() {
    let (_, mut bytes) = small();
    bytes[8] = 2;
    let crc = crc32fast::hash(&bytes[..12]).to_le_bytes();
    bytes[12..16].copy_from_slice(&crc);
    let disk = with_segment(&bytes);
    let mut spool = open(&disk);
    assert!(spool.has_newer_files());
    append(&mut spool, 9, 40);
    assert!(spool.sync().lost.is_empty());
    assert_eq!(numbers(&drain(&mut spool)), [9]);
    assert_eq!(disk.content(SEGMENT), bytes, "untouched");
    assert_eq!(disk.names("spool/1").len(), 2, "its own lock and segment");
}

#[test]
fn files_of_somebody_else_are_left_alone() {
    let disk = Model::new(1);
    drop(open(&disk));
    let foreign = [
        ("spool/notes.txt", &b"mine"[..]),
        ("spool/0/notes.txt", b"mine, too"),
        ("spool/0/0000000000000007.segment", b"no segment at all, but called one"),
        ("spool/0/000000000000000G.segment", b""),
    ];
    for (path, bytes) in foreign {
        disk.put(path, bytes);
    }
    let mut spool = open(&disk);
    append(&mut spool, 1, 40);
    assert!(spool.sync().lost.is_empty());
    assert_eq!(numbers(&drain(&mut spool)), [1]);
    drop(spool);
    assert!(drain(&mut open(&disk)).is_empty());
    for (path, bytes) in foreign {
        assert_eq!(disk.content(path), bytes, "{path}");
    }
}

#[test]
fn slots_of_dead_processes_are_taken_over_one_after_the_other() {
    let disk = Model::new(1);
    let mut first = open(&disk);
    let mut second = open(&disk);
    let mut third = open(&disk);
    append(&mut first, 1, 40);
    append(&mut second, 2, 40);
    append(&mut third, 3, 40);
    assert!([&mut first, &mut second, &mut third].iter_mut().all(|it| it.sync().lost.is_empty()));
    first.adopt();
    assert_eq!(numbers(&drain(&mut first)), [1], "the others live");
    drop((second, third));
    first.adopt();
    append(&mut first, 4, 40);
    assert!(first.sync().lost.is_empty());
    assert_eq!(numbers(&drain(&mut first)), [2, 3, 4]);
    assert_eq!(first.recovered().batches, 2);
    let names = |slot| disk.names(slot).len();
    assert_eq!((names("spool/1"), names("spool/2")), (1, 1), "their locks alone");
}

#[test]
fn a_place_that_cannot_be_read_is_given_up_after_three_attempts() {
    let (disk, _) = small();
    let mut spool = open(&disk);
    for _ in 0..2 {
        disk.fail(1, super::model::Fault::Read);
        assert!(spool.oldest().is_err(), "it may be better next time");
    }
    disk.fail(1, super::model::Fault::Read);
    assert_eq!(numbers(&drain(&mut spool)), [1, 2]);
    assert_eq!(spool.lost().batches, 1);
}

#[test]
fn a_full_spool_refuses_and_takes_again_once_something_is_done() {
    let disk = Model::new(1);
    let mut spool = Spool::open(disk, Path::new("spool"), Options::of(8 << 10)).expect("a disk");
    let taken: Vec<_> = (0..20).filter(|number| super::offer(&mut spool, *number, 900)).collect();
    assert!(spool.sync().lost.is_empty());
    assert!((2..9).contains(&taken.len()), "{taken:?}");
    assert!(spool.bytes() <= 8 << 10);
    assert_eq!(numbers(&drain(&mut spool)), taken);
    assert!(super::offer(&mut spool, 20, 900));
    assert!(!super::offer(&mut spool, 21, 9 << 10), "it is larger than the whole spool");
}

#[test]
fn a_large_damaged_file_is_read_in_linear_time() {
    let (_, bytes) = small();
    let record = &bytes[RECORDS_AT as usize..][..HEAD + 40];
    let mut huge = bytes[..RECORDS_AT as usize].to_vec();
    // Beginnings without end: a hundred thousand heads whose checksums are wrong.
    for _ in 0..100_000 {
        huge.extend_from_slice(&record[..20]);
    }
    huge.extend_from_slice(&bytes[RECORDS_AT as usize..]);
    let length = huge.len() as u64;
    let begun = std::time::Instant::now();
    let found = survey(&Memory(&huge), length).expect("bytes in memory");
    let Survey::Ours(Contents { batches, .. }) = found else { panic!("{found:?}") };
    assert_eq!(batches, 3);
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}
