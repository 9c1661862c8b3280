//! The guest's side: finding the host, and following it.
//!
//! A guest records as any program does, into chunks of its own; what would go into its queue is
//! handed over to the host, which copies it. It has no thread: the host calls it.

use super::abi::{
    Bytes, CONTEXT, Capsule, ContextTable, ENGINE, EngineTable, GuestTable, Head, MAJOR, MINOR,
    Table, code, known_part, signal_number,
};
use super::handed;
use super::ordinary;
use super::python::{self, Found, Functions};
use crate::config::Config;
use crate::diagnose;
use crate::export::SignalKind;
use crate::pipeline::state::{self, ON, Shared, WITHOUT_SPANS};
use crate::pipeline::{fork, lifecycle, os};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::time::Instant;

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
    /// Another thread is joining at this moment.
    Busy,
    /// The package is there and does not fit. A line on standard error says why.
    Unfit,
}

/// Joins the host, if there is one; `name` is what the host calls this extension. To be called while
/// the extension is imported; later calls cost little, and answer the same or try again.
///
/// It imports the package `oxitel` where that is installed, which starts nothing. It also makes
/// [`bridge::subscriber`](crate::bridge::subscriber) the subscriber of this extension, unless there
/// is one already.
pub fn join(name: &'static str) -> Joined {
    joined(name).map_or_else(Joined::Own, |()| Joined::Host)
}

fn joined(name: &'static str) -> Result<(), Why> {
    if host().is_some() {
        return Ok(());
    }
    let python = python::functions().ok_or(Why::NoPython)?;
    python::attached().ok_or(Why::NotAttached)?;
    // From here on a fork is noticed, so that the claim below ends with its process.
    fork::watch();
    if context().is_none() {
        find_context(python)?;
    }
    install_subscriber();
    if state::is_running() {
        return Err(Why::Running);
    }
    let table: EngineTable = find(python, ENGINE)?;
    let epoch = state::epoch();
    if JOINING.swap(epoch, Ordering::Acquire) == epoch {
        return Err(Why::Busy);
    }
    let outcome = if host().is_some() { Ok(()) } else { register(name, table) };
    JOINING.store(0, Ordering::Release);
    outcome
}

/// The process in which a thread is joining. By epoch: a fork in the middle of it does not keep the
/// child from joining.
static JOINING: AtomicU64 = AtomicU64::new(0);

/// A guest's own subscriber stays: it may have our layer in it.
fn install_subscriber() {
    #[cfg(feature = "tracing")]
    let _ = crate::bridge::subscriber().try_init();
}

fn register(name: &'static str, table: EngineTable) -> Result<(), Why> {
    let host = Host::of(table).ok_or_else(|| {
        say_once("the installed package oxitel offers an engine with holes");
        Why::Unfit
    })?;
    let own = GuestTable {
        head: Head::of::<GuestTable>(),
        name: Bytes::of(name.as_bytes()),
        changed: Some(handed::changed),
        drain: Some(handed::drain),
        count: Some(handed::count),
        collect_metrics: Some(handed::collect_metrics),
        ended: Some(handed::ended),
        show_metrics: Some(handed::show_metrics),
    };
    // Published first: the host may call at once.
    let host: &'static Host = Box::leak(Box::new(host));
    HOST.store(ptr::from_ref(host).cast_mut(), Ordering::Release);
    // SAFETY: the table's function; both tables live for ever.
    let number = unsafe { (host.table.register)(Box::leak(Box::new(own))) };
    let Ok(number) = u32::try_from(number) else {
        HOST.store(ptr::null_mut(), Ordering::Release);
        say_once("the installed package oxitel takes no more extensions");
        return Err(Why::Unfit);
    };
    host.number.store(number.into(), Ordering::Relaxed);
    follow();
    Ok(())
}

/// The engine that this copy has joined.
#[derive(Debug)]
pub(crate) struct Host {
    pub(super) table: Complete,
    pub(super) number: AtomicU64,
    /// The host's epoch is ours and so many: both sides notice every fork from now on.
    pub(super) epochs_ahead: u64,
}

/// The functions of a host that has all that guests need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Complete {
    shared: &'static Shared,
    register: super::abi::Register,
    config: super::abi::Said,
    pub(super) submit: super::abi::Submit,
    ready: super::abi::Simple,
    flush: super::abi::Until,
    /// Hosts of minor version 0 have none: their schedule delay has to do.
    wake: Option<super::abi::OfSignal>,
}

/// Never freed.
static HOST: AtomicPtr<Host> = AtomicPtr::new(ptr::null_mut());

/// The host, once this copy has joined it.
#[inline]
pub(crate) fn host() -> Option<&'static Host> {
    // SAFETY: null, or from `register` and never freed.
    unsafe { HOST.load(Ordering::Acquire).as_ref() }
}

/// Why the host did not take a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    Ended,
    Broken,
}

impl Host {
    fn of(table: EngineTable) -> Option<Self> {
        let table = Complete {
            // SAFETY: null, or a static of the host's.
            shared: unsafe { table.shared.as_ref() }?,
            register: table.register?,
            config: table.config?,
            submit: table.submit?,
            ready: table.ready?,
            flush: table.flush?,
            wake: table.wake,
        };
        let theirs = table.shared.epoch.load(Ordering::Relaxed);
        let epochs_ahead = theirs.wrapping_sub(state::epoch());
        Some(Self { table, number: AtomicU64::new(0), epochs_ahead })
    }

    /// Makes sure that the host sends from this process.
    pub(crate) fn ready(&self) -> bool {
        // SAFETY: the table's function.
        unsafe { (self.table.ready)() == code::OK }
    }

    /// Flushes all that the host has; `false` when something is not delivered by then.
    pub(crate) fn flush(&self, deadline: Instant) -> bool {
        // SAFETY: the table's function.
        unsafe { (self.table.flush)(until(deadline)) == code::OK }
    }

    /// Memory is short: asks the host to fetch open chunks of the signal.
    pub(crate) fn wake(&self, signal: SignalKind) {
        if let Some(wake) = self.table.wake {
            // A host that does not record fetches them when it begins to.
            // SAFETY: the table's function.
            unsafe { wake(signal_number(signal)) };
        }
    }

    fn records(&self) -> bool {
        // Acquire: whoever sees that it runs sees its configuration.
        matches!(self.table.shared.state.load(Ordering::Acquire), ON | WITHOUT_SPANS)
    }

    fn told(&self) -> Option<String> {
        // SAFETY: the table's function, with the room that is said.
        super::borders::text_by(|start, room| unsafe { (self.table.config)(start, room) })
    }
}

/// Does as the host does: starts recording, or stops.
pub(super) fn follow() {
    let Some(host) = host() else { return };
    if !host.records() {
        lifecycle::follow_stop();
    } else if !state::is_running()
        && let Some(told) = host.told()
        && let Err(error) = lifecycle::start(Config::of_host(&told))
    {
        diagnose::say(&format!("an extension cannot follow the package oxitel: {error}"));
    }
}

/// A moment as the tables have it.
pub(super) fn until(deadline: Instant) -> u64 {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = u64::try_from(left.as_nanos()).unwrap_or(u64::MAX);
    os::monotonic_ns().saturating_add(left)
}

/// The host's table of the current span, as far as we know it. Never freed.
static HOST_CONTEXT: AtomicPtr<ContextTable> = AtomicPtr::new(ptr::null_mut());

pub(super) fn context() -> Option<&'static ContextTable> {
    // SAFETY: null, or from `find_context` and never freed.
    unsafe { HOST_CONTEXT.load(Ordering::Acquire).as_ref() }
}

fn find_context(python: &Functions) -> Result<(), Why> {
    let table: ContextTable =
        find(python, CONTEXT).inspect_err(|_| ordinary::watch_the_end(python))?;
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
        diagnose::say(&format!("{text}; an extension uses an engine of its own"));
    }
}
