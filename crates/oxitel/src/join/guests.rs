//! The host's list of guests, and what it takes from them.
//!
//! The list only grows, without a lock: a fork cannot tear it, and in the child it is the same. No
//! lock of ours is held while a guest is called.

use super::abi::{
    Batch, Counts, EngineTable, GuestTable, Head, RunBytes, ScopeBytes, Simple, code, contained,
    known_part, signal_number, signal_of,
};
use super::guest::until;
use super::handed::moment;
use crate::export::SignalKind;
use crate::metrics::Piece;
use crate::pipeline::buffer::{Run, lock};
use crate::pipeline::engine::{self, Engine};
use crate::pipeline::lane::Lane;
use crate::pipeline::{fork, lifecycle, scope, settings, state};
use std::ffi::c_void;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::time::Instant;

/// More extensions than any process has.
const MOST: usize = 64;

static GUESTS: [AtomicPtr<Guest>; MOST] = [const { AtomicPtr::new(ptr::null_mut()) }; MOST];
static COUNT: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug)]
pub(super) struct Guest {
    pub(super) name: String,
    table: GuestTable,
}

/// The guests so far.
pub(super) fn all() -> impl Iterator<Item = &'static Guest> {
    // SAFETY: null, or from `register` and never freed.
    GUESTS.iter().filter_map(|place| unsafe { place.load(Ordering::Acquire).as_ref() })
}

/// What guests bring to the engine of this process.
#[derive(Debug)]
pub(crate) struct Inbox {
    /// Closed before the sender looks for the last time: what came later would wait for ever.
    is_open: Mutex<bool>,
    /// Of the collection that is under way.
    metrics: Mutex<Vec<Piece>>,
}

impl Inbox {
    /// In a forked child of a process that records, it is open from the beginning.
    pub(crate) fn new(is_open: bool) -> Self {
        Self { is_open: Mutex::new(is_open), metrics: Mutex::default() }
    }

    pub(crate) fn open(&self) {
        *lock(&self.is_open) = true;
    }

    pub(crate) fn close(&self) {
        *lock(&self.is_open) = false;
    }
}

/// Tells the guests that the engine has started, or is about to end.
pub(crate) fn tell() {
    for guest in all() {
        call(guest.table.changed);
    }
}

/// Tells them that it has ended.
pub(crate) fn tell_end() {
    for guest in all() {
        call(guest.table.ended);
    }
}

fn call(function: Option<Simple>) {
    if let Some(function) = function {
        // What a guest cannot do, it says and counts itself.
        // SAFETY: the guest's function, which is there as long as the process.
        unsafe { function() };
    }
}

/// Fetches what lies in open chunks of guests; `false` when not all of it came by then.
pub(crate) fn drain(signal: SignalKind, deadline: Instant) -> bool {
    let one = |guest: &Guest| {
        // SAFETY: the guest's function.
        let drain =
            |drain: super::abi::Drain| unsafe { drain(signal_number(signal), until(deadline)) };
        guest.table.drain.is_none_or(|it| drain(it) == code::OK)
    };
    // All of them, also after one that did not.
    all().filter(|guest| !one(guest)).count() == 0
}

/// Fetches what guests have measured.
pub(crate) fn collect_metrics(engine: &Engine) -> Vec<Piece> {
    for guest in all() {
        call(guest.table.collect_metrics);
    }
    std::mem::take(&mut *lock(&engine.guests.metrics))
}

/// All that guests have measured since they started, for a page: `scope_metrics` fields, cumulative.
/// Guests of minor version 0 are not on it.
pub(crate) fn show_metrics() -> Vec<Vec<u8>> {
    let mut shown: Vec<Vec<u8>> = Vec::new();
    for show in all().filter_map(|guest| guest.table.show_metrics) {
        // What a guest cannot collect is missing on this page, and it says why.
        // SAFETY: the guest's function, which calls `keep` with what it was lent, and no longer.
        unsafe { show(keep, (&raw mut shown).cast()) };
    }
    shown
}

unsafe extern "C" fn keep(shown: *mut c_void, batch: *const Batch) -> i32 {
    contained(|| {
        // SAFETY: `show_metrics` lends the one, the guest the other, which tells its size.
        unsafe {
            if (*batch).size < Batch::SMALLEST {
                return code::BAD;
            }
            (*shown.cast::<Vec<Vec<u8>>>()).push((*batch).bytes.get().to_vec());
        }
        code::OK
    })
}

/// What guests have lost, of all signals: what they handed over is in our own books.
pub(crate) fn lost() -> u64 {
    let of = |guest: &Guest, signal| guest.counts(signal).lost;
    all().map(|guest| SignalKind::ALL.iter().map(|signal| of(guest, *signal)).sum::<u64>()).sum()
}

impl Guest {
    pub(super) fn counts(&self, signal: SignalKind) -> Counts {
        let mut counts = Counts { size: size_of::<Counts>(), ..Counts::default() };
        if let Some(count) = self.table.count {
            // SAFETY: the guest's function; the counts live for this call and tell their size.
            unsafe { count(signal_number(signal), &raw mut counts) };
        }
        counts
    }
}

/// The table that guests find.
pub(super) fn table() -> EngineTable {
    EngineTable {
        head: Head::of::<EngineTable>(),
        shared: &raw const state::SHARED,
        register: Some(register),
        config: Some(config),
        submit: Some(submit),
        ready: Some(ready),
        flush: Some(flush),
        wake: Some(wake),
    }
}

unsafe extern "C" fn register(table: *const GuestTable) -> i32 {
    contained(|| {
        // SAFETY: the guest's table, which lives for ever and tells its size.
        let Ok(table) = (unsafe { known_part(table) }) else { return code::BAD };
        // SAFETY: the name is a static's.
        let name = unsafe { table.name.get() };
        // Both sides count forks from the same moment on.
        fork::watch();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let Some(place) = GUESTS.get(number) else { return code::BAD };
        let guest = Guest { name: String::from_utf8_lossy(name).into_owned(), table };
        place.store(Box::into_raw(Box::new(guest)), Ordering::Release);
        number as i32
    })
}

unsafe extern "C" fn config(start: *mut u8, room: usize) -> isize {
    let mut length = 0;
    let answer = contained(|| {
        let told = settings::current().map(settings::Settings::told).unwrap_or_default();
        length = told.len().cast_signed();
        // SAFETY: the guest lends so much room for this call.
        unsafe { told.as_ptr().copy_to_nonoverlapping(start, told.len().min(room)) };
        code::OK
    });
    if answer == code::OK { length } else { answer as isize }
}

unsafe extern "C" fn ready() -> i32 {
    contained(|| {
        lifecycle::ensure_sender();
        if state::is_running() { code::OK } else { code::OFF }
    })
}

unsafe extern "C" fn flush(until_ns: u64) -> i32 {
    contained(|| {
        let left = moment(until_ns).saturating_duration_since(Instant::now());
        if lifecycle::flush(left).is_ok() { code::OK } else { code::LATE }
    })
}

unsafe extern "C" fn submit(batch: *const Batch) -> i32 {
    contained(|| {
        // SAFETY: the guest lends it for this call, and it tells its size.
        let batch = unsafe {
            if (*batch).size < Batch::SMALLEST {
                return code::BAD;
            }
            &*batch
        };
        let Some(signal) = signal_of(batch.signal) else { return code::BAD };
        if batch.epoch != state::epoch() {
            return code::STALE;
        }
        let Some(engine) = engine::current() else { return code::OFF };
        // SAFETY: as above.
        let bytes = unsafe { batch.bytes.get() };
        if signal == SignalKind::Metrics {
            let piece = Piece { bytes: bytes.to_vec(), points: batch.records };
            lock(&engine.guests.metrics).push(piece);
            return code::OK;
        }
        // SAFETY: as above.
        let Some(runs) = (unsafe { runs_of(batch) }) else { return code::BAD };
        // Held while it is queued: see `Inbox`.
        let is_open = lock(&engine.guests.is_open);
        if !*is_open {
            return code::OFF;
        }
        take_over(engine.lane(signal), bytes, &runs)
    })
}

/// Takes records into the host's books, all of them or none.
fn take_over(lane: &Lane, bytes: &[u8], runs: &[Run]) -> i32 {
    if !lane.take_over(bytes, runs) {
        return code::FULL;
    }
    // They are ours now. A panic from here on, which the hook has reported, is no reason for the
    // guest to count them as well.
    contained(|| {
        lane.announce(bytes.len());
        code::OK
    });
    code::OK
}

unsafe extern "C" fn wake(signal: u32) -> i32 {
    contained(|| {
        let Some(signal) = signal_of(signal) else { return code::BAD };
        let Some(engine) = engine::current() else { return code::OFF };
        engine.lane(signal).want_collection();
        code::OK
    })
}

/// The batch's runs with scopes of ours, if they are those of its bytes.
///
/// # Safety
/// What the batch lends lives.
unsafe fn runs_of(batch: &Batch) -> Option<Vec<Run>> {
    // SAFETY: by contract.
    let (runs, scopes) =
        unsafe { (slice(batch.runs, batch.run_count), slice(batch.scopes, batch.scope_count)) };
    // SAFETY: by contract.
    let interned = scopes.iter().map(|scope| unsafe { interned(scope) });
    let scopes: Vec<_> = interned.collect();
    let (mut made, mut records, mut end) = (Vec::with_capacity(runs.len()), 0, 0);
    for run in runs {
        let RunBytes { scope, records: more, offset, length } = *run;
        if offset != end {
            return None;
        }
        end = offset.checked_add(length)?;
        records += u64::from(more);
        let scope = *scopes.get(scope as usize)?;
        made.push(Run { scope, offset, length, records: more });
    }
    (records == batch.records && end as usize == batch.bytes.length).then_some(made)
}

/// # Safety
/// What the scope lends lives.
unsafe fn interned(scope: &ScopeBytes) -> &'static scope::ScopeData {
    // SAFETY: by contract.
    let (bytes, schema_url) = unsafe { (scope.scope.get(), scope.schema_url.get()) };
    scope::intern_encoded(bytes, &String::from_utf8_lossy(schema_url))
}

/// # Safety
/// It is null, or so many of them are there.
unsafe fn slice<'a, T>(start: *const T, count: usize) -> &'a [T] {
    if start.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: by contract.
    unsafe { std::slice::from_raw_parts(start, count) }
}

#[cfg(test)]
mod tests {
    use super::super::abi::Bytes;
    use super::{Batch, RunBytes, ScopeBytes, code, runs_of, submit, take_over};
    use crate::export::SignalKind;
    use crate::pipeline::buffer::Run;
    use crate::pipeline::lane::{Lane, Origin};
    use crate::pipeline::settings::Route;
    use crate::pipeline::{scope, state};
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Wake, Waker};
    use std::time::Duration;

    fn judged(change: impl FnOnce(&mut Batch, &mut [RunBytes; 2])) -> Option<usize> {
        let scope = ScopeBytes { scope: Bytes::of(b"\x0a\x01a"), schema_url: Bytes::of(b"") };
        let run = |offset| RunBytes { scope: 0, records: 2, offset, length: 4 };
        let mut runs = [run(0), run(4)];
        let mut batch = Batch {
            size: size_of::<Batch>(),
            epoch: state::epoch(),
            guest: 0,
            signal: 0,
            records: 4,
            bytes: Bytes::of(b"12345678"),
            runs: std::ptr::null(),
            run_count: 2,
            scopes: &raw const scope,
            scope_count: 1,
        };
        change(&mut batch, &mut runs);
        batch.runs = runs.as_ptr();
        // SAFETY: all of it lives until here.
        unsafe { runs_of(&batch) }.map(|runs| runs.len())
    }

    #[test]
    fn a_batch_whose_index_lies_is_refused() {
        assert_eq!(judged(|_, _| {}), Some(2));
        assert_eq!(judged(|batch, _| batch.records = 5), None);
        assert_eq!(judged(|_, runs| runs[1].scope = 1), None);
        assert_eq!(judged(|_, runs| runs[1].offset = 5), None);
        assert_eq!(judged(|_, runs| runs[1].length = 5), None);
        assert_eq!(judged(|_, runs| runs[1].length = u32::MAX), None);
        assert_eq!(judged(|batch, _| batch.run_count = 1), None);
    }

    #[test]
    fn a_batch_of_another_process_or_signal_is_refused() {
        let empty = || Batch {
            size: size_of::<Batch>(),
            epoch: state::epoch(),
            guest: 0,
            signal: 9,
            records: 0,
            bytes: Bytes::of(b""),
            runs: std::ptr::null(),
            run_count: 0,
            scopes: std::ptr::null(),
            scope_count: 0,
        };
        // SAFETY: the batches live for these calls.
        let answer = |batch: Batch| unsafe { submit(&raw const batch) };
        assert_eq!(answer(empty()), code::BAD);
        assert_eq!(answer(Batch { size: 8, signal: 0, ..empty() }), code::BAD);
        assert_eq!(answer(Batch { signal: 0, epoch: u64::MAX, ..empty() }), code::STALE);
    }

    struct Faulty;

    impl Wake for Faulty {
        fn wake(self: Arc<Self>) {
            panic!("a fault");
        }
    }

    #[test]
    fn a_panic_after_records_were_taken_over_counts_them_here_alone() {
        let route = Route {
            ways: Vec::new(),
            schedule_delay: Duration::from_secs(3600),
            queue_bytes: 1 << 17,
            queue_items: None,
            batch_items: None,
        };
        let lane = Lane::new(Origin { signal: SignalKind::Traces, epoch: 1 }, Some(&route));
        let bytes = vec![0; 60_000];
        let scope = scope::intern_encoded(b"\x0a\x01a", "");
        let run = Run { scope, offset: 0, length: 60_000, records: 3 };
        // The sender waits to be woken, and that goes wrong.
        let mut sender = pin!(lane.woken());
        let waker = Waker::from(Arc::new(Faulty));
        assert!(sender.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(take_over(&lane, &bytes, &[run]), code::OK, "or the guest counts them as well");
        let stats = lane.ledger.read();
        assert_eq!((stats.recorded, stats.queued, stats.lost()), (3, 3, 0));
        let [buffer] = &lane.take_all()[..] else { panic!("one batch") };
        assert_eq!(buffer.records, 3);
        assert_eq!(take_over(&lane, &bytes, &[run]), code::OK);
        assert_eq!(take_over(&lane, &bytes, &[run]), code::FULL, "two are all the memory");
        assert_eq!(lane.ledger.read().recorded, 6);
    }
}
