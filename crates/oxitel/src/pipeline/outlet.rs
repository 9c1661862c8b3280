//! One exporter of a signal: a queue of its own, and a worker that empties it.
//!
//! Flow: dispatch -> **outlet** -> export. Outlets share the bytes of a signal and nothing else,
//! so that one that is slow or dead never holds up another.

use super::books::Books;
use super::buffer::lock;
use super::control::Control;
use super::engine::Engine;
use super::lane::Lane;
use super::operations::{Operations, UnderWay};
use super::parcel::Parcel;
use super::settings::Way;
use super::spooled;
use crate::diagnose::{self, Cause};
use crate::export::spool::{Disk, Keeper};
use crate::export::{Batch, Courier, Outcome, SignalKind};
use bytes::Bytes;
use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How much one request carries; a receiver's default limits are a multiple of it.
pub(crate) const REQUEST_BYTES: usize = 2 << 20;

#[derive(Debug)]
pub(crate) struct Outlet {
    engine: &'static Engine,
    signal: SignalKind,
    way: &'static Way,
    resource: Bytes,
    /// `None`: the engine says nothing of itself.
    operations: Option<Operations>,
    /// Where batches are kept until they are delivered.
    keeper: Option<Keeper<Disk>>,
    books: Books,
    queue: Mutex<Queue>,
    wake: Notify,
    /// No more parcels come.
    closed: AtomicBool,
    /// Parcels that are dealt with, of all that were ever queued.
    settled: AtomicU64,
    settled_more: Notify,
}

#[derive(Debug)]
struct Queue {
    parcels: VecDeque<Parcel>,
    /// How many there were. They are dealt with in their order, so that a number tells which.
    queued: u64,
    /// What the waiting parcels hold of the signal's budget.
    bytes: usize,
    limit: usize,
}

impl Outlet {
    /// An outlet whose parcels may hold so much of the signal's memory; its worker runs until the
    /// outlet is closed.
    pub(super) fn open(
        engine: &'static Engine,
        signal: SignalKind,
        way: &'static Way,
        resource: Bytes,
        operations: Option<Operations>,
        keeper: Option<Keeper<Disk>>,
        limit: usize,
    ) -> (Arc<Self>, JoinHandle<()>) {
        let queue = Queue { parcels: VecDeque::new(), queued: 0, bytes: 0, limit };
        let outlet = Arc::new(Self {
            engine,
            signal,
            way,
            resource,
            operations,
            keeper,
            books: Books::default(),
            queue: Mutex::new(queue),
            wake: Notify::new(),
            closed: AtomicBool::new(false),
            settled: AtomicU64::new(0),
            settled_more: Notify::new(),
        });
        let worker = tokio::spawn(supervise(Arc::clone(&outlet)));
        (outlet, worker)
    }

    /// Queues the parcel, or settles it as lost when this outlet holds too much already.
    pub(super) fn offer(&self, parcel: Parcel) {
        let mut queue = lock(&self.queue);
        let total = queue.bytes.saturating_add(parcel.charged);
        if total > queue.limit {
            drop(queue);
            // It is in no count: it must not stand in for one that still waits.
            parcel.settle(Outcome::QueueFull);
            return;
        }
        queue.bytes = total;
        queue.queued += 1;
        queue.parcels.push_back(parcel);
        drop(queue);
        self.wake.notify_one();
    }

    /// How many parcels were offered so far, and queued.
    pub(super) fn offered(&self) -> u64 {
        lock(&self.queue).queued
    }

    /// Waits until so many parcels are dealt with.
    pub(super) async fn settled_up_to(&self, offered: u64) {
        loop {
            // Made before the look: what happens in between wakes it.
            let more = self.settled_more.notified();
            // Acquire: what was booked is seen by whoever is told.
            if self.settled.load(Ordering::Acquire) >= offered {
                return;
            }
            more.await;
        }
    }

    /// The worker ends when the queue is empty.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    fn settled(&self, parcels: u64) {
        self.settled.fetch_add(parcels, Ordering::Release);
        self.settled_more.notify_waiters();
    }

    pub(super) fn way(&self) -> &'static Way {
        self.way
    }

    pub(super) fn control(&self) -> &'static Control {
        &self.engine.control
    }

    pub(super) fn lane(&self) -> &'static Lane {
        self.engine.lane(self.signal)
    }

    pub(super) fn books(&self) -> &Books {
        &self.books
    }

    /// Sends a batch, with retries.
    pub(super) async fn send(&self, courier: &mut Courier, batch: &Batch) -> Outcome {
        let _under_way = UnderWay::new(&self.lane().under_way, batch.records());
        let begun = Instant::now();
        let outcome = courier.send(batch, self.control().stop_signal()).await;
        if let Some(operations) = &self.operations {
            operations.ended(&self.way.target, begun.elapsed(), outcome);
        }
        outcome
    }

    /// Waits for what fits into one request; `None` when the outlet is closed and empty.
    pub(super) async fn next(&self) -> Option<InFlight<'_>> {
        loop {
            let taken = self.take();
            if taken.count > 0 {
                return Some(taken);
            }
            if self.closed.load(Ordering::Acquire) {
                return None;
            }
            self.wake.notified().await;
        }
    }

    /// Takes what fits into one request, but one parcel if there is any.
    fn take(&self) -> InFlight<'_> {
        let mut queue = lock(&self.queue);
        let (mut total, mut records) = (0, 0);
        let most = self.lane().items.batch();
        let fitting = queue.parcels.iter().take_while(|parcel| {
            let first = total == 0;
            total += parcel.bytes.len();
            records += parcel.records;
            first || (total <= REQUEST_BYTES && records <= most)
        });
        let taken = fitting.count();
        let parcels: Vec<_> = queue.parcels.drain(..taken).collect();
        queue.bytes -= parcels.iter().map(|parcel| parcel.charged).sum::<usize>();
        let count = parcels.len() as u64;
        InFlight { outlet: self, parcels, count, outcome: Outcome::Unreachable }
    }
}

/// Runs the worker until the outlet is closed. A panic costs the batch at hand, counted, and not
/// the outlet.
async fn supervise(outlet: Arc<Outlet>) {
    while tokio::spawn(work(Arc::clone(&outlet))).await.is_err_and(|ended| ended.is_panic()) {
        diagnose::warn(Cause::Panic, &"the sender panicked and starts again; please report it");
    }
}

async fn work(outlet: Arc<Outlet>) {
    if let Some(keeper) = &outlet.keeper {
        return spooled::work(&outlet, keeper).await;
    }
    let mut courier = Courier::new(outlet.way);
    while let Some(in_flight) = outlet.next().await {
        let batch = in_flight.batch();
        in_flight.deliver(&mut courier, &batch).await;
    }
    close(&outlet, &mut courier).await;
}

/// Lets an exporter in this process shut down, until shutdown's deadline.
async fn close(outlet: &Outlet, courier: &mut Courier) {
    tokio::select! {
        biased;
        () = outlet.engine.control.time_is_over() => {}
        () = courier.close() => {}
    }
}

/// Parcels that left the queue; they are settled exactly once, also when the worker unwinds.
pub(super) struct InFlight<'a> {
    outlet: &'a Outlet,
    parcels: Vec<Parcel>,
    count: u64,
    outcome: Outcome,
}

impl InFlight<'_> {
    /// The parcels as one request.
    pub(super) fn batch(&self) -> Batch {
        let Outlet { engine, signal, resource, .. } = self.outlet;
        Batch::new(engine.next_batch(), *signal, resource, &self.parcels)
    }

    /// Sends the parcels, which are this batch, with retries.
    pub(super) async fn deliver(mut self, courier: &mut Courier, batch: &Batch) {
        let control = &self.outlet.engine.control;
        self.outcome = tokio::select! {
            // After the deadline nothing is begun.
            biased;
            () = control.time_is_over() => Outcome::ShutdownDeadline,
            outcome = self.outlet.send(courier, batch) => outcome,
        };
    }

    /// Leaves it to somebody else to settle the parcels, who has done so when this is dropped.
    pub(super) fn take(&mut self) -> Vec<Parcel> {
        mem::take(&mut self.parcels)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut left = match self.outcome {
            Outcome::Delivered { rejected } => rejected,
            _ => 0,
        };
        for parcel in self.take() {
            let outcome = match self.outcome {
                // Nobody says which ones: the first.
                Outcome::Delivered { .. } => {
                    let rejected = left.min(parcel.records);
                    left -= rejected;
                    Outcome::Delivered { rejected }
                }
                other => other,
            };
            parcel.settle(outcome);
        }
        if self.count > 0 {
            self.outlet.settled(self.count);
        }
    }
}
