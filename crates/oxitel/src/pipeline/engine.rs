//! The engine of this process: one lane per signal, the registry of threads, the sender.

use super::buffer::lock;
use super::control::Control;
use super::lane::{Lane, Lanes, Origin};
use super::per_epoch::PerEpoch;
use super::registry::Registry;
use super::scratch::Scratch;
use super::settings::{self, Settings};
use super::sync::AtomicPtr;
use super::{ids, state};
use crate::export::{BatchId, SignalKind};
#[cfg(feature = "python")]
use crate::join::guests;
use crate::stats::Stats;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) epoch: u64,
    pub(crate) lanes: Lanes,
    pub(crate) registry: Registry,
    pub(crate) control: Control,
    /// `service.instance.id`: a forked child is another instance.
    pub(crate) instance_id: String,
    /// Memory of scratches, live and pooled.
    scratch_bytes: AtomicUsize,
    /// The ledgers when the session began: traces, metrics, logs.
    before: Mutex<[Stats; 3]>,
    /// Whose batches they are, and how many there were.
    batches_of: u128,
    batches: AtomicU64,
    #[cfg(feature = "python")]
    pub(crate) guests: guests::Inbox,
}

/// What one scratch counts for in any case; what it grows by is counted in `charge`.
const SCRATCH_BYTES: usize = size_of::<Scratch>() + 512;

static ENGINE: PerEpoch<Engine> = PerEpoch::around(AtomicPtr::new(std::ptr::null_mut()));

/// The engine that this process has built, if it has.
pub(crate) fn current() -> Option<&'static Engine> {
    ENGINE.get(state::epoch())
}

/// The engine for `settings`, built if need be. It does not send yet.
pub(crate) fn build(settings: &Settings) -> &'static Engine {
    let engine = ENGINE.get_or_build(state::epoch(), |epoch| Engine::new(epoch, settings));
    for signal in SignalKind::ALL {
        engine.lane(signal).set_limits(settings.route(signal));
    }
    engine
}

/// The running engine and its settings; a forked child of a recording process gets its own here.
pub(crate) fn of_this_process() -> Option<(&'static Engine, &'static Settings)> {
    let settings = settings::current()?;
    let engine = current().unwrap_or_else(|| build(settings));
    // Also when the engine is there: if the system gave no thread before, it may do so now.
    if state::is_running() {
        engine.control.start_sender(engine, settings);
    }
    Some((engine, settings))
}

impl Engine {
    fn new(epoch: u64, settings: &Settings) -> Self {
        let lane = |signal| Lane::new(Origin { signal, epoch }, settings.route(signal));
        Self {
            epoch,
            lanes: Lanes {
                traces: lane(SignalKind::Traces),
                metrics: lane(SignalKind::Metrics),
                logs: lane(SignalKind::Logs),
            },
            registry: Registry::new(),
            control: Control::default(),
            instance_id: instance_id(),
            scratch_bytes: AtomicUsize::new(0),
            before: Mutex::default(),
            batches_of: (u128::from(ids::seed()) << 64) | u128::from(ids::seed()),
            batches: AtomicU64::new(0),
            #[cfg(feature = "python")]
            guests: guests::Inbox::new(state::is_running()),
        }
    }

    pub(crate) fn lane(&self, signal: SignalKind) -> &Lane {
        self.lanes.of(signal)
    }

    /// Hands over every open chunk of the signal, those of guests as well; `false` when one stayed
    /// busy until the deadline.
    pub(crate) fn collect(&self, signal: SignalKind, deadline: Instant) -> bool {
        let collected = self.registry.collect(signal, self.lane(signal), deadline);
        #[cfg(feature = "python")]
        let collected = guests::drain(signal, deadline) && collected;
        collected
    }

    /// Hands over every open chunk of every signal.
    pub(crate) fn collect_all(&self, deadline: Instant) -> bool {
        // All of them, also after one that stayed busy.
        let collected = SignalKind::ALL.map(|signal| self.collect(signal, deadline));
        collected.iter().all(|collected| *collected)
    }

    /// Tells the sender that there is something to do.
    pub(crate) fn wake(&self) {
        // Whichever lane it is: the sender looks at all.
        self.lanes.traces.wake();
    }

    /// The name of the next batch.
    pub(crate) fn next_batch(&self) -> BatchId {
        let number = self.batches.fetch_add(1, Ordering::Relaxed);
        BatchId { sender: self.batches_of, number }
    }

    /// Room for one more live span?
    pub(crate) fn admit_scratch(&self, settings: &Settings) -> bool {
        // Relaxed: a count.
        let before = self.scratch_bytes.fetch_add(SCRATCH_BYTES, Ordering::Relaxed);
        let admitted = before + SCRATCH_BYTES <= settings.live_bytes;
        if !admitted {
            self.scratch_freed();
        }
        admitted
    }

    /// Room for a live span that grows by so many bytes?
    pub(super) fn admit_growth(&self, bytes: usize, limit: usize) -> bool {
        let grown = |now: usize| now.checked_add(bytes).filter(|grown| *grown <= limit);
        // Relaxed: a count.
        self.scratch_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_ok()
    }

    /// It gave them back.
    pub(super) fn shrunk(&self, bytes: usize) {
        self.scratch_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(crate) fn scratch_freed(&self) {
        self.scratch_bytes.fetch_sub(SCRATCH_BYTES, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> Stats {
        self.stats_of(SignalKind::Traces).plus(self.stats_of(SignalKind::Logs))
    }

    pub(crate) fn stats_of(&self, signal: SignalKind) -> Stats {
        let mut stats = self.registry.stats(signal, &self.lane(signal).ledger);
        if signal == SignalKind::Traces {
            stats.live = self.registry.live();
        }
        stats
    }

    /// A session begins: what is counted up to now belongs to those before.
    pub(crate) fn begin_session(&self) {
        *lock(&self.before) = SignalKind::ALL.map(|signal| self.stats_of(signal));
    }

    /// The ledgers when the session began: traces, metrics, logs.
    pub(crate) fn before(&self) -> [Stats; 3] {
        *lock(&self.before)
    }

    /// What was lost of any signal, also by guests.
    pub(crate) fn lost(&self) -> u64 {
        let lost: u64 = SignalKind::ALL.iter().map(|signal| self.stats_of(*signal).lost()).sum();
        #[cfg(feature = "python")]
        let lost = guests::lost() + lost;
        lost
    }

    /// What is still on its way, of any signal.
    pub(crate) fn queued(&self) -> u64 {
        SignalKind::ALL.iter().map(|signal| self.stats_of(*signal).queued).sum()
    }
}

/// A random UUID, version 4.
fn instance_id() -> String {
    let random = (u128::from(ids::seed()) << 64) | u128::from(ids::seed());
    let version_and_variant = (random & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{version_and_variant:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
