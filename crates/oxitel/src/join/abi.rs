//! The border between two copies of this crate in one process: tables of C functions that only
//! grow, and what travels through them.
//!
//! A new minor version appends fields; each side copies the part that both know. A new major version
//! is another capsule.

use crate::context::{Ids, SpanContext, SpanId, TraceFlags, TraceId};
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(super) const MAJOR: u32 = 1;
pub(super) const MINOR: u32 = 0;

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

/// What functions of the tables answer.
pub(super) mod code {
    pub(crate) const OK: i32 = 0;
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

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Head>() == 16 && size_of::<Bytes>() == 16 && size_of::<Place>() == 32);
    assert!(size_of::<ContextTable>() == 48);
};

/// Runs a function of a table: no panic crosses the border.
pub(super) fn contained(action: impl FnOnce() -> i32) -> i32 {
    catch_unwind(AssertUnwindSafe(action)).unwrap_or(code::PANIC)
}
