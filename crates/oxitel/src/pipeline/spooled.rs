//! The work of an outlet with a spool: batches go to the disk first, and from there to the
//! receiver, in order and for as long as it takes.
//!
//! Flow: outlet -> **spooled** -> keeper -> disk -> send. A batch that the disk does not take is
//! sent from memory, as if there were no spool.

use super::buffer::lock;
use super::outlet::{Outlet, deliver};
use super::parcel::{Claim, Parcel};
use crate::export::spool::{Disk, Keeper, NotKept, State, Stored};
use crate::export::{Batch, BatchId, Courier, Outcome};
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// So often a disk is asked again that had nothing, or could not be read.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

/// What the two halves of the work share.
struct Work<'a> {
    outlet: &'a Outlet,
    keeper: &'a Keeper<Disk>,
    /// Records of the spool that other exporters have a say in, too.
    claims: Mutex<HashMap<BatchId, Vec<Claim>>>,
    /// Nothing more goes to the disk.
    all_taken_in: AtomicBool,
    taken_in: Notify,
}

/// Works until the outlet is closed and the disk has everything. What can be sent until then is
/// sent.
pub(super) async fn work(outlet: &Outlet, keeper: &Keeper<Disk>) {
    let work = Work {
        outlet,
        keeper,
        claims: Mutex::default(),
        all_taken_in: AtomicBool::new(false),
        taken_in: Notify::new(),
    };
    let mut booked = State::default();
    tokio::select! {
        ((), ()) = async { tokio::join!(work.take_in(), work.send_out()) } => {}
        () = work.book_changes(&mut booked) => {}
    }
    work.end(&mut booked).await;
}

impl Work<'_> {
    /// Puts on the disk what comes.
    async fn take_in(&self) {
        let mut direct = Courier::new(self.outlet.way());
        while let Some(parcels) = self.outlet.next().await {
            let batch = self.outlet.batch(&parcels);
            let kept = tokio::select! {
                // After the deadline nothing is begun, and the sender ends the next one's road.
                biased;
                () = self.outlet.control().time_is_over() => Err(NotKept),
                kept = self.keeper.append(batch.clone()) => kept,
            };
            match kept {
                Ok(()) => self.keep(batch.id(), parcels),
                Err(NotKept) => deliver(self.outlet, &mut direct, &batch, parcels).await,
            }
        }
        self.all_taken_in.store(true, Ordering::Release);
        self.taken_in.notify_one();
    }

    /// The batch is durable: memory lets go of it.
    fn keep(&self, id: BatchId, parcels: Vec<Parcel>) {
        let count = parcels.len() as u64;
        let mut claims = Vec::new();
        for parcel in parcels {
            if parcel.waits_for_this_alone() {
                parcel.settle(Outcome::Spooled);
            } else {
                claims.push(parcel.into_claim());
            }
        }
        if !claims.is_empty() {
            lock(&self.claims).insert(id, claims);
        }
        self.outlet.settled(count);
    }

    /// Sends what is on the disk, the oldest first.
    async fn send_out(&self) {
        let mut courier = Courier::with_spool(self.outlet.way());
        let control = self.outlet.control();
        loop {
            let oldest = tokio::select! {
                biased;
                () = control.time_is_over() => return,
                oldest = self.keeper.oldest() => oldest,
            };
            let Some(stored) = oldest else {
                if self.all_taken_in.load(Ordering::Acquire) {
                    return;
                }
                self.wait().await;
                continue;
            };
            let Stored { id, signal, records, ref bytes } = stored;
            let batch = Batch::encoded(id, signal, records, bytes.clone());
            let outcome = tokio::select! {
                biased;
                () = control.time_is_over() => return,
                outcome = courier.send(&batch, control.stop_signal()) => outcome,
            };
            match outcome {
                Outcome::Delivered { .. } | Outcome::Rejected => {
                    self.is_through(&stored, outcome).await;
                }
                // It waits on the disk, if need be for another process.
                _ if control.stop_by().is_some() => return,
                _ => {}
            }
        }
    }

    /// Waits until there may be something to send.
    async fn wait(&self) {
        let mut state = self.keeper.state();
        state.mark_unchanged();
        if state.borrow().left.batches > 0 {
            // It is there and cannot be read at the moment.
            return tokio::time::sleep(LOOK_AGAIN).await;
        }
        tokio::select! {
            _ = state.changed() => {}
            () = self.taken_in.notified() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }

    /// The receiver has spoken: the batch is booked, and leaves the disk.
    async fn is_through(&self, stored: &Stored, outcome: Outcome) {
        let mut rejected = match outcome {
            Outcome::Delivered { rejected } => rejected.min(stored.records),
            _ => stored.records,
        };
        let mut rest = stored.records;
        for claim in lock(&self.claims).remove(&stored.id).unwrap_or_default() {
            let refused = rejected.min(claim.records());
            rejected -= refused;
            rest = rest.saturating_sub(claim.records());
            claim.settle(match outcome {
                Outcome::Delivered { .. } => Outcome::Delivered { rejected: refused },
                other => other,
            });
        }
        let ledger = &self.outlet.lane().ledger;
        ledger.rejected(rejected);
        ledger.delivered(rest.saturating_sub(rejected));
        ledger.left_spool(rest);
        tokio::select! {
            biased;
            () = self.keeper.done(stored.id) => {}
            () = self.outlet.control().time_is_over() => {}
        }
    }

    /// Books what the disk held before us, and what it cannot give back.
    async fn book_changes(&self, booked: &mut State) {
        let mut state = self.keeper.state();
        loop {
            self.book(booked, *state.borrow_and_update());
            if state.changed().await.is_err() {
                // The keeper's thread is gone; the others go on without it.
                return std::future::pending().await;
            }
        }
    }

    fn book(&self, booked: &mut State, now: State) {
        let ledger = &self.outlet.lane().ledger;
        let found = now.recovered.records.saturating_sub(booked.recovered.records);
        ledger.recovered(found);
        ledger.spooled(found);
        let lost = now.lost.records.saturating_sub(booked.lost.records);
        ledger.dropped_damaged(lost);
        ledger.left_spool(lost);
        *booked = now;
    }

    /// Gives the disk back, to a process that comes after us.
    async fn end(&self, booked: &mut State) {
        for claim in lock(&self.claims).drain().flat_map(|(_, claims)| claims) {
            claim.settle(Outcome::Spooled);
        }
        tokio::select! {
            biased;
            () = self.keeper.close() => {}
            () = self.outlet.control().time_is_over() => {}
        }
        self.book(booked, *self.keeper.state().borrow());
    }
}
