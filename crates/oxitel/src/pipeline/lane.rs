//! The road of one signal through the engine: its memory, its queue and its ledger.
//!
//! Signals do not share any of these, so that one dead endpoint never stalls another signal.

use super::buffer::{Buffer, Memory, lock};
use super::items::Items;
use super::ledger::Ledger;
use super::settings::Route;
use crate::export::SignalKind;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// The lanes of all signals.
#[derive(Debug)]
pub(crate) struct Lanes {
    pub(crate) traces: Lane,
    pub(crate) metrics: Lane,
    pub(crate) logs: Lane,
}

impl Lanes {
    pub(crate) fn of(&self, signal: SignalKind) -> &Lane {
        match signal {
            SignalKind::Traces => &self.traces,
            SignalKind::Metrics => &self.metrics,
            SignalKind::Logs => &self.logs,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) memory: Memory,
    pub(crate) ledger: Ledger,
    pub(crate) items: Items,
    /// Bounded by `memory`: every buffer in it was charged there.
    queue: Mutex<VecDeque<Buffer>>,
    wake: Notify,
    /// Memory is short: open chunks of other threads are wanted back before their time.
    collection_wanted: AtomicBool,
}

impl Lane {
    /// For a signal that leaves by `route`; without one, nothing is recorded.
    pub(crate) fn new(route: Option<&Route>) -> Self {
        let lane = Self {
            memory: Memory::new(0),
            ledger: Ledger::default(),
            items: Items::default(),
            queue: Mutex::new(VecDeque::with_capacity(256)),
            wake: Notify::new(),
            collection_wanted: AtomicBool::new(false),
        };
        lane.set_limits(route);
        lane
    }

    /// What may wait, from now on.
    pub(crate) fn set_limits(&self, route: Option<&Route>) {
        self.memory.set_limit(route.map_or(0, |route| route.queue_bytes));
        let (queue, batch) = route.map_or((None, None), |to| (to.queue_items, to.batch_items));
        self.items.set_limits(queue, batch);
    }

    /// Queues a buffer with its records.
    pub(crate) fn accept(&self, buffer: Buffer) {
        self.ledger.queued(buffer.records);
        lock(&self.queue).push_back(buffer);
    }

    /// When memory is short, asks the sender to collect all open chunks now.
    pub(crate) fn watch_memory(&self) {
        if self.memory.is_short() && !self.collection_wanted.swap(true, Ordering::Relaxed) {
            self.wake();
        }
    }

    /// Room for one more record, by number? Once a batch is together, the sender fetches it.
    #[cold]
    #[inline(never)]
    pub(crate) fn admit_item(&self) -> bool {
        let admission = self.items.admit();
        if admission.completes_batch && !self.collection_wanted.swap(true, Ordering::Relaxed) {
            self.wake();
        }
        admission.is_granted
    }

    /// Records are settled: delivered, rejected or dropped after they were queued.
    pub(crate) fn settled(&self, records: u64) {
        self.items.left(records);
        self.ledger.left_queue(records);
    }

    /// Whether somebody asked for that since the last look.
    pub(crate) fn collection_wanted(&self) -> bool {
        self.collection_wanted.swap(false, Ordering::Relaxed)
    }

    /// Tells the sender that there is something to do.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits for [`Lane::wake`]; one call made in between is not lost.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Takes whatever waits.
    pub(crate) fn take_all(&self) -> Vec<Buffer> {
        lock(&self.queue).drain(..).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.queue).is_empty()
    }
}
