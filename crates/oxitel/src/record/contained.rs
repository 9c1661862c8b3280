//! Runs what the program gave us (hooks, samplers, functions that redact) without letting it
//! harm: a panic ends there, and telemetry made inside of it does not lead back into it.
//!
//! Never called while anything of the thread's own is borrowed.

use crate::diagnose::{self, Cause};
use crate::pipeline::{lifecycle, state};
use std::any::Any;
use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// What of the program's this thread runs. Without a destructor: it is there to the end.
    static INSIDE: Cell<Inside> = const { Cell::new(Inside::Nothing) };
}

/// In order: each may be called from those before it, and from nothing else of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Inside {
    Nothing,
    /// A hook or a sampler: what it records is recorded without hooks and without asking.
    Hook,
    /// A function that redacts, which somebody's lock may wait for: it records nothing.
    Value,
}

/// The function panicked, or this thread is inside of such a function already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotRun;

/// Whether nothing may be recorded, because a value is being redacted. A front end that keeps its
/// spans behind locks asks before it takes one: this thread may hold it.
#[inline(always)]
pub(crate) fn is_muted() -> bool {
    // Only programs that are asked have such functions.
    state::starts_are_asked() && INSIDE.get() == Inside::Value
}

/// Runs `action`.
pub(crate) fn call<R>(inside: Inside, action: impl FnOnce() -> R) -> Result<R, NotRun> {
    let before = INSIDE.get();
    if before >= inside {
        return Err(NotRun);
    }
    INSIDE.set(inside);
    let outcome = catch_unwind(AssertUnwindSafe(action));
    INSIDE.set(before);
    outcome.map_err(|payload| {
        told(payload);
        NotRun
    })
}

/// Counts a panic of the program's code and says it.
pub(crate) fn told(payload: Box<dyn Any + Send>) {
    // What was thrown may panic in its turn when it is dropped.
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(another);
    }
    lifecycle::count_panic();
    diagnose::warn(
        Cause::UserCode,
        &"code of the program panicked inside of telemetry: a sampler, a hook, an exporter, \
          a redacting function or a value that was printed; recording goes on",
    );
}
