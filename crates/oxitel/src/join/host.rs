//! The host's side: what `oxitel._native` offers to the other extensions of its process.
//!
//! A program in Rust needs none of it. It follows the needs of `oxitel`'s own binding and may change
//! with any version.

use super::abi::{self, Bytes, Counts, Head, Place, code, contained, text as texts};
pub use super::abi::{ContextTable, EngineTable};
use super::{guests, python};
use crate::context::{Baggage, SpanContext};
use crate::export::SignalKind;
use crate::propagate;
use std::borrow::Cow;
use std::ffi::CStr;

/// The module's attribute for the [`context_table`], and its capsule's name.
pub const CONTEXT: (&CStr, &CStr) = (abi::CONTEXT.attribute, abi::CONTEXT.name);

/// The same for the [`engine_table`].
pub const ENGINE: (&CStr, &CStr) = (abi::ENGINE.attribute, abi::ENGINE.name);

/// The table of the engine.
pub fn engine_table() -> EngineTable {
    guests::table()
}

/// What another extension has recorded since it joined.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GuestStats {
    /// What it calls itself.
    pub name: String,
    /// Of these records ..
    pub recorded: u64,
    /// .. so many were handed over to this engine,
    pub handed: u64,
    /// so many are lost,
    pub lost: u64,
    /// and so many lie in open chunks.
    pub open: u64,
}

/// The extensions that have joined, with what they have recorded of a signal in this process.
pub fn guests(signal: SignalKind) -> Vec<GuestStats> {
    let stats = |guest: &guests::Guest| {
        let Counts { recorded, handed, lost, open, .. } = guest.counts(signal);
        GuestStats { name: guest.name.clone(), recorded, handed, lost, open }
    };
    guests::all().map(stats).collect()
}

/// How the binding reaches Python's current span. Each function runs with the interpreter held, and
/// touches objects that are written in C alone: it imports nothing and runs no bytecode, which may
/// end its thread while the program ends.
pub trait Interpreter: 'static {
    /// What [`detach`](Self::detach) needs.
    type Token: 'static;

    /// The current span, and whether there is baggage; `None` when Python said no.
    fn current() -> Option<(SpanContext, bool)>;

    /// The current baggage.
    fn baggage() -> Option<Baggage>;

    /// Makes a span current, unless it is invalid, with this baggage, unless it is empty.
    fn attach(span: &SpanContext, baggage: &Baggage) -> Option<Self::Token>;

    /// Makes the one before current again; `false` when Python said no.
    fn detach(token: Self::Token) -> bool;

    /// Whether the program ends and this thread must not touch Python any more.
    fn is_leaving() -> bool;
}

/// The table of the current span.
pub fn context_table<I: Interpreter>() -> ContextTable {
    ContextTable {
        head: Head::of::<ContextTable>(),
        get: Some(get::<I>),
        attach: Some(attach::<I>),
        detach: Some(detach::<I>),
        text: Some(text::<I>),
    }
}

/// Runs `action` if this thread may touch Python.
fn on_python<I: Interpreter>(action: impl FnOnce() -> i32) -> i32 {
    contained(|| {
        let may = python::attached().is_some() && !I::is_leaving();
        if may { action() } else { code::DETACHED }
    })
}

unsafe extern "C" fn get<I: Interpreter>(place: *mut Place) -> i32 {
    on_python::<I>(|| {
        let Some((span, has_baggage)) = I::current() else { return code::PYTHON };
        // SAFETY: the guest lends it for this call.
        unsafe { place.write(Place::of(&span, has_baggage)) };
        if span.is_valid() || has_baggage { code::OK } else { code::NONE }
    })
}

unsafe extern "C" fn attach<I: Interpreter>(
    place: *const Place,
    trace_state: Bytes,
    baggage: Bytes,
    token: *mut u64,
) -> i32 {
    on_python::<I>(|| {
        // SAFETY: the guest lends all of it for this call.
        let (place, trace_state, baggage) =
            unsafe { (place.read(), trace_state.get(), baggage.get()) };
        let span = place.span_context(str::from_utf8(trace_state).ok());
        let Some(attached) = I::attach(&span, &baggage_of(baggage)) else { return code::PYTHON };
        let attached = Box::into_raw(Box::new(attached));
        // SAFETY: as above.
        unsafe { token.write(attached.expose_provenance() as u64) };
        code::OK
    })
}

unsafe extern "C" fn detach<I: Interpreter>(token: u64) -> i32 {
    on_python::<I>(|| {
        let attached = std::ptr::with_exposed_provenance_mut::<I::Token>(token as usize);
        // SAFETY: from `attach`; a guest gives each token back once.
        let attached = unsafe { Box::from_raw(attached) };
        if I::detach(*attached) { code::OK } else { code::PYTHON }
    })
}

unsafe extern "C" fn text<I: Interpreter>(kind: u32, buffer: *mut u8, room: usize) -> isize {
    let mut length = 0;
    let answer = on_python::<I>(|| {
        let said = match kind {
            texts::TRACE_STATE => I::current().map(|(span, _)| span.trace_state().to_owned()),
            texts::BAGGAGE => I::baggage().map(|baggage| header_of(&baggage)),
            _ => return code::BAD,
        };
        let Some(said) = said else { return code::PYTHON };
        length = said.len().cast_signed();
        // SAFETY: the guest lends so much room for this call.
        unsafe { said.as_ptr().copy_to_nonoverlapping(buffer, said.len().min(room)) };
        code::OK
    });
    if answer == code::OK { length } else { answer as isize }
}

/// Baggage as its header has it.
pub(super) fn header_of(baggage: &Baggage) -> String {
    propagate::baggage_header(baggage)
}

/// The same, read.
pub(super) fn baggage_of(header: &[u8]) -> Baggage {
    match String::from_utf8_lossy(header) {
        Cow::Borrowed("") => Baggage::new(),
        header => propagate::baggage_from(&header),
    }
}
