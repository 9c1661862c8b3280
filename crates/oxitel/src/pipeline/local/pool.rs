//! What a thread keeps for its next spans: scratches, places of spans that are not recorded, and
//! the state that its random numbers follow from.

use super::{Home, Local, visit};
use crate::context::{Ids, SpanContext};
use crate::pipeline::engine::Engine;
use crate::pipeline::ids;
use crate::pipeline::scope::ScopeData;
use crate::pipeline::scratch::Scratch;
use crate::record::Inner;
use std::sync::Arc;

/// Scratches a thread keeps for its next spans.
const POOLED: usize = 64;

/// A random number that is not zero.
#[inline]
pub(crate) fn random() -> u64 {
    visit(Local::random).unwrap_or_else(|| ids::seed() | 1)
}

/// From now on this thread's ids follow from `seed`.
#[cfg(feature = "testing")]
pub(crate) fn fix_random(seed: u64) {
    visit(|local| {
        local.refresh();
        local.random.set(seed);
    });
}

/// A span that is not recorded, in a place from the pool.
pub(super) fn passive(local: &Local, ids: Ids, trace_state: Option<Arc<str>>) -> Inner {
    // SAFETY: only this thread reaches its pool, and no reference to it outlives a statement.
    let mut place = unsafe { (*local.passive.get()).pop() }.unwrap_or_default();
    *place = SpanContext { ids, trace_state };
    Inner::Passive(place)
}

/// Takes the place back.
pub(crate) fn recycle_passive(mut place: Box<SpanContext>) {
    place.trace_state = None;
    visit(|local| {
        // SAFETY: as in `passive`.
        let pool = unsafe { &mut *local.passive.get() };
        if pool.len() < POOLED {
            pool.push(place);
        }
    });
}

impl Local {
    #[inline]
    fn random(&self) -> u64 {
        self.refresh();
        self.next_random()
    }

    #[inline(always)]
    pub(super) fn next_random(&self) -> u64 {
        loop {
            let (state, number) = ids::next(self.random.get());
            self.random.set(state);
            if number != 0 {
                return number;
            }
        }
    }

    /// A scratch from the pool or a new one; `None`, and a count, when there are too many.
    #[inline(always)]
    pub(super) fn scratch(&self, home: &Home, scope: &'static ScopeData) -> Option<Box<Scratch>> {
        // SAFETY: only this thread reaches its pool, and no reference to it outlives a statement.
        let pooled = unsafe { (*self.pool.get()).pop() };
        if pooled.is_some() {
            return pooled;
        }
        if home.engine.admit_scratch(home.settings) {
            return Some(Box::new(Scratch::new(scope)));
        }
        home.engine.lanes.traces.ledger.recorded(1);
        home.engine.lanes.traces.ledger.dropped_queue_full(1);
        None
    }

    #[inline]
    pub(super) fn recycle(&self, mut scratch: Box<Scratch>, engine: &Engine) {
        scratch.clear();
        // SAFETY: as in `scratch`.
        let pool = unsafe { &mut *self.pool.get() };
        if pool.len() < POOLED && scratch.is_worth_keeping() {
            pool.push(scratch);
        } else {
            engine.scratch_freed();
        }
    }
}
