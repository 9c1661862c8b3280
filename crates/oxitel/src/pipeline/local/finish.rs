//! The end of a span: its bytes in the thread's chunk, and its scratch back in the pool.

use super::{visit, with_shard};
use crate::diagnose::{self, Cause};
use crate::pipeline::engine::{self, Engine};
use crate::pipeline::registry::Shard;
use crate::pipeline::scratch::Scratch;
use crate::pipeline::{encode, state};

/// Encodes the finished span into this thread's chunk; the scratch goes back to the pool. Without
/// an end a hook has dropped it.
#[inline(always)]
pub(crate) fn finish(scratch: Box<Scratch>, end_ns: Option<u64>) {
    if scratch.epoch != state::epoch() {
        // Begun before a fork: the process that began it ends it.
        return;
    }
    let mut kept = Some(scratch);
    visit(|local| {
        if let (Some(home), Some(scratch)) = (local.home(), kept.take()) {
            write(home.engine, &home.shard, &scratch, end_ns);
            local.recycle(scratch, home.engine);
        }
    });
    if let Some(scratch) = kept {
        finish_orphan(&scratch, end_ns);
    }
}

/// Encodes the finished span into this thread's chunk; the scratch stays with its owner, who calls
/// [`take_back`] later. From now on it counts no more as the memory of a live span: who keeps it to read
/// it keeps his own. Without an end a hook has dropped it.
pub(crate) fn write_finished(scratch: &mut Scratch, end_ns: Option<u64>) {
    with_shard(|engine, shard| {
        write(engine, shard, scratch, end_ns);
        scratch.give_back_charges();
        engine.scratch_freed();
    });
}

/// Ends a span that is recorded for this process alone; the scratch stays with its owner, as in
/// [`write_finished`].
#[cold]
pub(crate) fn end_unsent(scratch: &mut Scratch) {
    with_shard(|engine, shard| {
        count_discarded(engine, shard, false);
        scratch.give_back_charges();
        engine.scratch_freed();
    });
}

/// Takes a scratch back after [`write_finished`].
pub(crate) fn take_back(scratch: Box<Scratch>) {
    if scratch.epoch != state::epoch() {
        return;
    }
    visit(|local| {
        // In the pool it counts again.
        if let Some(home) = local.home()
            && home.engine.admit_scratch(home.settings)
        {
            local.recycle(scratch, home.engine);
        }
    });
}

/// Of a thread that is past its thread-locals.
#[cold]
#[inline(never)]
fn finish_orphan(scratch: &Scratch, end_ns: Option<u64>) {
    if let Some(engine) = engine::current() {
        write(engine, engine.registry.orphans(), scratch, end_ns);
        engine.scratch_freed();
    }
}

/// Lets go of a span that is not to be recorded after all. `lost`: for want of memory, which is
/// counted.
#[cold]
pub(crate) fn discard(scratch: Box<Scratch>, lost: bool) {
    if scratch.epoch != state::epoch() {
        return;
    }
    let mut kept = Some(scratch);
    visit(|local| {
        if let (Some(home), Some(scratch)) = (local.home(), kept.take()) {
            count_discarded(home.engine, &home.shard, lost);
            local.recycle(scratch, home.engine);
        }
    });
    if kept.is_some()
        && let Some(engine) = engine::current()
    {
        count_discarded(engine, engine.registry.orphans(), lost);
        engine.scratch_freed();
    }
}

fn count_discarded(engine: &Engine, shard: &Shard, lost: bool) {
    shard.traces.chunk.with(|_| {
        shard.ended.increment();
        if lost {
            shard.traces.recorded.increment();
            engine.lanes.traces.ledger.dropped_queue_full(1);
        }
    });
}

#[inline(always)]
fn write(engine: &Engine, shard: &Shard, scratch: &Scratch, end_ns: Option<u64>) {
    if scratch.redacted | scratch.dropped() != 0 {
        note(engine, scratch);
    }
    let length = encode::span_length(scratch);
    let (lane, strand) = (&engine.lanes.traces, &shard.traces);
    let after_end = strand.chunk.with(|chunk| {
        shard.ended.increment();
        strand.recorded.increment();
        // Inside the lock: whoever shuts down changes the state first and takes every chunk's
        // lock after, so no record can slip into a chunk that was collected for good.
        if !state::is_on() {
            lane.ledger.dropped_already_shutdown(1);
            return true;
        }
        let Some(end_ns) = end_ns else {
            lane.ledger.dropped_by_hook(1);
            return false;
        };
        if length > encode::MAX_RECORD {
            lane.ledger.dropped_too_large(1);
            return false;
        }
        chunk.append(lane, scratch.scope, encode::field_length(length), |bytes| {
            encode::span(bytes, scratch, length, end_ns);
        });
        strand.open.set(chunk.open_records());
        false
    });
    if after_end {
        warn_late();
    }
}

/// What else there is to say of a finished span.
#[cold]
#[inline(never)]
fn note(engine: &Engine, scratch: &Scratch) {
    engine.lanes.traces.ledger.redacted(u64::from(scratch.redacted));
    if scratch.dropped() != 0 {
        let text = "a span has more attributes, events or links than the limits allow; what came \
                    last was left out and is counted in the span";
        diagnose::warn(Cause::SpanLimit, &text);
    }
}

#[cold]
fn warn_late() {
    diagnose::warn(Cause::AfterShutdown, &"a span ended after shutdown and was dropped");
}
