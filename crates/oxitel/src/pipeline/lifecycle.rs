//! Starting, flushing and ending the engine: what `init`, `flush`, `shutdown` and the guard do.

use super::settings::{self, Settings};
use super::{clock, engine, fork, state};
use crate::config::InitError;
use crate::stats::{FlushError, Stats};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Starts recording with `settings`.
pub(crate) fn start(settings: Settings) -> Result<(), InitError> {
    static STARTING: AtomicBool = AtomicBool::new(false);
    if STARTING.swap(true, Ordering::Acquire) {
        return Err(InitError::AlreadyRunning);
    }
    let outcome = if state::is_on() { Err(InitError::AlreadyRunning) } else { begin(settings) };
    STARTING.store(false, Ordering::Release);
    outcome
}

fn begin(settings: Settings) -> Result<(), InitError> {
    fork::watch();
    clock::start();
    let settings = settings::publish(settings);
    let engine = engine::build(settings);
    if !engine.control.start_sender(engine, settings) {
        return Err(InitError::NoThread);
    }
    // A flush speaks of its own session only.
    engine.control.newly_lost(engine.stats().lost());
    end_with_the_process();
    state::SHARED.config_generation.fetch_add(1, Ordering::Relaxed);
    state::set(state::ON);
    Ok(())
}

/// Sends everything recorded before the call. `Ok` means that all of it, and all since the last
/// flush, was delivered.
pub(crate) fn flush(timeout: Duration) -> Result<(), FlushError> {
    let Some(engine) = engine::current() else { return Ok(()) };
    let deadline = deadline(timeout);
    // Starts a sender if the system gave no thread for one before.
    let _ = engine::of_this_process();
    let collected = engine.registry.collect(&engine.traces, deadline);
    let ticket = engine.control.ask();
    engine.traces.wake();
    let finished = engine.control.wait_for(ticket, deadline);
    let stats = engine.stats();
    let lost = engine.control.newly_lost(stats.lost());
    let queued = if collected && finished { 0 } else { stats.queued };
    if lost == 0 && queued == 0 { Ok(()) } else { Err(FlushError { lost, queued }) }
}

/// Flushes and ends the engine; the first call does it, later ones find nothing to do.
pub(crate) fn shutdown(timeout: Duration) -> Result<(), FlushError> {
    let change = state::SHARED.state.compare_exchange(
        state::ON,
        state::DOWN,
        Ordering::AcqRel,
        Ordering::Relaxed,
    );
    let (Ok(_), Some(engine)) = (change, engine::current()) else { return Ok(()) };
    let deadline = deadline(timeout);
    engine.registry.collect(&engine.traces, deadline);
    engine.control.ask_to_stop(deadline);
    engine.traces.wake();
    // The sender gives up at the deadline by itself; the grace lets it write that down.
    let ended = engine.control.wait_for_end(deadline + Duration::from_millis(100));
    let stats = engine.stats();
    let lost = engine.control.newly_lost(stats.lost());
    let queued = if ended { 0 } else { stats.queued };
    if lost == 0 && queued == 0 { Ok(()) } else { Err(FlushError { lost, queued }) }
}

/// So long from now; nobody waits for more than a year, and an `Instant` has an end.
fn deadline(timeout: Duration) -> Instant {
    Instant::now() + timeout.min(Duration::from_secs(365 * 24 * 3600))
}

/// The ledger of this process.
pub(crate) fn stats() -> Stats {
    engine::current().map_or_else(Stats::default, engine::Engine::stats)
}

/// `std::process::exit`, or a guard that was leaked: the C library calls us last.
fn end_with_the_process() {
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    if REGISTERED.swap(true, Ordering::Relaxed) {
        return;
    }
    // SAFETY: the handler is a plain function that catches its own panics.
    #[cfg(unix)]
    unsafe {
        libc::atexit(at_exit);
    }
}

#[cfg(unix)]
extern "C" fn at_exit() {
    let ended = std::panic::catch_unwind(|| {
        let timeout = settings::current().map_or(Duration::ZERO, Settings::shutdown_timeout);
        shutdown(timeout)
    });
    // A loss was counted and warned about by the sender; there is nobody left to return it to.
    let _ = ended;
}
