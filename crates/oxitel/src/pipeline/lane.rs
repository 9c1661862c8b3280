//! The road of one signal through the engine: its memory, its queue and its ledger.
//!
//! Signals do not share any of these, so that one dead endpoint never stalls another signal.

use super::buffer::{Buffer, Memory, lock};
use super::items::Items;
use super::ledger::Ledger;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

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
    pub(crate) fn new(budget_bytes: usize) -> Self {
        Self {
            memory: Memory::new(budget_bytes),
            ledger: Ledger::default(),
            items: Items::default(),
            queue: Mutex::new(VecDeque::with_capacity(256)),
            wake: Notify::new(),
            collection_wanted: AtomicBool::new(false),
        }
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

    /// Takes at most `count` buffers of up to `bytes` and a batch's records together, but one if
    /// there is any.
    pub(crate) fn take(&self, count: usize, bytes: usize) -> Vec<Buffer> {
        let mut queue = lock(&self.queue);
        let (mut total, mut records) = (0, 0);
        let batch = self.items.batch();
        let fitting = queue.iter().take(count).take_while(|buffer| {
            let first = total == 0;
            total += buffer.bytes.len();
            records += buffer.records;
            first || (total <= bytes && records <= batch)
        });
        let taken = fitting.count();
        queue.drain(..taken).collect()
    }

    /// Takes whatever waits.
    pub(crate) fn take_all(&self) -> Vec<Buffer> {
        lock(&self.queue).drain(..).collect()
    }

    /// How many buffers wait.
    pub(crate) fn len(&self) -> usize {
        lock(&self.queue).len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
