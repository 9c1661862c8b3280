//! Random lives of a spool on a disk that fails and loses power, against a simple model.

use super::super::{Entry, Refused, Spool, Stored};
use super::model::{Fault, Model};
use super::{OPTIONS, id, request};
use crate::export::SignalKind;
use bytes::Bytes;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const FOLDER: &str = "spool";
const QUOTA: u64 = OPTIONS.quota_bytes;

#[derive(Clone, Debug)]
enum Action {
    Append {
        length: usize,
    },
    Sync,
    Oldest,
    Done,
    /// The process ends; what it wrote stays.
    Kill,
    PowerCut,
    Corrupt {
        which: u64,
        at: u64,
        to: u8,
    },
    Fail {
        after: u32,
        fault: Fault,
    },
    Full {
        left: u64,
    },
    ReadOnly,
    Heal,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let fault = prop_oneof![
        Just(Fault::Write),
        Just(Fault::Sync),
        Just(Fault::SyncFolder),
        Just(Fault::Create),
    ];
    let action = prop_oneof![
        12 => (0..3000_usize).prop_map(|length| Action::Append { length }),
        10 => Just(Action::Sync),
        8 => Just(Action::Oldest),
        8 => Just(Action::Done),
        2 => Just(Action::Kill),
        3 => Just(Action::PowerCut),
        1 => (any::<u64>(), any::<u64>(), any::<u8>())
            .prop_map(|(which, at, to)| Action::Corrupt { which, at, to }),
        3 => (0..4_u32, fault).prop_map(|(after, fault)| Action::Fail { after, fault }),
        1 => (0..8000_u64).prop_map(|left| Action::Full { left }),
        1 => Just(Action::ReadOnly),
        2 => Just(Action::Heal),
    ];
    prop::collection::vec(action, 1..120)
}

/// A spool's life, and what must be true of it.
struct Life {
    disk: Model,
    spool: Option<Spool<Model>>,
    next: u64,
    /// Written, not synced.
    written: Vec<u64>,
    /// Synced, and not done: these must come out.
    accepted: BTreeSet<u64>,
    lengths: BTreeMap<u64, usize>,
    /// Done since the last start: these must not come again.
    done: BTreeSet<u64>,
    handed: Option<u64>,
    corruptions: u64,
    power_cuts: u64,
    damaged_before: u64,
    found_bytes: u64,
}

impl Life {
    fn new(seed: u64) -> Self {
        let disk = Model::new(seed);
        let mut life = Self {
            disk,
            spool: None,
            next: 0,
            written: Vec::new(),
            accepted: BTreeSet::new(),
            lengths: BTreeMap::new(),
            done: BTreeSet::new(),
            handed: None,
            corruptions: 0,
            power_cuts: 0,
            damaged_before: 0,
            found_bytes: 0,
        };
        life.open();
        life
    }

    fn open(&mut self) {
        if self.spool.is_none() {
            self.spool = Spool::open(self.disk.clone(), Path::new(FOLDER), OPTIONS).ok();
            self.found_bytes = self.spool.as_ref().map_or(0, Spool::bytes);
        }
    }

    fn end(&mut self) {
        self.damaged_before += self.damaged();
        self.spool = None;
        self.written.clear();
        self.done.clear();
        self.handed = None;
    }

    fn damaged(&self) -> u64 {
        let of = |spool: &Spool<Model>| spool.recovered().damaged + spool.lost().batches;
        self.spool.as_ref().map_or(0, of)
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Append { length } => self.append(length),
            Action::Sync => self.sync(),
            Action::Oldest => self.oldest(),
            Action::Done => self.done(),
            Action::Kill => self.end(),
            Action::PowerCut => {
                self.end();
                self.disk.cut_power();
                self.power_cuts += 1;
            }
            Action::Corrupt { which, at, to } => {
                self.corruptions += u64::from(self.disk.corrupt(which, at, to));
            }
            Action::Fail { after, fault } => self.disk.fail(after, fault),
            Action::Full { left } => self.disk.set_room(Some(self.disk.segment_bytes() + left)),
            Action::ReadOnly => self.disk.set_read_only(true),
            Action::Heal => self.disk.heal(),
        }
        self.open();
        if let Some(spool) = &self.spool {
            // After a power cut, removed files may be there again.
            let most = self.found_bytes.max(QUOTA);
            assert!(spool.bytes() <= most, "the quota holds: {}", spool.bytes());
        }
    }

    fn append(&mut self, length: usize) {
        let Some(spool) = &mut self.spool else { return };
        let number = self.next;
        let request = request(number, length);
        let (head, tail) = request.split_at(length / 3);
        let pieces = [Bytes::copy_from_slice(head), Bytes::copy_from_slice(tail)];
        let entry = Entry {
            id: id(number),
            signal: SignalKind::Logs,
            records: number % 7 + 1,
            pieces: &pieces,
        };
        self.next += 1;
        match spool.append(&entry) {
            Ok(()) => {
                self.lengths.insert(number, length);
                self.written.push(number);
            }
            Err(Refused::Quota | Refused::Io(_)) => {
                self.lengths.insert(number, length);
            }
            Err(Refused::TooLarge) => panic!("{length} bytes are not too large"),
        }
    }

    fn sync(&mut self) {
        let Some(spool) = &mut self.spool else { return };
        let lost = spool.sync().lost;
        for number in self.written.drain(..) {
            // One that lay in a full segment was synced before, and may have come out.
            if !lost.contains(&id(number)) && !self.done.contains(&number) {
                self.accepted.insert(number);
            }
        }
    }

    fn oldest(&mut self) {
        let Some(spool) = &mut self.spool else { return };
        self.handed = None;
        match spool.oldest() {
            Ok(Some(stored)) => self.got(&stored),
            Ok(None) => {
                let missing = self.accepted.len() as u64;
                assert!(missing <= self.corruptions, "{:?} are gone", self.accepted);
            }
            Err(error) => panic!("no read was to fail: {error}"),
        }
    }

    fn got(&mut self, stored: &Stored) {
        let number = stored.id.number;
        assert_eq!(stored.id, id(number));
        assert_eq!(stored.bytes, request(number, self.lengths[&number]), "{number}");
        assert_eq!((stored.signal, stored.records), (SignalKind::Logs, number % 7 + 1));
        assert!(!self.done.contains(&number), "{number} was done");
        let skipped = self.accepted.range(..number).count() as u64;
        assert!(skipped <= self.corruptions, "{number} comes before {:?}", self.accepted);
        self.handed = Some(number);
    }

    fn done(&mut self) {
        let Some(number) = self.handed.take() else { return };
        let Some(spool) = &mut self.spool else { return };
        assert!(spool.done(id(number)), "{number} was the oldest");
        assert!(!spool.done(id(number)), "and is no more");
        self.accepted.remove(&number);
        self.done.insert(number);
    }

    /// The disk is well again, the process starts again: what is there?
    fn settle(&mut self) {
        self.disk.heal();
        self.sync();
        self.end();
        self.open();
        self.drain();
        let missing = self.accepted.len() as u64;
        assert!(missing <= self.corruptions, "{:?} are lost", self.accepted);
        let damaged = self.damaged_before + self.damaged();
        // A file whose header and only record are both hit looks like anybody's.
        let unknown = self.corruptions / 2;
        assert!(missing <= damaged + unknown, "{missing} are lost and {damaged} counted");
        if self.corruptions == 0 && self.power_cuts == 0 {
            assert_eq!(damaged, 0, "nothing was damaged");
        }
        let spool = self.spool.as_ref().expect("a disk that is well");
        assert_eq!((spool.left().batches, spool.left().records), (0, 0));
        self.end();
        self.open();
        let spool = self.spool.as_mut().expect("a disk that is well");
        assert_eq!(spool.oldest().expect("readable"), None, "what is done stays done");
    }

    fn drain(&mut self) {
        let most = self.next + 1;
        for _ in 0..=most {
            self.oldest();
            if self.handed.is_none() {
                return;
            }
            self.done();
        }
        panic!("more comes out than was ever written");
    }
}

/// Two batches a round, each round synced, half of them done: a new segment every few rounds.
fn ordinary_life(life: &mut Life) {
    for round in 0..8 {
        life.append(1_300);
        life.append(round * 100);
        life.sync();
        life.oldest();
        life.done();
    }
}

#[test]
fn a_process_or_the_power_may_end_at_every_single_call() {
    for power_is_cut in [false, true] {
        for calls in 0.. {
            let mut life = Life::new(u64::from(calls) * 77);
            life.disk.end_after(calls);
            ordinary_life(&mut life);
            let was_long_enough = !life.disk.has_ended();
            life.end();
            if power_is_cut {
                life.act(&Action::PowerCut);
            }
            life.disk.heal();
            life.settle();
            if was_long_enough {
                assert!(calls > 30, "{calls} calls were looked at");
                break;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_accepted_is_lost_and_the_order_is_kept(seed: u64, actions in actions()) {
        let mut life = Life::new(seed);
        for action in &actions {
            life.act(action);
        }
        life.settle();
    }
}

/// `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(3000)
}
