//! Every thread's shard: its open chunks and its counts of live spans.
//!
//! A thread adds its shard at its first record and takes it out when it ends. What ends after
//! that, in another thread-local destructor, goes to the orphans' shard.

use super::buffer::lock;
use super::chunk::Chunk;
use super::lane::{Lane, Lanes};
use super::ledger::Ledger;
use super::lock::Lock;
use crate::export::SignalKind;
use crate::stats::Stats;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// One thread's part.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    pub(crate) traces: Strand,
    pub(crate) logs: Strand,
    pub(crate) started: Counter,
    /// Written under the lock of the spans' chunk.
    pub(crate) ended: Counter,
}

/// One thread's part of one signal. The counters stand beside the lock, so that the ledger can be
/// read while the thread is stopped inside its chunk.
#[derive(Debug, Default)]
pub(crate) struct Strand {
    pub(crate) chunk: Lock<Chunk>,
    /// Every record this thread ended, delivered or not. Written under the chunk's lock.
    pub(crate) recorded: Counter,
    /// Records in the open chunk. Written under the chunk's lock.
    pub(crate) open: Counter,
}

impl Shard {
    /// The signal's part; metrics are not collected by threads.
    fn strand(&self, signal: SignalKind) -> Option<&Strand> {
        match signal {
            SignalKind::Traces => Some(&self.traces),
            SignalKind::Logs => Some(&self.logs),
            SignalKind::Metrics => None,
        }
    }
}

impl Strand {
    fn hand_over(&self, chunk: &mut Chunk, lane: &Lane) {
        chunk.hand_over(lane);
        self.open.set(0);
    }

    /// The thread is gone: what it holds is handed over, and its counts are kept.
    fn retire(&self, lane: &Lane) {
        self.chunk.with(|chunk| self.hand_over(chunk, lane));
        lane.ledger.recorded(self.recorded.get());
    }

    fn try_hand_over(&self, lane: &Lane) -> bool {
        self.chunk.try_with(|chunk| self.hand_over(chunk, lane)).is_some()
    }

    /// A thread holds its chunk for the length of one copy; a longer wait means it is not running.
    fn hand_over_until(&self, lane: &Lane, deadline: Instant) -> bool {
        loop {
            if self.try_hand_over(lane) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(Duration::from_micros(20));
        }
    }
}

/// A counter that one thread at a time writes: no read-modify-write cycle.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    #[inline(always)]
    pub(crate) fn increment(&self) {
        self.set(self.get() + 1);
    }

    #[inline(always)]
    pub(crate) fn set(&self, count: u64) {
        // Relaxed: a statistic; nothing is ordered by it.
        self.0.store(count, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub(crate) struct Registry {
    shards: Mutex<Vec<Arc<Shard>>>,
    orphans: Arc<Shard>,
    /// Spans started and ended by threads that are gone.
    retired_started: AtomicU64,
    retired_ended: AtomicU64,
}

impl Registry {
    pub(crate) fn new() -> Self {
        let orphans = Arc::new(Shard::default());
        Self {
            shards: Mutex::new(vec![Arc::clone(&orphans)]),
            orphans,
            retired_started: AtomicU64::new(0),
            retired_ended: AtomicU64::new(0),
        }
    }

    pub(crate) fn enroll(&self) -> Arc<Shard> {
        let shard = Arc::new(Shard::default());
        lock(&self.shards).push(Arc::clone(&shard));
        shard
    }

    /// Takes a thread's shard out; what it holds is handed over and its counts are kept.
    pub(crate) fn retire(&self, shard: &Arc<Shard>, lanes: &Lanes) {
        let mut shards = lock(&self.shards);
        shard.traces.retire(&lanes.traces);
        shard.logs.retire(&lanes.logs);
        self.retired_started.fetch_add(shard.started.get(), Ordering::Relaxed);
        self.retired_ended.fetch_add(shard.ended.get(), Ordering::Relaxed);
        shards.retain(|other| !Arc::ptr_eq(other, shard));
    }

    /// Where a record goes whose thread has no shard any more.
    pub(crate) fn orphans(&self) -> &Shard {
        &self.orphans
    }

    /// Hands over every open chunk of the signal; `false` when one stayed busy until the deadline.
    pub(crate) fn collect(&self, signal: SignalKind, lane: &Lane, deadline: Instant) -> bool {
        let shards = lock(&self.shards).clone();
        let strands = || shards.iter().filter_map(|shard| shard.strand(signal));
        // First those that are free: a thread that is stopped inside its chunk holds up nobody
        // else's.
        let busy: Vec<_> = strands().filter(|strand| !strand.try_hand_over(lane)).collect();
        busy.into_iter().all(|strand| strand.hand_over_until(lane, deadline))
    }

    /// The signal's ledger with what living threads hold on top.
    pub(crate) fn stats(&self, signal: SignalKind, ledger: &Ledger) -> Stats {
        let shards = lock(&self.shards);
        let strands = || shards.iter().filter_map(|shard| shard.strand(signal));
        // Open chunks first, then the queue: what moves meanwhile is seen twice, not never.
        let open: u64 = strands().map(|strand| strand.open.get()).sum();
        let recorded: u64 = strands().map(|strand| strand.recorded.get()).sum();
        let mut stats = ledger.read();
        stats.recorded += recorded;
        stats.queued += open;
        stats
    }

    /// Spans started and not ended.
    pub(crate) fn live(&self) -> u64 {
        let shards = lock(&self.shards);
        let sum = |counter: fn(&Shard) -> &Counter| -> u64 {
            shards.iter().map(|shard| counter(shard).get()).sum()
        };
        let started = self.retired_started.load(Ordering::Relaxed) + sum(|shard| &shard.started);
        let ended = self.retired_ended.load(Ordering::Relaxed) + sum(|shard| &shard.ended);
        started.saturating_sub(ended)
    }
}
