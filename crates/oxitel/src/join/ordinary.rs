//! The current span of a process without a host: that of `opentelemetry-api` itself, whoever records
//! it. Slower than the host's table, and with the same result: one trace.
//!
//! Of the API nothing is imported: a program that has not loaded it has no current span.

use super::python::{Functions, Method, Object, Owned, functions, without_pending};
use crate::context::{SpanContext, SpanId, TraceFlags, TraceId};
use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

/// What makes the Context before current again: a reference that is ours.
#[derive(Debug)]
pub(super) struct Token(Object);

// SAFETY: a number to this process; it is used by whoever holds the interpreter.
unsafe impl Send for Token {}
// SAFETY: as above.
unsafe impl Sync for Token {}

static IS_LEAVING: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The one thread that runs until the end.
    static ENDS_THE_PROGRAM: Cell<bool> = const { Cell::new(false) };
}

static LEAVE: Method = Method::new(c"leave", leave);

/// The program is about to end. Python ends its other threads at any moment from now on, in a way
/// that no frame of Rust survives: they leave the API alone.
unsafe extern "C" fn leave(_: Object, _: Object) -> Object {
    ENDS_THE_PROGRAM.set(true);
    IS_LEAVING.store(true, Ordering::Relaxed);
    // SAFETY: Python calls this, and wants any object back.
    functions().map_or(ptr::null_mut(), |python| unsafe { (python.PyLong_FromLong)(0) })
}

/// Asks Python to tell when the program ends, once in a process. With a host, that asks.
pub(super) fn watch_the_end(python: &Functions) {
    static IS_WATCHED: AtomicBool = AtomicBool::new(false);
    if IS_WATCHED.swap(true, Ordering::Relaxed) {
        return;
    }
    without_pending(python, || {
        // SAFETY: the caller holds the interpreter; the method is a static.
        let (atexit, leave) = unsafe {
            let no_one = ptr::null_mut();
            let leave = (python.PyCFunction_NewEx)(&raw const LEAVE, no_one, no_one);
            let atexit = (python.PyImport_ImportModule)(c"atexit".as_ptr());
            (Owned::new(python, atexit)?, Owned::new(python, leave)?)
        };
        call_object(python, &atexit.attribute(c"register")?, [leave]).map(drop)
    });
}

/// Whether this thread may touch the API.
fn may_ask() -> bool {
    !IS_LEAVING.load(Ordering::Relaxed) || ENDS_THE_PROGRAM.get()
}

/// Python's current span; `None` when Python said no.
pub(super) fn current(python: &Functions) -> Option<SpanContext> {
    if !may_ask() {
        return None;
    }
    without_pending(python, || {
        let Some(api) = Api::loaded(python) else { return Some(SpanContext::NONE) };
        let context = api.call(&api.context, c"get_current", [])?;
        let key = api.module(c"opentelemetry.trace.propagation")?.attribute(c"_SPAN_KEY")?;
        // SAFETY: the interpreter is held; the answer is borrowed from the Context, which lives.
        let span = unsafe { (python.PyDict_GetItem)(context.get(), key.get()) };
        if span.is_null() {
            return Some(SpanContext::NONE);
        }
        // SAFETY: as above.
        let of_span =
            unsafe { (python.PyObject_GetAttrString)(span, c"get_span_context".as_ptr()) };
        // SAFETY: a new reference.
        let method = unsafe { Owned::new(python, of_span) }?;
        api.read(&api.call_object(&method, [])?)
    })
}

/// Makes a span current in Python.
pub(super) fn attach(python: &Functions, span: &SpanContext) -> Option<Token> {
    if !may_ask() {
        return None;
    }
    without_pending(python, || {
        let api = Api::loaded(python)?;
        let span = api.call(&api.trace, c"NonRecordingSpan", [api.write(span)?])?;
        let context = api.call(&api.trace, c"set_span_in_context", [span])?;
        Some(Token(api.call(&api.context, c"attach", [context])?.into_raw()))
    })
}

/// Makes the one before current again.
#[expect(clippy::needless_pass_by_value, reason = "a token is used once")]
pub(super) fn detach(python: &Functions, token: Token) {
    let Token(token) = token;
    if !may_ask() {
        return;
    }
    without_pending(python, || {
        // SAFETY: the reference is ours, and the interpreter is held.
        let token = unsafe { Owned::new(python, token) }?;
        let api = Api::loaded(python)?;
        // The API itself says what fails here.
        api.call(&api.context, c"detach", [token]).map(drop)
    });
}

/// The modules of the API, in a program that has loaded them.
struct Api<'a> {
    python: &'a Functions,
    context: Owned<'a>,
    trace: Owned<'a>,
}

impl<'a> Api<'a> {
    fn loaded(python: &'a Functions) -> Option<Self> {
        let context = module(python, c"opentelemetry.context")?;
        Some(Self { python, context, trace: module(python, c"opentelemetry.trace")? })
    }

    fn module(&self, name: &CStr) -> Option<Owned<'a>> {
        module(self.python, name)
    }

    fn call<const N: usize>(
        &self,
        module: &Owned<'a>,
        name: &CStr,
        arguments: [Owned<'a>; N],
    ) -> Option<Owned<'a>> {
        self.call_object(&module.attribute(name)?, arguments)
    }

    fn call_object<const N: usize>(
        &self,
        function: &Owned<'a>,
        arguments: [Owned<'a>; N],
    ) -> Option<Owned<'a>> {
        call_object(self.python, function, arguments)
    }

    /// A `SpanContext` of the API as ours: a tuple of five.
    fn read(&self, context: &Owned<'a>) -> Option<SpanContext> {
        let python = self.python;
        // SAFETY: the interpreter is held; the items are borrowed from the tuple, which lives.
        unsafe {
            let item = |index| {
                let item = (python.PyTuple_GetItem)(context.get(), index);
                (!item.is_null()).then_some(item)
            };
            let (trace, span, flags) = (item(0)?, item(1)?, item(3)?);
            let is_remote = (python.PyObject_IsTrue)(item(2)?) == 1;
            let bits = Owned::new(python, (python.PyLong_FromLong)(64))?;
            let high = Owned::new(python, (python.PyNumber_Rshift)(trace, bits.get()))?;
            let number = python.PyLong_AsUnsignedLongLongMask;
            let trace = u128::from(number(high.get())) << 64 | u128::from(number(trace));
            let trace = TraceId::from_bytes(trace.to_be_bytes());
            let span = SpanId::from_bytes(number(span).to_be_bytes());
            let flags = TraceFlags(((python.PyLong_AsLong)(flags) & 0xff) as u8);
            let state = self.state_of(item(4)?);
            if !(python.PyErr_Occurred)().is_null() {
                return None;
            }
            let made = if is_remote { SpanContext::remote } else { SpanContext::local };
            let made = made(trace, span, flags, state.as_deref());
            Some(if made.is_valid() { made } else { SpanContext::NONE })
        }
    }

    /// A trace state as its header; none when it is empty.
    unsafe fn state_of(&self, state: Object) -> Option<String> {
        let python = self.python;
        // SAFETY: the caller holds the interpreter and lends the object.
        unsafe {
            if (python.PyObject_Size)(state) <= 0 {
                return None;
            }
            let method = (python.PyObject_GetAttrString)(state, c"to_header".as_ptr());
            let method = Owned::new(python, method)?;
            self.call_object(&method, [])?.text()
        }
    }

    /// Ours as a `SpanContext` of the API.
    fn write(&self, span: &SpanContext) -> Option<Owned<'a>> {
        let trace_id = self.number(&span.trace_id().to_string())?;
        let span_id = self.number(&span.span_id().to_string())?;
        // SAFETY: the interpreter is held.
        let is_remote = unsafe {
            let flag = (self.python.PyBool_FromLong)(span.is_remote().into());
            Owned::new(self.python, flag)?
        };
        let flags = self.number(&format!("{:02x}", span.flags().0))?;
        let flags = self.call(&self.trace, c"TraceFlags", [flags])?;
        let state = self.state(span.trace_state())?;
        let parts = [trace_id, span_id, is_remote, flags, state];
        self.call(&self.trace, c"SpanContext", parts)
    }

    fn state(&self, header: &str) -> Option<Owned<'a>> {
        let python = self.python;
        let kind = self.trace.attribute(c"TraceState")?;
        if header.is_empty() {
            return self.call_object(&kind, []);
        }
        // SAFETY: the interpreter is held; the tuple takes the text over.
        let headers = unsafe {
            let length = header.len().cast_signed();
            let text = (python.PyUnicode_FromStringAndSize)(header.as_ptr().cast(), length);
            let text = Owned::new(python, text)?;
            let headers = Owned::new(python, (python.PyTuple_New)(1))?;
            if (python.PyTuple_SetItem)(headers.get(), 0, text.into_raw()) != 0 {
                return None;
            }
            headers
        };
        self.call_object(&kind.attribute(c"from_header")?, [headers])
    }

    /// A whole number from its hexadecimal digits.
    fn number(&self, digits: &str) -> Option<Owned<'a>> {
        let digits = CString::new(digits).ok()?;
        // SAFETY: the interpreter is held; the digits end with a zero.
        unsafe {
            let number = (self.python.PyLong_FromString)(digits.as_ptr(), ptr::null_mut(), 16);
            Owned::new(self.python, number)
        }
    }
}

fn call_object<'a, const N: usize>(
    python: &'a Functions,
    function: &Owned<'a>,
    arguments: [Owned<'a>; N],
) -> Option<Owned<'a>> {
    // SAFETY: the interpreter is held; the tuple takes each reference over.
    unsafe {
        let tuple = Owned::new(python, (python.PyTuple_New)(N.cast_signed()))?;
        for (index, argument) in arguments.into_iter().enumerate() {
            let object = argument.into_raw();
            if (python.PyTuple_SetItem)(tuple.get(), index.cast_signed(), object) != 0 {
                return None;
            }
        }
        let called = (python.PyObject_Call)(function.get(), tuple.get(), ptr::null_mut());
        Owned::new(python, called)
    }
}

/// A module that is loaded.
fn module<'a>(python: &'a Functions, name: &CStr) -> Option<Owned<'a>> {
    // SAFETY: the interpreter is held; a module that is not loaded is null, without an error.
    unsafe {
        let length = name.count_bytes().cast_signed();
        let name = (python.PyUnicode_FromStringAndSize)(name.as_ptr(), length);
        let name = Owned::new(python, name)?;
        Owned::new(python, (python.PyImport_GetModule)(name.get()))
    }
}
