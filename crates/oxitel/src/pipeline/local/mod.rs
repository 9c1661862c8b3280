//! What a recording thread keeps: its shard, its frames, its pool of scratches, its id generator.
//!
//! Nothing of the host's runs while this is borrowed: values are encoded before, user code
//! (`Debug`, destructors, processors) never sees it. That is what makes the cells sound.
//!
//! In the order of a span's life: `place` (which span is current), `begin`, `pool` (what the next
//! spans are made of), `finish`.

mod begin;
mod finish;
mod place;
mod pool;
#[cfg(feature = "tracing")]
mod spans_of_tracing;

use super::engine::{self, Engine};
use super::frames::Frames;
use super::registry::Shard;
use super::scratch::Scratch;
use super::settings::Settings;
#[cfg(feature = "tracing")]
use super::table::Spare;
use super::{current, ids, state};
use crate::context::SpanContext;
pub(crate) use begin::{
    HAS_REMOTE, Prepared, begin_prepared, enter, prepare, prepare_any, start, start_below,
};
pub(crate) use finish::{discard, end_unsent, finish, take_back, write_finished};
#[cfg(feature = "tracing")]
pub(crate) use place::current_ids;
pub(crate) use place::{
    api_context, current, given, is_suppressed, leave, make_current, make_current_with,
    may_have_span, outgoing, place_to_log, sampled,
};
#[cfg(feature = "testing")]
pub(crate) use pool::fix_random;
pub(crate) use pool::{random, recycle_passive};
#[cfg(feature = "tracing")]
pub(crate) use spans_of_tracing::{
    current_tracing, make_current_here, passed_on, tracing_of_current, with_spare,
};
use std::cell::{Cell, UnsafeCell};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

thread_local! {
    static LOCAL: Local = const { Local::new() };
    /// Where `LOCAL` lies, from the first visit on until it is dropped. Without a destructor of
    /// its own, so that a visit is one load.
    static HERE: Cell<*const Local> = const { Cell::new(ptr::null()) };
    /// `LOCAL` was dropped. Without a destructor as well.
    static GONE: Cell<bool> = const { Cell::new(false) };
}

/// Visits this thread's own; `None` when the thread is past it.
#[inline(always)]
fn visit<R>(action: impl FnOnce(&Local) -> R) -> Option<R> {
    let here = HERE.get();
    let here = if here.is_null() { first_visit() } else { here };
    // SAFETY: null, or the place of this thread's `LOCAL`, which does not move and takes the
    // pointer back when it is dropped. The reference does not outlive this call.
    unsafe { here.as_ref() }.map(action)
}

#[cold]
#[inline(never)]
fn first_visit() -> *const Local {
    if GONE.get() {
        // The API's thread-local may be gone too, and a look at it would be a panic each time.
        return ptr::null();
    }
    // Before `LOCAL` is made: see there.
    let api_is_alive = current::api_is_alive();
    let here = LOCAL.try_with(|local| {
        local.api_is_alive.set(api_is_alive);
        ptr::from_ref(local)
    });
    let here = here.unwrap_or(ptr::null());
    HERE.set(here);
    here
}

struct Local {
    /// Epoch and configuration that `home` belongs to.
    epoch: Cell<u64>,
    generation: Cell<u32>,
    random: Cell<u64>,
    home: UnsafeCell<Option<Home>>,
    #[expect(clippy::vec_box, reason = "a span keeps its scratch in the box, moving a pointer")]
    pool: UnsafeCell<Vec<Box<Scratch>>>,
    #[expect(clippy::vec_box, reason = "as for `pool`")]
    passive: UnsafeCell<Vec<Box<SpanContext>>>,
    frames: Frames,
    /// Whether the OpenTelemetry API's thread-local outlives this one.
    api_is_alive: Cell<bool>,
    /// Free slots in the table of `tracing` spans.
    #[cfg(feature = "tracing")]
    spare: UnsafeCell<Spare>,
}

/// The engine as this thread knows it.
struct Home {
    engine: &'static Engine,
    settings: &'static Settings,
    shard: Arc<Shard>,
}

/// Runs `action`, which runs nothing of the host's, with the place for this thread's records; past
/// its thread-locals a thread has that of the orphans.
pub(super) fn with_shard(action: impl FnOnce(&Engine, &Shard)) {
    let mut action = Some(action);
    visit(|local| {
        if let (Some(home), Some(action)) = (local.home(), action.take()) {
            action(home.engine, &home.shard);
        }
    });
    if let (Some(action), Some(engine)) = (action, engine::current()) {
        action(engine, engine.registry.orphans());
    }
}

impl Local {
    const fn new() -> Self {
        Self {
            epoch: Cell::new(0),
            generation: Cell::new(0),
            random: Cell::new(0),
            home: UnsafeCell::new(None),
            pool: UnsafeCell::new(Vec::new()),
            passive: UnsafeCell::new(Vec::new()),
            frames: Frames::new(),
            api_is_alive: Cell::new(false),
            #[cfg(feature = "tracing")]
            spare: UnsafeCell::new(Spare::EMPTY),
        }
    }

    #[inline(always)]
    fn home(&self) -> Option<&Home> {
        self.refresh();
        // SAFETY: `home` changes only in `renew`, on this thread, and `refresh` ran before any
        // reference was made; callers keep it for the length of one call.
        unsafe { (*self.home.get()).as_ref() }
    }

    #[inline(always)]
    fn refresh(&self) {
        let generation = state::SHARED.config_generation.load(Ordering::Relaxed);
        if self.epoch.get() != state::epoch() || self.generation.get() != generation {
            self.renew(generation);
        }
    }

    /// First record of this thread, or the first after a fork or a new configuration.
    #[cold]
    #[inline(never)]
    fn renew(&self, generation: u32) {
        // Acquire: whoever sees the generation sees the settings that belong to it.
        fence(Ordering::Acquire);
        let epoch = state::epoch();
        let forked = self.epoch.get() != epoch;
        self.epoch.set(epoch);
        self.generation.set(generation);
        if forked {
            self.random.set(ids::seed());
            self.abandon();
        }
        // May start the sender and wait for it: no reference into the cells is alive here.
        let Some((engine, settings)) = engine::of_this_process() else { return };
        // SAFETY: `refresh` is called before references are made, and the statements below call
        // nothing that could come back to this thread's `Local`.
        let home = unsafe { &mut *self.home.get() };
        match home {
            Some(home) => home.settings = settings,
            None => *home = Some(Home { engine, settings, shard: engine.registry.enroll() }),
        }
    }

    /// Lets go of what belongs to another process: its locks may be held for ever, its counts
    /// are not ours.
    fn abandon(&self) {
        // SAFETY: as in `renew`; dropping a scratch runs no code but the allocator's.
        unsafe {
            std::mem::forget((*self.home.get()).take());
            (*self.pool.get()).clear();
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        HERE.set(ptr::null());
        GONE.set(true);
        #[cfg(feature = "tracing")]
        self.spare.get_mut().give_back(state::epoch());
        let Some(home) = self.home.get_mut().take() else { return };
        if self.epoch.get() != state::epoch() {
            std::mem::forget(home);
            return;
        }
        home.engine.registry.retire(&home.shard, &home.engine.lanes);
        for _ in self.pool.get_mut().drain(..) {
            home.engine.scratch_freed();
        }
    }
}
