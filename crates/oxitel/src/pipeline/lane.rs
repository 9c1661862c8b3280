//! The road of one signal through the engine: its memory, its queue and its ledger.
//!
//! Signals do not share any of these, so that one dead endpoint never stalls another signal.

use super::buffer::{Buffer, Memory, lock};
use super::ledger::Ledger;
use std::collections::VecDeque;
use std::sync::Mutex;
use tokio::sync::Notify;

#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) memory: Memory,
    pub(crate) ledger: Ledger,
    /// Bounded by `memory`: every buffer in it was charged there.
    queue: Mutex<VecDeque<Buffer>>,
    wake: Notify,
}

impl Lane {
    pub(crate) fn new(budget_bytes: usize) -> Self {
        Self {
            memory: Memory::new(budget_bytes),
            ledger: Ledger::default(),
            queue: Mutex::new(VecDeque::with_capacity(256)),
            wake: Notify::new(),
        }
    }

    /// Queues a buffer with its records.
    pub(crate) fn accept(&self, buffer: Buffer) {
        self.ledger.queued(buffer.records);
        lock(&self.queue).push_back(buffer);
    }

    /// Tells the sender that there is something to do.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits for [`Lane::wake`]; one call made in between is not lost.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Takes buffers of up to `limit` bytes together, but at least one if there is any.
    pub(crate) fn take(&self, limit: usize) -> Vec<Buffer> {
        let mut queue = lock(&self.queue);
        let mut total = 0;
        let count = queue
            .iter()
            .take_while(|buffer| {
                let first = total == 0;
                total += buffer.bytes.len();
                first || total <= limit
            })
            .count();
        queue.drain(..count).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.queue).is_empty()
    }
}
