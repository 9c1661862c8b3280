//! Starting, flushing and ending the engine: what `init`, `flush`, `shutdown` and the guard do.

use super::settings::{self, Page, Settings};
use super::{clock, current, engine, fork, local, state};
use crate::bridge::opentelemetry::{MeterProvider, TracerProvider, baggage};
use crate::config::InitError;
use crate::export::SignalKind;
#[cfg(feature = "python")]
use crate::join::{guest, guests};
use crate::metrics;
use crate::stats::{FlushError, Stats};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a start waits for the end of the session before.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// Starts recording with `settings`.
pub(crate) fn start(settings: Settings) -> Result<(), InitError> {
    // By epoch: a fork in the middle of it does not keep the child from starting its own.
    static STARTING: AtomicU64 = AtomicU64::new(0);
    #[cfg(feature = "python")]
    if guest::host().is_some() && !settings.is_joined {
        return Err(InitError::Joined);
    }
    let epoch = state::epoch();
    if STARTING.swap(epoch, Ordering::Acquire) == epoch {
        return Err(InitError::AlreadyRunning);
    }
    let outcome =
        if state::is_running() { Err(InitError::AlreadyRunning) } else { begin(settings) };
    STARTING.store(0, Ordering::Release);
    outcome
}

fn begin(settings: Settings) -> Result<(), InitError> {
    fork::watch();
    clock::start();
    baggage::prepare();
    let settings = settings::publish(settings);
    let engine = engine::build(settings);
    // Another thread may be in the middle of a shutdown; its sender ends first.
    let patience = deadline(END_PATIENCE);
    let is_over = no_end_under_way(patience)
        && (engine.control.stop_by().is_none() || engine.control.wait_for_end(patience));
    if !is_over {
        return Err(InitError::AlreadyRunning);
    }
    engine.begin_session();
    if settings.measures() {
        metrics::start(settings.aggregation.clone());
    }
    if !engine.control.start_sender(engine, settings) {
        metrics::stop();
        return Err(InitError::NoThread);
    }
    // A flush speaks of its own session only.
    engine.control.forget_losses(engine.lost());
    engine.lanes.traces.ledger.redacted(settings.resource.redacted());
    state::set_parent_decides(settings.sampler.is_settled_by_parent());
    state::set_asked(settings.starts_are_asked(), settings.hooks.see_ends());
    state::set_events_of_spans(settings.events_of_spans);
    state::set_logs_wanted(settings.logs.is_some());
    current::set_activation(settings.activation);
    if !is_joined(settings) {
        end_with_the_process();
    }
    #[cfg(feature = "python")]
    engine.guests.open();
    // Release: the settings were published before.
    state::SHARED.config_generation.fetch_add(1, Ordering::Release);
    state::set(if settings.traces.is_some() { state::ON } else { state::WITHOUT_SPANS });
    if settings.otel_globals {
        opentelemetry::global::set_tracer_provider(TracerProvider::new());
        MeterProvider::install();
    }
    #[cfg(feature = "python")]
    guests::tell();
    Ok(())
}

/// Whether records go to a host, which sends them and ends with the process.
#[cfg(feature = "python")]
fn is_joined(settings: &Settings) -> bool {
    settings.is_joined
}

#[cfg(not(feature = "python"))]
fn is_joined(_: &Settings) -> bool {
    false
}

/// Sends everything recorded before the call. `Ok` means that all of it, and all since the last
/// flush, was delivered.
pub(crate) fn flush(timeout: Duration) -> Result<(), FlushError> {
    let Some(engine) = engine::current() else { return Ok(()) };
    let deadline = deadline(timeout);
    // Starts a sender if the system gave no thread for one before.
    let _ = engine::of_this_process();
    let collected = engine.collect_all(deadline);
    let ticket = engine.control.ask();
    engine.wake();
    let finished = engine.control.wait_for(ticket, deadline);
    // Of a guest everything is with its host as soon as it is collected.
    #[cfg(feature = "python")]
    let handed_over = guest::host().is_some() && collected;
    #[cfg(not(feature = "python"))]
    let handed_over = false;
    let queued = if collected && finished || handed_over { 0 } else { engine.queued() };
    // Where no sender runs, the records that wait say what there is to say.
    let timed_out = !finished && engine.control.is_running();
    #[cfg(feature = "python")]
    let timed_out = timed_out || guest::host().is_some_and(|host| !host.flush(deadline));
    verdict(engine.control.newly_lost(ticket, engine.lost()), queued, timed_out)
}

fn verdict(lost: u64, queued: u64, timed_out: bool) -> Result<(), FlushError> {
    let is_good = lost == 0 && queued == 0 && !timed_out;
    if is_good { Ok(()) } else { Err(FlushError { lost, queued, timed_out }) }
}

/// The process in which an end is under way; 0: none.
static ENDING: AtomicU64 = AtomicU64::new(0);

/// Waits until no other thread is in the middle of an end; `false` at the deadline.
fn no_end_under_way(deadline: Instant) -> bool {
    while ENDING.load(Ordering::Acquire) == state::epoch() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

/// The host has stopped recording: nothing is recorded here until it starts again.
#[cfg(feature = "python")]
pub(crate) fn follow_stop() {
    state::stop();
}

/// Flushes and ends the engine; the first call does it, later ones find nothing to do.
pub(crate) fn shutdown(timeout: Duration) -> Result<(), FlushError> {
    let Some(engine) = engine::current() else { return Ok(()) };
    // A guest ends with its host.
    if settings::current().is_some_and(is_joined) {
        return flush(timeout);
    }
    // Before the state changes: a start that sees the one sees the other.
    let is_first = ENDING.swap(state::epoch(), Ordering::AcqRel) != state::epoch();
    if !state::stop() {
        if is_first {
            ENDING.store(0, Ordering::Release);
        }
        return Ok(());
    }
    let ended = end(engine, timeout);
    ENDING.store(0, Ordering::Release);
    ended
}

fn end(engine: &'static engine::Engine, timeout: Duration) -> Result<(), FlushError> {
    let (half, deadline) = (deadline(timeout / 2), deadline(timeout));
    #[cfg(feature = "python")]
    guests::tell();
    // What is collected has to be sent as well: a thread that stands still gets half of the time.
    engine.collect_all(half);
    #[cfg(feature = "python")]
    engine.guests.close();
    let ticket = engine.control.ask_to_stop(deadline);
    engine.wake();
    // The sender gives up at the deadline by itself; the grace lets it write that down.
    let ended = engine.control.wait_for_end(deadline + Duration::from_millis(100));
    if settings::current().is_some_and(Settings::measures) {
        metrics::stop();
    }
    #[cfg(feature = "python")]
    guests::tell_end();
    let timed_out = !ended || engine.control.is_incomplete();
    verdict(engine.control.newly_lost(ticket, engine.lost()), engine.queued(), timed_out)
}

/// The end of the process: also one that another thread is in the middle of is waited for, and a
/// signal that ends the process does so here.
pub(crate) fn last_shutdown(timeout: Duration) -> Result<(), FlushError> {
    let ended = shutdown_or_wait(timeout);
    #[cfg(target_os = "linux")]
    super::signals::give_way();
    ended
}

/// The same; for the thread that ends the process then.
pub(super) fn shutdown_or_wait(timeout: Duration) -> Result<(), FlushError> {
    let deadline = deadline(timeout);
    let ended = shutdown(timeout);
    no_end_under_way(deadline);
    ended
}

/// The interpreter of a program begins to end: sends what there is. What its last finalizers
/// record is sent by the C library's exit, within the same `timeout`.
pub(crate) fn leave(timeout: Duration) -> Result<(), FlushError> {
    if !cfg!(unix) || settings::current().is_some_and(is_joined) {
        return last_shutdown(timeout);
    }
    let deadline = deadline(timeout);
    let mut flushed = Ok(());
    if let Some(engine) = engine::current().filter(|_| is_running()) {
        let deadline = engine.control.leaves_by().unwrap_or(deadline);
        flushed = flush(deadline.saturating_duration_since(Instant::now()));
        // Not before: an end that a signal has begun collects metrics itself.
        engine.control.leave_by(deadline);
    }
    no_end_under_way(deadline);
    #[cfg(target_os = "linux")]
    super::signals::give_way();
    flushed
}

/// Starts what a forked child needs that has only measured so far.
pub(crate) fn ensure_sender() {
    let _ = engine::of_this_process();
}

/// Nobody waits for more than a year, whatever was asked for; an `Instant` has an end.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

/// So long from now.
fn deadline(timeout: Duration) -> Instant {
    Instant::now() + timeout.min(LONGEST_WAIT)
}

/// A flush out of a panic hook. The sender, if it is the one that panics, does not wait for itself.
pub(crate) fn flush_from_panic(timeout: Duration) -> Result<(), FlushError> {
    if local::is_suppressed() { Ok(()) } else { flush(timeout) }
}

/// Ends the engine when the process is told to end.
pub(crate) fn shutdown_on_signals(timeout: Duration) -> io::Result<usize> {
    #[cfg(target_os = "linux")]
    return super::signals::watch(timeout);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = timeout;
        Ok(0)
    }
}

/// Gives the signals back that are watched.
pub(crate) fn let_signals_go() {
    #[cfg(target_os = "linux")]
    super::signals::let_go();
}

/// Whether anything is recorded.
pub(crate) fn is_running() -> bool {
    state::is_running()
}

/// What Prometheus finds of this process, and who that is: the encoded attributes of the resource.
pub(crate) fn page() -> Option<(&'static Page, Vec<u8>)> {
    let (engine, settings) = engine::of_this_process().filter(|_| is_running())?;
    Some((settings.page.as_ref()?, settings.resource.encode(&engine.instance_id)))
}

/// The ledger of one signal in this process.
pub(crate) fn stats_of(signal: SignalKind) -> Stats {
    engine::current().map_or_else(Stats::default, |engine| engine.stats_of(signal))
}

/// The ledger of this process.
pub(crate) fn stats() -> Stats {
    engine::current().map_or_else(Stats::default, engine::Engine::stats)
}

/// Counts a panic of the program's code inside of ours.
pub(crate) fn count_panic() {
    if let Some(engine) = engine::current() {
        engine.lanes.traces.ledger.panicked(1);
    }
}

/// Counts texts of metric attributes that were replaced.
pub(crate) fn count_redacted(texts: u64) {
    if let Some(engine) = engine::current() {
        engine.lanes.metrics.ledger.redacted(texts);
    }
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
        let leaves_by = engine::current().and_then(|engine| engine.control.leaves_by());
        let left = leaves_by.map(|by| by.saturating_duration_since(Instant::now()));
        let whole = || settings::current().map_or(Duration::ZERO, Settings::shutdown_timeout);
        let timeout = left.unwrap_or_else(whole);
        // What is lost here was counted and warned about by the sender; there is nobody to tell.
        let _ = last_shutdown(timeout);
    });
    // A panic has said so.
    let _ = ended;
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use crate::pipeline::engine;
    use crate::testing::Receiver;
    use crate::{Config, Scope};
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::{Duration, Instant};

    static SCOPE: Scope = Scope::new("lifecycle");

    #[test]
    fn a_thread_that_is_stopped_inside_its_chunk_holds_up_nobody_elses_records() {
        let receiver = Receiver::start();
        // Metrics have tests of their own beside this one.
        let config = Config::default().endpoint(receiver.endpoint()).metrics(false);
        let guard = crate::init(config).expect("telemetry starts");
        drop(SCOPE.span("another thread's"));
        let engine = engine::current().expect("it runs");
        let (stopped, is_stopped) = channel();
        let (go_on, may_go_on) = channel::<()>();
        let holder = thread::spawn(move || {
            engine.registry.orphans().traces.chunk.with(|_| {
                stopped.send(()).expect("the test waits");
                // Ends when the test drops its side.
                may_go_on.recv().expect_err("nothing is ever sent");
            });
        });
        is_stopped.recv().expect("the thread runs");
        let begun = Instant::now();
        let ended = crate::shutdown(Duration::from_millis(200));
        let took = begun.elapsed();
        drop(go_on);
        holder.join().expect("no panic");
        assert_eq!(ended, Ok(()), "the stopped thread had no record");
        assert!(took < Duration::from_millis(900), "{took:?}");
        assert_eq!(receiver.spans().len(), 1);
        drop(guard);
    }
}
