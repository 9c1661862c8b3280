//! What a guest hands over, and what it answers when the host calls.

use super::abi::{
    Batch, Bytes, Counts, RunBytes, ScopeBytes, Take, code, contained, signal_number, signal_of,
};
use super::guest::{self, Host, Refusal};
use crate::diagnose::{self, Cause};
use crate::export::SignalKind;
use crate::metrics;
use crate::pipeline::buffer::Run;
use crate::pipeline::lane::Origin;
use crate::pipeline::{clock, engine, os, outlet, state};
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

impl Host {
    /// Hands records over. They stay ours: the host copies them.
    pub(crate) fn submit(
        &self,
        origin: Origin,
        bytes: &[u8],
        runs: &[Run],
        records: u64,
    ) -> Result<(), Refusal> {
        let (mut scopes, mut known) = (Vec::new(), Vec::new());
        let runs: Vec<_> = runs
            .iter()
            .map(|run| {
                let at = known.iter().position(|scope| ptr::eq(*scope, run.scope));
                let scope = at.unwrap_or_else(|| {
                    known.push(run.scope);
                    scopes.push(ScopeBytes {
                        scope: Bytes::of(&run.scope.bytes),
                        schema_url: Bytes::of(run.scope.schema_url.as_bytes()),
                    });
                    known.len() - 1
                });
                let Run { offset, length, records, .. } = *run;
                RunBytes { scope: scope as u32, records, offset, length }
            })
            .collect();
        let batch = Batch {
            runs: runs.as_ptr(),
            run_count: runs.len(),
            scopes: scopes.as_ptr(),
            scope_count: scopes.len(),
            ..self.batch(origin, bytes, records)
        };
        // SAFETY: the table's function; what is lent lives for this call.
        let answer = unsafe { (self.table.submit)(&raw const batch) };
        match answer {
            code::OK => Ok(()),
            code::FULL => {
                let text = "records of an extension were dropped: the memory for telemetry is full";
                diagnose::warn(Cause::QueueFull, &text);
                Err(Refusal::Full)
            }
            code::OFF | code::STALE => Err(Refusal::Ended),
            _ => Err(Refusal::Broken),
        }
    }

    /// Records without an index.
    fn batch(&self, origin: Origin, bytes: &[u8], records: u64) -> Batch {
        Batch {
            size: size_of::<Batch>(),
            epoch: origin.epoch.wrapping_add(self.epochs_ahead),
            guest: self.number.load(Ordering::Relaxed) as u32,
            signal: signal_number(origin.signal),
            records,
            bytes: Bytes::of(bytes),
            runs: ptr::null(),
            run_count: 0,
            scopes: ptr::null(),
            scope_count: 0,
        }
    }
}

pub(super) unsafe extern "C" fn changed() -> i32 {
    contained(|| {
        guest::follow();
        code::OK
    })
}

pub(super) unsafe extern "C" fn drain(signal: u32, until_ns: u64) -> i32 {
    contained(|| {
        let Some(signal) = signal_of(signal) else { return code::BAD };
        // Nothing was recorded in this process: what an engine before a fork has is not ours.
        let Some(engine) = engine::current() else { return code::OK };
        // Forgotten before the chunks are looked at: who is short of memory later asks again.
        engine.lane(signal).collection_wanted();
        if engine.collect(signal, moment(until_ns)) { code::OK } else { code::LATE }
    })
}

pub(super) unsafe extern "C" fn count(signal: u32, counts: *mut Counts) -> i32 {
    contained(|| {
        let Some(signal) = signal_of(signal) else { return code::BAD };
        let stats = engine::current().map(|engine| engine.stats_of(signal)).unwrap_or_default();
        let said = Counts {
            size: size_of::<Counts>(),
            recorded: stats.recorded,
            handed: stats.delivered,
            lost: stats.lost(),
            open: stats.queued,
        };
        // SAFETY: the host lends as much room as its own size says.
        unsafe {
            let room = (*counts).size.min(said.size);
            (&raw const said).cast::<u8>().copy_to_nonoverlapping(counts.cast(), room);
            (*counts).size = room;
        }
        code::OK
    })
}

pub(super) unsafe extern "C" fn collect_metrics() -> i32 {
    contained(|| {
        let Some(host) = guest::host() else { return code::OFF };
        // Measurements alone start nothing: in a forked child there may be no engine yet.
        let pieces = metrics::collect_pieces(clock::now().wall_ns, outlet::REQUEST_BYTES);
        let Some(engine) = engine::current() else { return code::OK };
        let ledger = &engine.lanes.metrics.ledger;
        let origin = Origin { signal: SignalKind::Metrics, epoch: state::epoch() };
        for piece in pieces {
            ledger.recorded(piece.points);
            match host.submit(origin, &piece.bytes, &[], piece.points) {
                Ok(()) => ledger.delivered(piece.points),
                Err(_) => ledger.dropped_unreachable(piece.points),
            }
        }
        code::OK
    })
}

pub(super) unsafe extern "C" fn show_metrics(take: Take, to: *mut c_void) -> i32 {
    contained(|| {
        let Some(host) = guest::host() else { return code::OFF };
        let origin = Origin { signal: SignalKind::Metrics, epoch: state::epoch() };
        for piece in metrics::show_pieces(clock::now().wall_ns) {
            let batch = host.batch(origin, &piece.bytes, piece.points);
            // SAFETY: the host's function, with what it has lent for this call.
            unsafe { take(to, &raw const batch) };
        }
        code::OK
    })
}

pub(super) unsafe extern "C" fn ended() -> i32 {
    contained(|| {
        if !state::is_running() {
            metrics::stop();
        }
        code::OK
    })
}

/// A moment of the tables as ours.
pub(super) fn moment(until_ns: u64) -> Instant {
    let left = until_ns.saturating_sub(os::monotonic_ns());
    Instant::now() + Duration::from_nanos(left).min(crate::pipeline::lifecycle::LONGEST_WAIT)
}
