//! A thread's open chunk: where its finished records gather until they are handed over.
//!
//! Flow: record -> **chunk** -> queue -> send. The registry owns the chunk, the thread borrows it
//! behind an uncontended lock, and whoever flushes swaps the buffer out.

use super::buffer::{Buffer, LARGEST, SMALLEST};
use super::lane::Lane;
use super::scope::ScopeData;

/// The start of a chunk is small; a thread that fills it gets a larger one next.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    buffer: Option<Buffer>,
    /// How much the last buffer held when it left: a guess for the next.
    last_length: usize,
}

impl Chunk {
    /// Appends one record of at most `length` bytes; counts it as dropped when the budget is
    /// spent. `write` gets the vector to append to.
    #[inline]
    pub(crate) fn append(
        &mut self,
        lane: &Lane,
        scope: &'static ScopeData,
        length: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let are_limited = lane.items.are_limited();
        if are_limited && !lane.admit_item() {
            lane.ledger.dropped_queue_full(1);
            return;
        }
        let fits = self
            .buffer
            .as_ref()
            .is_some_and(|buffer| buffer.bytes.capacity() - buffer.bytes.len() >= length);
        if !fits && !self.make_room(lane, length) {
            lane.items.left(1);
            lane.ledger.dropped_queue_full(1);
            lane.watch_memory();
            return;
        }
        let Some(buffer) = &mut self.buffer else { return };
        let offset = buffer.bytes.len();
        write(&mut buffer.bytes);
        buffer.note(scope, offset);
        if !fits {
            // Now that the record is there: who is woken does not wait long for this chunk.
            lane.watch_memory();
        }
        if are_limited && buffer.records >= lane.items.batch() {
            self.hand_over(lane);
            lane.wake();
        }
    }

    /// Hands over what is there and leaves no buffer behind.
    pub(crate) fn hand_over(&mut self, lane: &Lane) {
        if let Some(buffer) = self.buffer.take() {
            self.last_length = buffer.bytes.len();
            lane.accept(buffer);
            lane.watch_memory();
        }
    }

    /// Records waiting in this chunk.
    pub(crate) fn open_records(&self) -> u64 {
        self.buffer.as_ref().map_or(0, |buffer| buffer.records)
    }

    #[cold]
    #[inline(never)]
    fn make_room(&mut self, lane: &Lane, length: usize) -> bool {
        match self.buffer.take() {
            None => {
                let guess = self.last_length.min(LARGEST);
                self.buffer = lane.memory.take(length.max(guess));
            }
            Some(full) => {
                let held = full.bytes.len();
                if held + length <= LARGEST {
                    self.grow(lane, full, held + length);
                } else {
                    self.last_length = held;
                    lane.accept(full);
                    lane.wake();
                    // A thread that filled a chunk will fill the next.
                    self.buffer = lane.memory.take(length.max(LARGEST));
                }
            }
        }
        // Short of memory: a small buffer is better than none.
        if self.buffer.is_none() && length <= SMALLEST {
            self.buffer = lane.memory.take(length);
        }
        self.buffer.is_some()
    }

    /// Moves the records into a larger buffer, or hands them over when there is none.
    fn grow(&mut self, lane: &Lane, full: Buffer, bytes: usize) {
        let Some(mut larger) = lane.memory.take(bytes) else {
            lane.accept(full);
            return;
        };
        larger.bytes.extend_from_slice(&full.bytes);
        larger.runs.extend_from_slice(&full.runs);
        larger.records = full.records;
        lane.memory.give_back(full);
        self.buffer = Some(larger);
    }
}
