//! Every thread's shard: its open chunk and its counts of live spans.
//!
//! A thread adds its shard at its first record and takes it out when it ends. What ends after
//! that, in another thread-local destructor, goes to the orphans' shard.

use super::buffer::lock;
use super::chunk::Chunk;
use super::lane::Lane;
use super::lock::Lock;
use crate::stats::Stats;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(crate) struct Shard {
    pub(crate) traces: Lock<Chunk>,
    started: Counter,
    ended: Counter,
}

impl Shard {
    pub(crate) fn span_started(&self) {
        self.started.increment();
    }

    pub(crate) fn span_ended(&self) {
        self.ended.increment();
    }
}

/// A counter with one writer, its thread: no read-modify-write cycle. (The orphans' shard is
/// only written under its chunk's lock or in a rush at exit, where a lost count is a live span
/// too many in a statistic.)
#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Counter {
    #[inline(always)]
    fn increment(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
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
    pub(crate) fn retire(&self, shard: &Arc<Shard>, lane: &Lane) {
        let mut shards = lock(&self.shards);
        shard.traces.with(|chunk| {
            chunk.hand_over(lane);
            lane.ledger.recorded(std::mem::take(&mut chunk.recorded));
        });
        self.retired_started.fetch_add(shard.started.get(), Ordering::Relaxed);
        self.retired_ended.fetch_add(shard.ended.get(), Ordering::Relaxed);
        shards.retain(|other| !Arc::ptr_eq(other, shard));
    }

    /// Where a record goes whose thread has no shard any more.
    pub(crate) fn orphans(&self) -> &Shard {
        &self.orphans
    }

    /// Hands over every open chunk; `false` when one stayed busy until the deadline.
    pub(crate) fn collect(&self, lane: &Lane, deadline: Instant) -> bool {
        let shards = lock(&self.shards).clone();
        shards.iter().all(|shard| hand_over(shard, lane, deadline))
    }

    /// `counted`, with what living threads hold on top.
    pub(crate) fn complete(&self, mut counted: Stats) -> Stats {
        let mut started = self.retired_started.load(Ordering::Relaxed);
        let mut ended = self.retired_ended.load(Ordering::Relaxed);
        for shard in lock(&self.shards).iter() {
            shard.traces.with(|chunk| {
                counted.recorded += chunk.recorded;
                counted.queued += chunk.open_records();
            });
            started += shard.started.get();
            ended += shard.ended.get();
        }
        counted.live = started.saturating_sub(ended);
        counted
    }
}

/// A thread holds its chunk for the length of one copy; a longer wait means it is not running.
fn hand_over(shard: &Shard, lane: &Lane, deadline: Instant) -> bool {
    loop {
        if shard.traces.try_with(|chunk| chunk.hand_over(lane)).is_some() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_micros(20));
    }
}
