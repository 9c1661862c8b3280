//! The current span at the borders between Python and Rust.
//!
//! Python has its current span in a context variable, which tasks and generators carry with them;
//! Rust has its own per thread. Neither follows the other by itself.

use super::abi::{Bytes, ContextTable, HAS_BAGGAGE, HAS_STATE, Place, code, text};
use super::{guest, host, ordinary, python};
use crate::context::{Attached, Baggage, SpanContext, capture, root, with_parent};
use crate::pipeline::state;

/// Makes Python's current span, and its baggage, current in Rust until the guard is dropped. To be
/// called at the beginning of each function that Python calls.
///
/// Where Python has no current span, Rust has none either. On a thread that does not hold the
/// interpreter, and while nothing is recorded, nothing changes.
///
/// ```no_run
/// # static SHOP: oxitel::Scope = oxitel::Scope::new("shop");
/// // Called by Python.
/// fn price(item: &str) -> u64 {
///     let _python = oxitel::join::enter();
///     let _span = SHOP.enter("price");
///     item.len() as u64
/// }
/// ```
pub fn enter() -> Entered {
    Entered { _attached: current_of_python().map(|it| it.attach()) }
}

/// Keeps Python's current span current in Rust; it cannot leave its thread.
#[derive(Debug)]
#[must_use = "it is current only while the guard lives"]
pub struct Entered {
    _attached: Option<Attached>,
}

/// Makes Rust's current span, and its baggage, current in Python until the guard is dropped: around
/// a call into Python. Where Rust has no current span, Python keeps its own. See [`in_python_at`].
///
/// Without the package `oxitel`, baggage stays where it is: the span alone crosses.
pub fn in_python() -> InPython {
    if !state::is_running() {
        return InPython(None);
    }
    let here = capture();
    InPython(attached(here.span_context(), &here.baggage()))
}

/// Makes this span current in Python until the guard is dropped; an invalid one changes nothing.
///
/// The guard is to be dropped where it was made: with the interpreter held, and in the same thread
/// or task of Python. One that is dropped elsewhere leaves the span current.
pub fn in_python_at(span: &SpanContext) -> InPython {
    InPython(attached(span, &Baggage::new()))
}

/// Keeps a span current in Python.
#[derive(Debug)]
#[must_use = "it is current only while the guard lives"]
pub struct InPython(Option<Token>);

#[derive(Debug)]
enum Token {
    Host(&'static ContextTable, u64),
    Ordinary(ordinary::Token),
}

impl Drop for InPython {
    fn drop(&mut self) {
        match self.0.take() {
            None => {}
            Some(Token::Host(table, token)) => {
                if let Some(detach) = table.detach {
                    // What fails here was made current elsewhere, and nobody can change that.
                    // SAFETY: the table's function, with a token of its own.
                    unsafe { detach(token) };
                }
            }
            Some(Token::Ordinary(token)) => {
                if let Some(python) = python::attached() {
                    ordinary::detach(python, token);
                }
            }
        }
    }
}

/// Python's place; `None` where Rust's own is to stay.
fn current_of_python() -> Option<crate::context::Captured> {
    if !state::is_running() {
        return None;
    }
    let (span, baggage) = match guest::context() {
        Some(table) => of_host(table)?,
        None => (ordinary::current(python::attached()?)?, Baggage::new()),
    };
    let place = if span.is_valid() { with_parent(&span) } else { root() };
    Some(if baggage.is_empty() { place } else { place.with_baggage(&baggage) })
}

fn of_host(table: &ContextTable) -> Option<(SpanContext, Baggage)> {
    let mut place = Place::default();
    // SAFETY: the table's function; the place lives for this call.
    let answer = unsafe { table.get?(&raw mut place) };
    match answer {
        code::OK | code::NONE => {}
        _ => return None,
    }
    let said = |flag, which| {
        if place.flags & flag != 0 { text_of(table, which) } else { None }
    };
    let state = said(HAS_STATE, text::TRACE_STATE);
    let baggage = said(HAS_BAGGAGE, text::BAGGAGE).unwrap_or_default();
    let span = place.span_context(state.as_deref());
    let span = if span.is_valid() { span } else { SpanContext::NONE };
    Some((span, host::baggage_of(baggage.as_bytes())))
}

/// Usual texts fit at once.
const ROOM: usize = 512;
/// No text is longer; a host that says so is not followed.
const MOST: usize = 1 << 20;

fn text_of(table: &ContextTable, which: u32) -> Option<String> {
    let text = table.text?;
    // SAFETY: the table's function, with the room that is said.
    text_by(|start, room| unsafe { text(which, start, room) })
}

/// A text that `write` writes: it gets room, and answers how long the text is.
pub(super) fn text_by(write: impl Fn(*mut u8, usize) -> isize) -> Option<String> {
    let mut bytes = vec![0; ROOM];
    loop {
        let length = write(bytes.as_mut_ptr(), bytes.len());
        let length = usize::try_from(length).ok().filter(|length| *length <= MOST)?;
        let fits = length <= bytes.len();
        bytes.resize(length, 0);
        if fits {
            return String::from_utf8(bytes).ok();
        }
    }
}

fn attached(span: &SpanContext, baggage: &Baggage) -> Option<Token> {
    if !span.is_valid() && baggage.is_empty() {
        return None;
    }
    let Some(table) = guest::context() else {
        let python = python::attached().filter(|_| span.is_valid())?;
        return ordinary::attach(python, span).map(Token::Ordinary);
    };
    // A host of minor version 0 would put the invalid span over Python's own.
    if !span.is_valid() && table.head.minor == 0 {
        return None;
    }
    let place = Place::of(span, !baggage.is_empty());
    let header = host::header_of(baggage);
    let mut token = 0;
    let state = Bytes::of(span.trace_state().as_bytes());
    // SAFETY: the table's function; what is lent lives for this call.
    let answer = unsafe {
        table.attach?(&raw const place, state, Bytes::of(header.as_bytes()), &raw mut token)
    };
    (answer == code::OK && token != 0).then_some(Token::Host(table, token))
}
