//! What an outlet's disk holds, as the ledger has it.
//!
//! Flow: spooled -> **books** -> ledger. They stay when a worker panics and the next one goes on,
//! so that each record is booked once.

use super::buffer::lock;
use super::ledger::Ledger;
use super::parcel::{Claim, Parcel};
use crate::export::spool::{State, Stored};
use crate::export::{BatchId, Outcome};
use std::collections::BTreeMap;
use std::mem;
use std::sync::Mutex;

#[derive(Debug, Default)]
pub(super) struct Books {
    /// Records on the disk that other exporters have a say in, too. Their batches come back in
    /// this order.
    claims: Mutex<BTreeMap<Place, Vec<Claim>>>,
    /// What is booked of the disk's own state.
    booked: Mutex<State>,
}

/// Whose batch, and which of them.
type Place = (u128, u64);

impl Books {
    /// The batch is durable: memory lets go of it.
    pub(super) fn keep(&self, id: BatchId, parcels: Vec<Parcel>) {
        let mut claims = Vec::new();
        for parcel in parcels {
            if parcel.waits_for_this_alone() {
                parcel.settle(Outcome::Spooled);
            } else {
                claims.push(parcel.into_claim());
            }
        }
        if !claims.is_empty() {
            lock(&self.claims).insert(place(id), claims);
        }
    }

    /// The receiver has spoken of a batch from the disk.
    pub(super) fn is_through(&self, ledger: &Ledger, stored: &Stored, outcome: Outcome) {
        let mut rejected = match outcome {
            Outcome::Delivered { rejected } => rejected.min(stored.records),
            _ => stored.records,
        };
        let mut rest = stored.records;
        let claims = lock(&self.claims).remove(&place(stored.id));
        for claim in claims.into_iter().flatten() {
            let refused = rejected.min(claim.records());
            rejected -= refused;
            rest = rest.saturating_sub(claim.records());
            claim.settle(match outcome {
                Outcome::Delivered { .. } => Outcome::Delivered { rejected: refused },
                other => other,
            });
        }
        ledger.rejected(rejected);
        ledger.delivered(rest.saturating_sub(rejected));
        ledger.left_spool(rest);
    }

    /// Where the newest claims are.
    pub(super) fn newest(&self) -> Option<Place> {
        lock(&self.claims).last_key_value().map(|(place, _)| *place)
    }

    /// The disk gave back this batch, so that it has none of those before it.
    pub(super) fn came_back(&self, id: BatchId) {
        let mut claims = lock(&self.claims);
        // Those of other processes have an order of their own.
        if claims.first_key_value().is_some_and(|((sender, _), _)| *sender == id.sender) {
            let there = claims.split_off(&place(id));
            let lost = mem::replace(&mut *claims, there);
            drop(claims);
            lose(lost);
        }
    }

    /// The disk had nothing when everything up to this place was durable.
    pub(super) fn nothing_came_back(&self, newest: Option<Place>) {
        let Some((sender, number)) = newest else { return };
        let mut claims = lock(&self.claims);
        let later = claims.split_off(&(sender, number + 1));
        let lost = mem::replace(&mut *claims, later);
        drop(claims);
        lose(lost);
    }

    /// Books what the disk held before us, and what it cannot give back.
    pub(super) fn book(&self, ledger: &Ledger, now: State) {
        let before = mem::replace(&mut *lock(&self.booked), now);
        let found = now.recovered.records.saturating_sub(before.recovered.records);
        ledger.recovered(found);
        ledger.spooled(found);
        let lost = now.lost.records.saturating_sub(before.lost.records);
        ledger.dropped_damaged(lost);
        ledger.left_spool(lost);
    }

    /// What is on the disk stays there.
    pub(super) fn leave(&self) {
        let claims = mem::take(&mut *lock(&self.claims));
        for claim in claims.into_values().flatten() {
            claim.settle(Outcome::Spooled);
        }
    }
}

fn place(id: BatchId) -> Place {
    (id.sender, id.number)
}

fn lose(claims: BTreeMap<Place, Vec<Claim>>) {
    claims.into_values().flatten().for_each(Claim::lost_on_disk);
}

#[cfg(test)]
mod tests {
    use super::super::buffer::Buffer;
    use super::super::lane::{Lane, Origin};
    use super::super::parcel::Parcel;
    use super::Books;
    use crate::export::spool::{State, Stored};
    use crate::export::{BatchId, Outcome, SignalKind};
    use crate::stats::Stats;
    use bytes::Bytes;

    fn lane() -> &'static Lane {
        Box::leak(Box::new(Lane::new(Origin { signal: SignalKind::Traces, epoch: 1 }, None)))
    }

    /// So many records that two exporters take.
    fn parcel(lane: &'static Lane, records: u64) -> Parcel {
        lane.ledger.recorded(records);
        lane.ledger.queued(records);
        let mut buffer = Buffer::default();
        buffer.records = records;
        Parcel::new(buffer, lane, 2)
    }

    fn id(number: u64) -> BatchId {
        BatchId { sender: 7, number }
    }

    fn stored(number: u64, records: u64) -> Stored {
        Stored { id: id(number), signal: SignalKind::Logs, records, bytes: Bytes::new() }
    }

    fn balanced(lane: &Lane) -> Stats {
        let stats = lane.ledger.read();
        assert!(stats.is_balanced(), "{stats}");
        stats
    }

    fn lost(records: u64) -> State {
        let mut state = State::default();
        state.lost.records = records;
        state
    }

    #[test]
    fn what_another_exporter_rejected_in_part_is_not_delivered() {
        let (lane, books) = (lane(), Books::default());
        let parcel = parcel(lane, 5);
        parcel.clone().settle(Outcome::Delivered { rejected: 2 });
        books.keep(id(1), vec![parcel]);
        books.is_through(&lane.ledger, &stored(1, 5), Outcome::Delivered { rejected: 0 });
        let stats = balanced(lane);
        assert_eq!((stats.delivered, stats.rejected), (3, 2), "{stats}");
    }

    #[test]
    fn a_batch_that_the_disk_lost_is_booked_once_whatever_others_say() {
        for other in [Outcome::Delivered { rejected: 1 }, Outcome::Unreachable] {
            let (lane, books) = (lane(), Books::default());
            let (gone, there) = (parcel(lane, 3), parcel(lane, 4));
            books.keep(id(1), vec![gone.clone()]);
            books.keep(id(2), vec![there.clone()]);
            gone.settle(other);
            there.settle(Outcome::Delivered { rejected: 0 });
            books.book(&lane.ledger, lost(3));
            books.came_back(id(2));
            let stats = balanced(lane);
            assert_eq!((stats.dropped.damaged, stats.queued), (3, 4), "{stats}");
            books.is_through(&lane.ledger, &stored(2, 4), Outcome::Delivered { rejected: 0 });
            books.leave();
            let stats = balanced(lane);
            assert_eq!((stats.delivered, stats.dropped.total(), stats.spooled), (4, 3, 0));
        }
    }

    #[test]
    fn a_disk_that_has_nothing_lost_what_was_there_when_it_was_asked() {
        let (lane, books) = (lane(), Books::default());
        let (gone, there) = (parcel(lane, 3), parcel(lane, 4));
        books.keep(id(1), vec![gone.clone()]);
        let newest = books.newest();
        books.keep(id(2), vec![there.clone()]);
        gone.settle(Outcome::Rejected);
        there.settle(Outcome::Delivered { rejected: 0 });
        books.nothing_came_back(newest);
        books.book(&lane.ledger, lost(3));
        books.leave();
        let stats = balanced(lane);
        assert_eq!((stats.dropped.damaged, stats.rejected, stats.spooled), (3, 0, 4), "{stats}");
    }

    #[test]
    fn what_the_disk_held_before_is_booked_once_although_a_worker_starts_again() {
        let (lane, books) = (lane(), Books::default());
        let mut seen = lost(1);
        seen.recovered.records = 9;
        for _ in 0..2 {
            books.book(&lane.ledger, seen);
        }
        let stats = balanced(lane);
        assert_eq!((stats.recovered, stats.spooled, stats.dropped.damaged), (9, 8, 1), "{stats}");
    }

    #[test]
    fn a_batch_of_another_process_says_nothing_of_ours() {
        let (lane, books) = (lane(), Books::default());
        let parcel = parcel(lane, 2);
        books.keep(id(1), vec![parcel.clone()]);
        books.came_back(BatchId { sender: 8, number: 5 });
        parcel.settle(Outcome::Delivered { rejected: 0 });
        books.is_through(&lane.ledger, &stored(1, 2), Outcome::Delivered { rejected: 0 });
        assert_eq!(balanced(lane).delivered, 2);
    }
}
