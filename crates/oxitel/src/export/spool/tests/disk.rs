//! The spool on a real file system.

use super::super::{Disk, Options, Spool};
use super::{append, drain, numbers};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of the test's own.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("oxitel-spool-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays behind harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn open(folder: &Path) -> Spool<Disk> {
    Spool::open(Disk, folder, Options::of(1 << 20)).expect("a disk that is well")
}

#[test]
fn what_is_synced_is_there_after_the_end_and_gone_when_it_is_done() {
    let folder = Folder::new();
    let inner = folder.0.join("made/on/the/way");
    let mut spool = open(&inner);
    (0..50).for_each(|number| append(&mut spool, number, 5_000));
    assert!(spool.sync().lost.is_empty());
    drop(spool);
    let mut spool = open(&inner);
    assert_eq!((spool.recovered().batches, spool.recovered().records), (50, 50));
    for number in 0..20 {
        let stored = spool.oldest().expect("readable").expect("there are more");
        assert_eq!(stored.id.number, number);
        assert!(spool.done(stored.id));
    }
    drop(spool);
    let mut spool = open(&inner);
    assert_eq!(numbers(&drain(&mut spool)), (20..50).collect::<Vec<_>>());
    assert_eq!(spool.bytes(), 0);
}

#[test]
fn links_pipes_and_folders_in_the_way_are_not_followed() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    let slots = folder.0.join("spool");
    fs::create_dir_all(slots.join("1/lock")).expect("a folder called lock");
    fs::create_dir_all(slots.join("3")).expect("a slot");
    symlink(&elsewhere.0, slots.join("0")).expect("a link");
    fs::write(slots.join("2"), "a file").expect("a file");
    let victim = elsewhere.0.join("victim");
    fs::write(&victim, "precious").expect("a file");
    symlink(&victim, slots.join("3/lock")).expect("a link");
    fs::create_dir_all(slots.join("4/0000000000000001.segment")).expect("a folder");
    symlink(&victim, slots.join("4/0000000000000002.segment")).expect("a link");

    let mut spool = open(&slots);
    append(&mut spool, 1, 100);
    assert!(spool.sync().lost.is_empty());
    assert!(slots.join("4/0000000000000003.segment").exists(), "the first slot that is one");
    assert_eq!(numbers(&drain(&mut spool)), [1]);
    assert_eq!(fs::read(&victim).expect("it is there"), b"precious");
    assert_eq!(fs::read_dir(&elsewhere.0).expect("a folder").count(), 1);
}

#[test]
fn a_folder_that_is_removed_under_our_hands_is_noticed_before_anything_is_accepted() {
    let folder = Folder::new();
    let mut spool = open(&folder.0.join("spool"));
    append(&mut spool, 1, 100);
    assert!(spool.sync().lost.is_empty());
    fs::remove_dir_all(folder.0.join("spool")).expect("it was there");
    append(&mut spool, 2, 100);
    let synced = spool.sync();
    assert_eq!(synced.lost.len(), 1, "a file without a name is no safe place");
    assert!(drain(&mut spool).is_empty());
    assert_eq!(spool.lost().batches, 1);
}

#[test]
fn two_owners_have_two_slots() {
    let folder = Folder::new();
    let (mut one, mut two) = (open(&folder.0), open(&folder.0));
    append(&mut one, 1, 100);
    append(&mut two, 2, 100);
    assert!(one.sync().lost.is_empty() && two.sync().lost.is_empty());
    drop(one);
    two.adopt();
    assert_eq!(numbers(&drain(&mut two)), [1, 2]);
}
