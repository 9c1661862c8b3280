//! The road of one signal through the engine: its memory, its queue and its ledger.
//!
//! Signals do not share any of these, so that one dead endpoint never stalls another signal.

use super::buffer::{Buffer, Memory, lock};
#[cfg(feature = "python")]
use super::buffer::{LARGEST, Run};
use super::items::Items;
use super::ledger::Ledger;
use super::settings::Route;
use crate::export::SignalKind;
#[cfg(feature = "python")]
use crate::join::guest::Refusal;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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

/// Whose records a lane carries.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "python"), expect(dead_code, reason = "nobody joins"))]
pub(crate) struct Origin {
    pub(crate) signal: SignalKind,
    pub(crate) epoch: u64,
}

#[derive(Debug)]
pub(crate) struct Lane {
    #[cfg_attr(not(feature = "python"), expect(dead_code, reason = "nobody joins"))]
    origin: Origin,
    pub(crate) memory: Memory,
    pub(crate) ledger: Ledger,
    pub(crate) items: Items,
    /// Records in requests that nobody has answered yet, of each exporter.
    pub(super) under_way: AtomicU64,
    /// Bounded by `memory`: every buffer in it was charged there.
    queue: Mutex<VecDeque<Buffer>>,
    wake: Notify,
    /// Memory is short: open chunks of other threads are wanted back before their time.
    collection_wanted: AtomicBool,
}

impl Lane {
    /// For a signal that leaves by `route`; without one, nothing is recorded.
    pub(crate) fn new(origin: Origin, route: Option<&Route>) -> Self {
        let lane = Self {
            origin,
            memory: Memory::new(0),
            ledger: Ledger::default(),
            items: Items::default(),
            under_way: AtomicU64::new(0),
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

    /// Queues a buffer with its records; one of a guest goes to the host.
    pub(crate) fn accept(&self, buffer: Buffer) {
        #[cfg(feature = "python")]
        if let Some(host) = crate::join::guest::host() {
            self.hand_to(host, buffer);
            return;
        }
        self.ledger.queued(buffer.records);
        lock(&self.queue).push_back(buffer);
    }

    /// Hands a buffer over to the host, which copies it.
    #[cfg(feature = "python")]
    fn hand_to(&self, host: &crate::join::guest::Host, buffer: Buffer) {
        let (ledger, records) = (&self.ledger, buffer.records);
        match host.submit(self.origin, &buffer.bytes, &buffer.runs, records) {
            Ok(()) => ledger.delivered(records),
            Err(Refusal::Full) => ledger.dropped_queue_full(records),
            Err(Refusal::Ended) => ledger.dropped_already_shutdown(records),
            Err(Refusal::Broken) => ledger.dropped_unreachable(records),
        }
        self.memory.give_back(buffer);
    }

    /// Takes over records that another copy of this crate has encoded; `false` when there is no
    /// room for them.
    #[cfg(feature = "python")]
    pub(crate) fn take_over(&self, bytes: &[u8], runs: &[Run]) -> bool {
        let records = runs.iter().map(|run| u64::from(run.records)).sum();
        if !self.admit_items(records) {
            return false;
        }
        let Some(mut buffer) = self.memory.take(bytes.len()) else {
            self.items.left(records);
            return false;
        };
        buffer.fill(bytes, runs, records);
        self.ledger.recorded(records);
        self.accept(buffer);
        true
    }

    /// Tells the sender of so many bytes that were taken over, if it should know now.
    #[cfg(feature = "python")]
    pub(crate) fn announce(&self, bytes: usize) {
        self.watch_memory();
        if bytes > LARGEST / 2 {
            self.wake();
        }
    }

    /// Room for so many more records, by number?
    #[cfg(feature = "python")]
    fn admit_items(&self, records: u64) -> bool {
        if !self.items.are_limited() {
            return true;
        }
        let admitted = (0..records).take_while(|_| self.admit_item()).count() as u64;
        if admitted < records {
            self.items.left(admitted);
        }
        admitted == records
    }

    /// When memory is short, asks for all open chunks now.
    pub(crate) fn watch_memory(&self) {
        if self.memory.is_short() {
            self.want_collection();
        }
    }

    /// Asks for all open chunks, once until they are fetched. A guest has no sender: it asks the
    /// host's.
    pub(crate) fn want_collection(&self) {
        if self.collection_wanted.swap(true, Ordering::Relaxed) {
            return;
        }
        #[cfg(feature = "python")]
        if let Some(host) = crate::join::guest::host() {
            host.wake(self.origin.signal);
            return;
        }
        self.wake();
    }

    /// Room for one more record, by number? Once a batch is together, the sender fetches it.
    #[cold]
    #[inline(never)]
    pub(crate) fn admit_item(&self) -> bool {
        let admission = self.items.admit();
        if admission.completes_batch {
            self.want_collection();
        }
        admission.is_granted
    }

    /// Records are settled: delivered, rejected, dropped or spooled after they were queued. The
    /// limits by number hear of those that `are_counted`.
    pub(crate) fn settled(&self, records: u64, are_counted: bool) {
        if are_counted {
            self.items.left(records);
        }
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
