//! The work of an outlet with a spool: batches go to the disk first, and from there to the
//! receiver, in order and for as long as it takes.
//!
//! Flow: outlet -> **spooled** -> keeper -> disk -> send. A batch that the disk does not take is
//! sent from memory, as if there were no spool.

use super::outlet::{InFlight, Outlet};
use crate::export::spool::{Disk, Keeper, NotKept, Stored, Unreadable};
use crate::export::{Batch, BatchId, Courier, Outcome};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// So often a disk is asked again that had nothing, or could not be read.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

/// What the two halves of the work share.
struct Work<'a> {
    outlet: &'a Outlet,
    keeper: &'a Keeper<Disk>,
    /// Nothing more goes to the disk.
    all_taken_in: AtomicBool,
    /// The disk has one more, or the last one.
    taken_in: Notify,
}

/// Works until the outlet is closed and the disk has everything. What can be sent until then is
/// sent.
pub(super) async fn work(outlet: &Outlet, keeper: &Keeper<Disk>) {
    let work =
        Work { outlet, keeper, all_taken_in: AtomicBool::new(false), taken_in: Notify::new() };
    tokio::select! {
        ((), ()) = async { tokio::join!(work.take_in(), work.send_out()) } => {}
        () = work.book_changes() => {}
    }
    work.end().await;
}

impl Work<'_> {
    /// Puts on the disk what comes.
    async fn take_in(&self) {
        let mut direct = Courier::new(self.outlet.way());
        while let Some(in_flight) = self.outlet.next().await {
            let batch = in_flight.batch();
            let kept = tokio::select! {
                // After the deadline nothing is begun, and the sender ends the next one's road.
                biased;
                () = self.outlet.control().time_is_over() => Err(NotKept),
                kept = self.keeper.append(batch.clone()) => kept,
            };
            match kept {
                Ok(()) => self.keep(batch.id(), in_flight),
                Err(NotKept) => in_flight.deliver(&mut direct, &batch).await,
            }
        }
        self.all_taken_in.store(true, Ordering::Release);
        self.taken_in.notify_one();
    }

    fn keep(&self, id: BatchId, mut in_flight: InFlight<'_>) {
        self.outlet.books().keep(id, in_flight.take());
        self.taken_in.notify_one();
    }

    /// Sends what is on the disk, the oldest first.
    async fn send_out(&self) {
        let mut courier = Courier::with_spool(self.outlet.way());
        tokio::select! {
            biased;
            () = self.outlet.control().time_is_over() => {}
            () = self.send_all(&mut courier) => {}
        }
    }

    async fn send_all(&self, courier: &mut Courier) {
        let (control, books) = (self.outlet.control(), self.outlet.books());
        let mut state = self.keeper.state();
        loop {
            // All before the question: what happens after it is asked for once more.
            let is_last = self.all_taken_in.load(Ordering::Acquire);
            let newest = books.newest();
            state.mark_unchanged();
            match self.keeper.oldest().await {
                Ok(Some(stored)) => {
                    books.came_back(stored.id);
                    let is_through = self.send(courier, &stored).await;
                    // It waits on the disk, if need be for another process.
                    if !is_through && control.stop_by().is_some() {
                        return;
                    }
                }
                Ok(None) => {
                    books.nothing_came_back(newest);
                    if is_last {
                        return;
                    }
                    tokio::select! {
                        Ok(()) = state.changed() => {}
                        () = self.taken_in.notified() => {}
                        () = tokio::time::sleep(LOOK_AGAIN) => {}
                    }
                }
                Err(Unreadable) if is_last => return,
                // What comes in meanwhile makes it no more readable.
                Err(Unreadable) => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
    }

    /// Sends a batch from the disk; `true` when the receiver has spoken, and the batch is booked
    /// and leaves the disk.
    async fn send(&self, courier: &mut Courier, stored: &Stored) -> bool {
        let Stored { id, signal, records, ref bytes } = *stored;
        let batch = Batch::encoded(id, signal, records, bytes.clone());
        let outcome = self.outlet.send(courier, &batch).await;
        let is_through = matches!(outcome, Outcome::Delivered { .. } | Outcome::Rejected);
        if is_through {
            self.outlet.books().is_through(&self.outlet.lane().ledger, stored, outcome);
            self.keeper.done(id).await;
        }
        is_through
    }

    /// Books what the disk says of itself.
    async fn book_changes(&self) {
        let mut state = self.keeper.state();
        loop {
            self.outlet.books().book(&self.outlet.lane().ledger, *state.borrow_and_update());
            if state.changed().await.is_err() {
                // The keeper's thread is gone; the others go on without it.
                return std::future::pending().await;
            }
        }
    }

    /// Gives the disk back, to a process that comes after us.
    async fn end(&self) {
        let (books, control) = (self.outlet.books(), self.outlet.control());
        books.leave();
        tokio::select! {
            biased;
            () = self.keeper.close() => {}
            () = control.time_is_over() => {}
        }
        books.book(&self.outlet.lane().ledger, *self.keeper.state().borrow());
    }
}
