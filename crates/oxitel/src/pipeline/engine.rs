//! The engine of this process: one lane per signal, the registry of threads, the sender.

use super::control::Control;
use super::lane::Lane;
use super::per_epoch::PerEpoch;
use super::registry::Registry;
use super::scratch::Scratch;
use super::settings::{self, Settings};
use super::sync::AtomicPtr;
use super::{ids, state};
use crate::stats::Stats;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) epoch: u64,
    pub(crate) traces: Lane,
    pub(crate) registry: Registry,
    pub(crate) control: Control,
    /// `service.instance.id`: a forked child is another instance.
    pub(crate) instance_id: String,
    /// Memory of scratches, live and pooled.
    scratch_bytes: AtomicUsize,
}

/// What one scratch counts for; its growth is bounded by the span limits.
const SCRATCH_BYTES: usize = size_of::<Scratch>() + 512;

static ENGINE: PerEpoch<Engine> = PerEpoch::around(AtomicPtr::new(std::ptr::null_mut()));

/// The engine that this process has built, if it has.
pub(crate) fn current() -> Option<&'static Engine> {
    ENGINE.get(state::epoch())
}

/// The engine for `settings`, built if need be. It does not send yet.
pub(crate) fn build(settings: &Settings) -> &'static Engine {
    let engine = ENGINE.get_or_build(state::epoch(), |epoch| Engine::new(epoch, settings));
    engine.traces.memory.set_limit(settings.queue_bytes);
    engine.traces.items.set_limits(settings.queue_items, settings.batch_items);
    engine
}

/// The running engine and its settings; a forked child of a recording process gets its own here.
pub(crate) fn of_this_process() -> Option<(&'static Engine, &'static Settings)> {
    let settings = settings::current()?;
    let engine = current().unwrap_or_else(|| build(settings));
    // Also when the engine is there: if the system gave no thread before, it may do so now.
    if state::is_on() {
        engine.control.start_sender(engine, settings);
    }
    Some((engine, settings))
}

impl Engine {
    fn new(epoch: u64, settings: &Settings) -> Self {
        let traces = Lane::new(settings.queue_bytes);
        traces.items.set_limits(settings.queue_items, settings.batch_items);
        Self {
            epoch,
            traces,
            registry: Registry::new(),
            control: Control::default(),
            instance_id: instance_id(),
            scratch_bytes: AtomicUsize::new(0),
        }
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

    pub(crate) fn scratch_freed(&self) {
        self.scratch_bytes.fetch_sub(SCRATCH_BYTES, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> Stats {
        self.registry.stats(&self.traces.ledger)
    }
}

/// A random UUID, version 4.
fn instance_id() -> String {
    let random = (u128::from(ids::seed()) << 64) | u128::from(ids::seed());
    let version_and_variant = (random & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{version_and_variant:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
