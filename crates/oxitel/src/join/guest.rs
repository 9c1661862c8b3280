//! The guest's side: finding the host.

use super::abi::{CONTEXT, Capsule, ContextTable, Head, MAJOR, MINOR, Table, known_part};
use super::python::{self, Found, Functions};
use crate::diagnose;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// Who takes what this extension records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Joined {
    /// The host: the package `oxitel`. Telemetry starts and ends with the host's.
    Host,
    /// Nobody, unless this extension starts an engine of its own, by [`init`](crate::init).
    Own(Why),
}

/// Why there is no host to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// There is no Python in this process.
    NoPython,
    /// This thread does not hold the interpreter.
    NotAttached,
    /// The package `oxitel` is not installed.
    NoHost,
    /// This extension has started an engine of its own.
    Running,
    /// The package is there, and of a version that does not fit. A line on standard error says so.
    Unfit,
}

/// Joins the host, if there is one. To be called while this extension is imported; later calls cost
/// little and answer the same, or try again.
///
/// It imports the package `oxitel` where that is installed, which starts nothing.
pub fn join() -> Joined {
    joined().map_or_else(Joined::Own, |()| Joined::Host)
}

fn joined() -> Result<(), Why> {
    let python = python::functions().ok_or(Why::NoPython)?;
    python::attached().ok_or(Why::NotAttached)?;
    if context().is_none() {
        find_context(python)?;
    }
    Ok(())
}

/// The host's table of the current span, as far as we know it. Never freed.
static HOST_CONTEXT: AtomicPtr<ContextTable> = AtomicPtr::new(ptr::null_mut());

pub(super) fn context() -> Option<&'static ContextTable> {
    // SAFETY: null, or from `find_context` and never freed.
    unsafe { HOST_CONTEXT.load(Ordering::Acquire).as_ref() }
}

fn find_context(python: &Functions) -> Result<(), Why> {
    let table: ContextTable = find(python, CONTEXT)?;
    // Release: the fields are visible to whoever loads the pointer. Threads that race leak a copy.
    HOST_CONTEXT.store(Box::into_raw(Box::new(table)), Ordering::Release);
    Ok(())
}

fn find<T: Table>(python: &Functions, capsule: Capsule) -> Result<T, Why> {
    match python::find(python, capsule) {
        Found::NoHost => Err(Why::NoHost),
        Found::Unfit(text) => {
            say_once(&text);
            Err(Why::Unfit)
        }
        // SAFETY: the capsule's name says what it points to.
        Found::Table(table) => unsafe { known_part(table.cast::<T>()) }.map_err(|head| {
            let Head { major, minor, .. } = head;
            say_once(&format!(
                "the installed package oxitel speaks version {major}.{minor}, this extension \
                 {MAJOR}.{MINOR}"
            ));
            Why::Unfit
        }),
    }
}

/// Once in this extension.
fn say_once(text: &str) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        diagnose::say(&format!("{text}; this extension uses an engine of its own"));
    }
}
