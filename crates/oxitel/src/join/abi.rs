//! The border between two copies of this crate in one process: tables of C functions that only
//! grow, and what travels through them.
//!
//! A new minor version appends fields; each side copies the part that both know. A new major version
//! is another capsule.

use crate::context::{Ids, SpanContext, SpanId, TraceFlags, TraceId};
use crate::export::SignalKind;
use crate::pipeline::state::Shared;
use std::ffi::{CStr, c_void};
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(super) const MAJOR: u32 = 1;
/// 1: a guest whose memory is short wakes the host, guests are on the page for Prometheus, and
/// baggage crosses without a span.
pub(super) const MINOR: u32 = 1;

/// The module that has the capsules.
pub(super) const HOST: &CStr = c"oxitel._native";

/// A table's name: as an attribute of the module, and its capsule's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capsule {
    pub(super) attribute: &'static CStr,
    pub(super) name: &'static CStr,
}

/// The current span. Meant to stay as it is.
pub(super) const CONTEXT: Capsule =
    Capsule { attribute: c"context_v1", name: c"oxitel._native.context_v1" };

/// The engine. A host of another major version has another capsule.
pub(super) const ENGINE: Capsule =
    Capsule { attribute: c"engine_v1", name: c"oxitel._native.engine_v1" };

/// What functions of the tables answer.
pub(super) mod code {
    pub(crate) const OK: i32 = 0;
    /// There is no room. Whoever refuses does not count: the guest does.
    pub(crate) const FULL: i32 = 1;
    /// Nothing is recorded, or not any more.
    pub(crate) const OFF: i32 = 2;
    /// It was recorded before the last fork: the parent has it.
    pub(crate) const STALE: i32 = 3;
    /// Not everything was done by the deadline, or something was lost.
    pub(crate) const LATE: i32 = 4;
    /// There is no current span.
    pub(crate) const NONE: i32 = 5;
    /// This thread does not hold the interpreter, or must not touch it any more.
    pub(crate) const DETACHED: i32 = 6;
    pub(crate) const BAD: i32 = -1;
    pub(crate) const PANIC: i32 = -2;
    /// Python said no.
    pub(crate) const PYTHON: i32 = -3;
}

/// The first field of every table.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) major: u32,
    pub(super) minor: u32,
    /// Of the whole table, in bytes.
    pub(super) size: usize,
}

impl Head {
    pub(super) const fn of<T>() -> Self {
        Self { major: MAJOR, minor: MINOR, size: size_of::<T>() }
    }
}

/// A table that begins with a [`Head`].
///
/// # Safety
/// It is `repr(C)`, its first field is a [`Head`], and all zeros are a valid value of it.
pub(super) unsafe trait Table: Copy {
    /// What its first minor version had.
    const SMALLEST: usize;
}

/// A copy of the part that both sides know; what the other side's version does not have is empty.
///
/// # Safety
/// `table` points to a table whose head tells its size.
pub(super) unsafe fn known_part<T: Table>(table: *const T) -> Result<T, Head> {
    // SAFETY: by contract a head is there.
    let head = unsafe { table.cast::<Head>().read() };
    if head.major != MAJOR || head.size < T::SMALLEST {
        return Err(head);
    }
    let mut known = MaybeUninit::<T>::zeroed();
    let bytes = head.size.min(size_of::<T>());
    // SAFETY: both sides have so many bytes, and all zeros were a valid `T` before.
    unsafe {
        table.cast::<u8>().copy_to_nonoverlapping(known.as_mut_ptr().cast(), bytes);
        Ok(known.assume_init())
    }
}

/// A stretch of bytes that is lent for one call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes {
    pub(super) start: *const u8,
    pub(super) length: usize,
}

impl Bytes {
    pub(super) const fn of(bytes: &[u8]) -> Self {
        Self { start: bytes.as_ptr(), length: bytes.len() }
    }

    /// # Safety
    /// What lent it still lives.
    pub(super) unsafe fn get<'a>(self) -> &'a [u8] {
        if self.start.is_null() || self.length == 0 {
            return &[];
        }
        // SAFETY: by contract; it was made of a slice.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }
}

/// A span's place in a trace.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
    /// W3C's flags in the lowest byte; [`Ids::REMOTE`], [`Ids::DEBUG`], [`HAS_STATE`],
    /// [`HAS_BAGGAGE`].
    pub(super) flags: u32,
    pub(super) reserved: u32,
}

/// There is a trace state to be asked for.
pub(super) const HAS_STATE: u32 = 0x400;
/// There is baggage to be asked for.
pub(super) const HAS_BAGGAGE: u32 = 0x800;

impl Place {
    pub(super) fn of(span: &SpanContext, has_baggage: bool) -> Self {
        let state = if span.trace_state.is_some() { HAS_STATE } else { 0 };
        let baggage = if has_baggage { HAS_BAGGAGE } else { 0 };
        let own = span.ids.flags & (0xff | Ids::REMOTE | Ids::DEBUG);
        Self {
            trace: span.trace_id().to_bytes(),
            span: span.span_id().to_bytes(),
            flags: own | state | baggage,
            reserved: 0,
        }
    }

    pub(super) fn span_context(&self, trace_state: Option<&str>) -> SpanContext {
        let flags = TraceFlags((self.flags & 0xff) as u8);
        let (trace, span) = (TraceId::from_bytes(self.trace), SpanId::from_bytes(self.span));
        let is_remote = self.flags & Ids::REMOTE != 0;
        let context = if is_remote { SpanContext::remote } else { SpanContext::local };
        let mut context = context(trace, span, flags, trace_state);
        context.ids.flags |= self.flags & Ids::DEBUG;
        context
    }
}

/// Texts of the current place.
pub(super) mod text {
    /// As the `tracestate` header has it.
    pub(crate) const TRACE_STATE: u32 = 0;
    /// As the `baggage` header has it.
    pub(crate) const BAGGAGE: u32 = 1;
}

pub(super) type Get = unsafe extern "C" fn(*mut Place) -> i32;
/// The span, its trace state, its baggage; what [`Detach`] needs, 0 for nothing to detach.
pub(super) type Attach = unsafe extern "C" fn(*const Place, Bytes, Bytes, *mut u64) -> i32;
pub(super) type Detach = unsafe extern "C" fn(u64) -> i32;
/// Which text, and where to; answers how long it is, and writes as much as there is room for.
pub(super) type Text = unsafe extern "C" fn(u32, *mut u8, usize) -> isize;

/// The current span of Python's thread or task: what it is, and making another one current.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ContextTable {
    pub(super) head: Head,
    pub(super) get: Option<Get>,
    pub(super) attach: Option<Attach>,
    pub(super) detach: Option<Detach>,
    pub(super) text: Option<Text>,
}

// SAFETY: `repr(C)`, the head is first, and no function is all zeros.
unsafe impl Table for ContextTable {
    const SMALLEST: usize = 48;
}

/// An instrumentation scope, by value: there are no numbers that both sides would have to agree on.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct ScopeBytes {
    /// An `InstrumentationScope` of OTLP.
    pub(super) scope: Bytes,
    pub(super) schema_url: Bytes,
}

/// A stretch of records of one scope.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct RunBytes {
    /// Which of the batch's scopes.
    pub(super) scope: u32,
    pub(super) records: u32,
    pub(super) offset: u32,
    pub(super) length: u32,
}

/// Records that are handed over: lent for one call, and copied, as no allocator is shared.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    /// Of this struct, in bytes.
    pub(super) size: usize,
    /// The host's epoch in which they were recorded.
    pub(super) epoch: u64,
    pub(super) guest: u32,
    /// One of [`signal_number`].
    pub(super) signal: u32,
    pub(super) records: u64,
    /// Fields of the message that holds records; for metrics, of the one that holds scopes.
    pub(super) bytes: Bytes,
    /// None for metrics.
    pub(super) runs: *const RunBytes,
    pub(super) run_count: usize,
    pub(super) scopes: *const ScopeBytes,
    pub(super) scope_count: usize,
}

impl Batch {
    pub(super) const SMALLEST: usize = 80;
}

/// How the tables name a signal.
pub(super) const fn signal_number(signal: SignalKind) -> u32 {
    match signal {
        SignalKind::Traces => 0,
        SignalKind::Logs => 1,
        SignalKind::Metrics => 2,
    }
}

pub(super) fn signal_of(number: u32) -> Option<SignalKind> {
    SignalKind::ALL.into_iter().find(|signal| signal_number(*signal) == number)
}

/// What a guest has counted of one signal.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Of this struct as the caller knows it; then how much was written.
    pub(super) size: usize,
    pub(super) recorded: u64,
    /// The host has them.
    pub(super) handed: u64,
    pub(super) lost: u64,
    /// In open chunks.
    pub(super) open: u64,
}

/// Answers the guest's number.
pub(super) type Register = unsafe extern "C" fn(*const GuestTable) -> i32;
pub(super) type Submit = unsafe extern "C" fn(*const Batch) -> i32;
pub(super) type Simple = unsafe extern "C" fn() -> i32;
/// Until then, in nanoseconds of the monotonic clock.
pub(super) type Until = unsafe extern "C" fn(u64) -> i32;
pub(super) type Drain = unsafe extern "C" fn(u32, u64) -> i32;
pub(super) type Count = unsafe extern "C" fn(u32, *mut Counts) -> i32;
/// Which signal is meant.
pub(super) type OfSignal = unsafe extern "C" fn(u32) -> i32;
/// Takes what was collected, as [`Submit`] does; first comes what it was lent for that.
pub(super) type Take = unsafe extern "C" fn(*mut c_void, *const Batch) -> i32;
pub(super) type Show = unsafe extern "C" fn(Take, *mut c_void) -> i32;
/// As [`Text`], without a choice.
pub(super) type Said = unsafe extern "C" fn(*mut u8, usize) -> isize;

/// What a host offers.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct EngineTable {
    pub(super) head: Head,
    /// Lives for the whole process.
    pub(super) shared: *const Shared,
    pub(super) register: Option<Register>,
    /// How records are made, as variables: `NAME=value`, each with a zero behind it.
    pub(super) config: Option<Said>,
    pub(super) submit: Option<Submit>,
    /// A guest begins to record in this process: it is to have somebody who sends.
    pub(super) ready: Option<Simple>,
    pub(super) flush: Option<Until>,
    /// Minor version 1: memory of a guest is short, its open chunks are to be fetched.
    pub(super) wake: Option<OfSignal>,
}

// SAFETY: the shared words are atomics of a static, and functions can be called from anywhere.
unsafe impl Send for EngineTable {}
// SAFETY: as above.
unsafe impl Sync for EngineTable {}
// SAFETY: `repr(C)`, the head is first, and no function is all zeros.
unsafe impl Table for EngineTable {
    const SMALLEST: usize = 64;
}

/// What a guest answers to.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct GuestTable {
    pub(super) head: Head,
    pub(super) name: Bytes,
    /// The shared words have changed.
    pub(super) changed: Option<Simple>,
    /// Hands over what lies in open chunks of one signal.
    pub(super) drain: Option<Drain>,
    pub(super) count: Option<Count>,
    /// Hands over what was measured.
    pub(super) collect_metrics: Option<Simple>,
    /// The end of a session: nothing is measured any more.
    pub(super) ended: Option<Simple>,
    /// Minor version 1: hands over all that was measured since the start, for a page.
    pub(super) show_metrics: Option<Show>,
}

// SAFETY: the name is a static's, and functions can be called from anywhere.
unsafe impl Send for GuestTable {}
// SAFETY: as above.
unsafe impl Sync for GuestTable {}
// SAFETY: `repr(C)`, the head is first, and no function is all zeros.
unsafe impl Table for GuestTable {
    const SMALLEST: usize = 72;
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Head>() == 16 && size_of::<Bytes>() == 16 && size_of::<Place>() == 32);
    assert!(size_of::<ScopeBytes>() == 32 && size_of::<RunBytes>() == 16);
    assert!(size_of::<Batch>() == Batch::SMALLEST && size_of::<Counts>() == 40);
    assert!(size_of::<ContextTable>() == <ContextTable as Table>::SMALLEST);
    assert!(size_of::<EngineTable>() == <EngineTable as Table>::SMALLEST + 8);
    assert!(size_of::<GuestTable>() == <GuestTable as Table>::SMALLEST + 8);
    assert!(size_of::<Shared>() == 16);
};

/// Runs a function of a table: no panic crosses the border.
pub(super) fn contained(action: impl FnOnce() -> i32) -> i32 {
    catch_unwind(AssertUnwindSafe(action)).unwrap_or(code::PANIC)
}

#[cfg(test)]
mod tests {
    use super::{
        Bytes, ContextTable, HAS_BAGGAGE, HAS_STATE, Head, MAJOR, Place, Table, code, contained,
        known_part,
    };
    use crate::context::{SpanContext, SpanId, TraceFlags, TraceId};

    fn head<T: Table>(major: u32, size: usize) -> Result<usize, u32> {
        // Larger than any table, as that of a later minor version is.
        let mut table = [u64::MAX; 32];
        table[0] = u64::from(major) | 7 << 32;
        table[1] = size as u64;
        // SAFETY: the size is at most that of the array, or not looked at.
        let known = unsafe { known_part(table.as_ptr().cast::<T>()) };
        known.map(|_| size).map_err(|head| head.minor)
    }

    #[test]
    fn a_table_of_a_later_version_is_known_in_part_and_a_torn_one_not_at_all() {
        let own = size_of::<ContextTable>();
        assert_eq!(head::<ContextTable>(MAJOR, own), Ok(own));
        assert_eq!(head::<ContextTable>(MAJOR, own + 80), Ok(own + 80));
        assert_eq!(head::<ContextTable>(MAJOR, own - 1), Err(7));
        assert_eq!(head::<ContextTable>(MAJOR + 1, own), Err(7));
        assert_eq!(head::<ContextTable>(0, usize::MAX), Err(7));
    }

    #[test]
    fn what_an_older_version_does_not_have_is_empty() {
        #[repr(C)]
        #[derive(Clone, Copy)]
        struct Grown {
            before: ContextTable,
            added: Option<super::Get>,
        }
        // SAFETY: `repr(C)`, the head is first, and no function is all zeros.
        unsafe impl Table for Grown {
            const SMALLEST: usize = ContextTable::SMALLEST;
        }
        let head = Head::of::<ContextTable>();
        let old = ContextTable { head, get: None, attach: None, detach: None, text: None };
        // SAFETY: the head tells that no more is there.
        let grown = unsafe { known_part((&raw const old).cast::<Grown>()) };
        assert!(grown.is_ok_and(|grown| grown.added.is_none() && grown.before.get.is_none()));
    }

    #[test]
    fn a_place_crosses_the_border_whole() {
        let trace = TraceId::from_bytes(*b"0123456789abcdef");
        let span = SpanId::from_bytes(*b"ghijklmn");
        for made in [SpanContext::remote, SpanContext::local] {
            let context = made(trace, span, TraceFlags(3), Some("v=1")).with_debug();
            let place = Place::of(&context, true);
            assert_eq!(place.flags & (HAS_STATE | HAS_BAGGAGE), HAS_STATE | HAS_BAGGAGE);
            assert_eq!(place.span_context(Some("v=1")), context);
        }
        assert!(!Place::of(&SpanContext::NONE, false).span_context(None).is_valid());
    }

    #[test]
    fn no_panic_crosses_the_border() {
        assert_eq!(contained(|| panic!("a fault")), code::PANIC);
        let nothing = Bytes { start: std::ptr::null(), length: 3 };
        // SAFETY: null is no bytes.
        assert!(unsafe { nothing.get() }.is_empty());
    }
}
