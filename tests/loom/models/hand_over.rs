//! Recording threads append to a locked chunk, a flusher takes what is there: every record comes
//! out exactly once, and none goes in after the chunk was collected for good.
//!
//! [`Chunk`] follows `pipeline/chunk.rs` and [`Road::end_record`] follows `write` in
//! `pipeline/local/finish.rs`, with numbers for records and a plain vector for the queue.

use crate::lock::Lock;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread::{self, JoinHandle};
use std::panic::{AssertUnwindSafe, catch_unwind};

const ON: u32 = 1;
const DOWN: u32 = 2;

/// A chunk with so many records is handed over by the thread that filled it.
const FULL: usize = 2;

#[derive(Debug, Default)]
struct Chunk {
    open: Vec<u32>,
    recorded: u32,
}

/// One thread's chunk and what lies behind it.
#[derive(Debug)]
struct Road {
    state: AtomicU32,
    chunk: Lock<Chunk>,
    queue: Mutex<Vec<u32>>,
    refused: Mutex<Vec<u32>>,
}

impl Road {
    fn open() -> Arc<Self> {
        Arc::new(Self {
            state: AtomicU32::new(ON),
            chunk: Lock::default(),
            queue: Mutex::new(Vec::new()),
            refused: Mutex::new(Vec::new()),
        })
    }

    /// What a thread does when a span ends.
    fn end_record(&self, record: u32) {
        self.chunk.with(|chunk| {
            chunk.recorded += 1;
            // Relaxed, as in the engine: the chunk's lock orders it.
            if self.state.load(Ordering::Relaxed) != ON {
                self.refused.lock().expect("no panic inside").push(record);
                return;
            }
            chunk.open.push(record);
            if chunk.open.len() == FULL {
                self.hand_over(chunk);
            }
        });
    }

    fn hand_over(&self, chunk: &mut Chunk) {
        self.queue.lock().expect("no panic inside").append(&mut chunk.open);
    }

    /// What a flusher does, once.
    fn try_collect(&self) -> bool {
        self.chunk.try_with(|chunk| self.hand_over(chunk)).is_some()
    }

    /// What shutdown does: a busy chunk is tried again.
    fn collect(&self) {
        while !self.try_collect() {
            thread::yield_now();
        }
    }

    fn queued(&self) -> Vec<u32> {
        let mut records = self.queue.lock().expect("no panic inside").clone();
        records.sort_unstable();
        records
    }
}

/// A thread that ends these records, one after the other.
fn recorder(road: &Arc<Road>, records: &'static [u32]) -> JoinHandle<()> {
    let road = Arc::clone(road);
    thread::spawn(move || records.iter().for_each(|record| road.end_record(*record)))
}

#[test]
fn every_record_comes_out_once_while_a_flusher_takes_the_chunk() {
    loom::model(|| {
        let road = Road::open();
        let recorder = recorder(&road, &[1, 2, 3]);
        road.try_collect();
        road.try_collect();
        recorder.join().expect("no panic inside");
        road.collect();
        assert_eq!(road.queued(), [1, 2, 3]);
        assert_eq!(road.chunk.with(|chunk| chunk.recorded), 3);
    });
}

/// Threads past their thread-locals share a chunk.
#[test]
fn every_record_comes_out_once_from_a_shared_chunk() {
    loom::model(|| {
        let road = Road::open();
        let recorder = recorder(&road, &[1, 2]);
        road.end_record(3);
        recorder.join().expect("no panic inside");
        road.collect();
        assert_eq!(road.queued(), [1, 2, 3]);
        assert_eq!(road.chunk.with(|chunk| chunk.recorded), 3);
    });
}

#[test]
fn a_record_that_panics_leaves_the_chunk_open_and_whole() {
    loom::model(|| {
        let road = Road::open();
        let recorder = {
            let road = Arc::clone(&road);
            thread::spawn(move || {
                road.end_record(1);
                let broken = catch_unwind(AssertUnwindSafe(|| {
                    road.chunk.with(|chunk| {
                        chunk.recorded += 1;
                        std::panic::resume_unwind(Box::new("while encoding"));
                    })
                }));
                assert!(broken.is_err());
                road.end_record(2);
            })
        };
        road.try_collect();
        recorder.join().expect("the panic was caught");
        road.collect();
        assert_eq!(road.queued(), [1, 2]);
        assert_eq!(road.chunk.with(|chunk| chunk.recorded), 3);
    });
}

#[test]
fn after_the_last_collection_no_record_slips_into_the_chunk() {
    loom::model(|| {
        let road = Road::open();
        let recorder = recorder(&road, &[1, 2]);
        // Shutdown: first the state, then every chunk's lock.
        road.state.store(DOWN, Ordering::Relaxed);
        road.collect();
        let delivered = road.queued();
        recorder.join().expect("no panic inside");

        let refused = road.refused.lock().expect("no panic inside").clone();
        assert!(road.chunk.with(|chunk| chunk.open.is_empty()), "collected for good");
        assert_eq!(road.queued(), delivered, "nothing was queued after the last collection");
        assert_eq!([delivered, refused].concat(), [1, 2], "each delivered or counted as refused");
    });
}
