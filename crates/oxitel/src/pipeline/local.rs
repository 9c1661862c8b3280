//! What a recording thread keeps: its shard, its pool of scratches, its id generator.
//!
//! Nothing of the host's runs while this is borrowed: values are encoded before, user code
//! (`Debug`, destructors, processors) never sees it. That is what makes the cells sound.

use super::engine::{self, Engine};
use super::frames::{Frame, Frames};
use super::registry::Shard;
use super::scope::ScopeData;
use super::scratch::Scratch;
use super::settings::Settings;
#[cfg(feature = "tracing")]
use super::table::Spare;
use super::{clock, current, encode, ids, state};
use crate::bridge::opentelemetry::Mailbox;
use crate::context::{Ids, SpanContext, TraceFlags};
use crate::diagnose::{self, Cause};
use crate::record::{Inner, Kind};
use opentelemetry::Context;
use std::cell::{Cell, UnsafeCell};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

#[cfg(feature = "tracing")]
mod spans_of_tracing;

#[cfg(feature = "tracing")]
pub(crate) use spans_of_tracing::{
    current_tracing, make_current_here, passed_on, tracing_of_current, with_spare,
};

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

/// OTLP: the flags say whether the parent is remote.
pub(crate) const HAS_REMOTE: u32 = 0x100;
/// Scratches a thread keeps for its next spans.
const POOLED: usize = 64;

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

/// A random number that is not zero.
#[inline]
pub(crate) fn random() -> u64 {
    visit(Local::random).unwrap_or_else(|| ids::seed() | 1)
}

/// From now on this thread's ids follow from `seed`.
#[cfg(feature = "testing")]
pub(crate) fn fix_random(seed: u64) {
    visit(|local| {
        local.refresh();
        local.random.set(seed);
    });
}

/// Starts a span below the current one.
#[inline(always)]
pub(crate) fn start(scope: &'static ScopeData, name: &str) -> Inner {
    let begun = visit(|local| match local.usual_note() {
        Some(_) => {
            let (parent, trace_state) = local.frames.top();
            local.begin(scope, name, &parent, trace_state)
        }
        None => local.start_unusual(scope, name),
    });
    begun.unwrap_or_else(|| begin_late(scope, name, &SpanContext::NONE))
}

/// Starts a span below the given one; where nothing is recorded, no parent changes that.
#[inline(always)]
pub(crate) fn start_below(scope: &'static ScopeData, name: &str, parent: &SpanContext) -> Inner {
    let begun = visit(|local| {
        if local.is_suppressed() {
            return Inner::Off;
        }
        local.begin(scope, name, &parent.ids, parent.trace_state.clone())
    });
    begun.unwrap_or_else(|| begin_late(scope, name, parent))
}

/// The ids of the current span.
#[cfg(feature = "tracing")]
pub(crate) fn current_ids() -> Ids {
    visit(Local::ids).unwrap_or(Ids::NONE)
}

/// The ids that a log record carries, `named` or the current ones, and the settings to record it
/// by; `None` where nothing is recorded.
#[inline(always)]
pub(super) fn place_to_log(named: Option<Ids>) -> Option<(Ids, &'static Settings)> {
    visit(|local| {
        let ids = match named {
            Some(_) if local.is_suppressed() => return None,
            Some(ids) => ids,
            None => local.ids(),
        };
        let home = if ids.is_suppressed() { None } else { local.home() };
        home.map(|home| (ids, home.settings))
    })?
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

/// Whether nothing is recorded here, whatever the parent: the engine's own threads are so.
pub(crate) fn is_suppressed() -> bool {
    visit(Local::is_suppressed).unwrap_or(false)
}

/// On a thread that is past its thread-locals: in a destructor of another one of them. What a
/// thread keeps is made for this one span; nothing is current there.
#[cold]
#[inline(never)]
fn begin_late(scope: &'static ScopeData, name: &str, parent: &SpanContext) -> Inner {
    Local::new().begin(scope, name, &parent.ids, parent.trace_state.clone())
}

/// Starts a span below the current one and makes it current, in one visit.
#[inline(always)]
pub(crate) fn enter(scope: &'static ScopeData, name: &str) -> Inner {
    let begun = visit(|local| match local.usual_note() {
        Some(note) => {
            let (parent, trace_state) = local.frames.top();
            local.enter_below(scope, name, &parent, trace_state, note)
        }
        None => local.enter_unusual(scope, name),
    });
    begun.unwrap_or_else(|| begin_late(scope, name, &SpanContext::NONE))
}

/// A span that is about to begin, and what was decided about it.
pub(crate) struct Prepared {
    pub(crate) ids: Ids,
    pub(crate) parent: Ids,
    pub(crate) trace_state: Option<Arc<str>>,
    pub(crate) keep: bool,
}

/// The ids of a span to come below `parent`, and the settings to decide by; `None` when there is
/// nothing to decide.
pub(crate) fn prepare(parent: &Ids) -> Option<(Ids, &'static Settings)> {
    if is_passed_on(parent) { None } else { prepare_any(parent) }
}

/// The same, also where the decision fell with the parent.
pub(crate) fn prepare_any(parent: &Ids) -> Option<(Ids, &'static Settings)> {
    if parent.is_suppressed() {
        return None;
    }
    visit(|local| {
        if local.is_suppressed() {
            return None;
        }
        let settings = local.home()?.settings;
        Some((local.ids_below(parent), settings))
    })?
}

/// Begins a span as it was decided.
pub(crate) fn begin_prepared(scope: &'static ScopeData, name: &str, prepared: Prepared) -> Inner {
    let begun = visit(|local| {
        let Some(home) = local.home() else { return Inner::Off };
        local.begin_prepared(home, scope, name, prepared)
    });
    begun.unwrap_or(Inner::Off)
}

/// The current span; past its thread-locals a thread has none.
pub(crate) fn current() -> SpanContext {
    let place = visit(|local| local.place().0).unwrap_or((Ids::NONE, None));
    SpanContext { ids: place.0, trace_state: place.1 }
}

/// Whether there can be a current span: a thread without a frame of ours has none as long as
/// nobody uses the OpenTelemetry API through us.
#[inline(always)]
pub(crate) fn may_have_span() -> bool {
    current::api_was_used() || visit(|local| !local.frames.is_empty()).unwrap_or(false)
}

/// The current span's ids, if it is sampled.
pub(crate) fn sampled() -> Option<Ids> {
    if !may_have_span() {
        return None;
    }
    let ((ids, _), _) = visit(Local::place)?;
    (ids.is_sampled() && ids.is_valid()).then_some(ids)
}

/// The span that a Context of the OpenTelemetry API stands for.
pub(crate) fn given(context: &Context) -> SpanContext {
    let place = visit(|local| local.decide(context));
    let (ids, trace_state) = place.unwrap_or_else(|| current::decide(context, None));
    SpanContext { ids, trace_state }
}

/// The span that goes out with a Context of the OpenTelemetry API: as [`given`], but a Context
/// without a span does not hide ours. (Extension traits of other crates hand over such a one when
/// their own layer is not there.)
pub(crate) fn outgoing(context: &Context) -> SpanContext {
    use opentelemetry::trace::TraceContextExt as _;
    let says_nothing = !context.has_active_span() && !context.is_telemetry_suppressed();
    let has_frame = || visit(|local| !local.frames.is_empty()).unwrap_or(false);
    if says_nothing && has_frame() { current() } else { given(context) }
}

/// Makes a place current on this thread, until [`leave`] is called with its key.
///
/// `tracing` is the id of the `tracing` span that it is, or 0.
pub(crate) fn make_current(
    key: u64,
    ids: &Ids,
    trace_state: Option<Arc<str>>,
    tracing: u64,
    mailbox: Option<&Arc<Mailbox>>,
) {
    visit(|local| {
        if local.frames.shuts_out() {
            local.push(key, &Ids::SUPPRESSED, None, tracing, None);
        } else {
            local.push(key, ids, trace_state, tracing, mailbox);
        }
    });
}

/// Makes a place current together with the Context of the OpenTelemetry API that belongs to it.
pub(crate) fn make_current_with(
    key: u64,
    ids: &Ids,
    trace_state: Option<Arc<str>>,
    context: Context,
) {
    visit(|local| {
        let attach = || current::attach_showing(context, ids, trace_state.as_ref());
        let attached = local.api_is_alive.get().then(attach).flatten();
        let is_shut_out = local.frames.shuts_out();
        let frame = Frame {
            key,
            ids: if is_shut_out { Ids::SUPPRESSED } else { *ids },
            trace_state,
            tracing: 0,
            note: local.note(),
            _attached: attached,
        };
        local.frames.push(frame);
    });
}

/// The Context of the OpenTelemetry API on this thread.
pub(crate) fn api_context() -> Context {
    let alive = visit(|local| local.api_is_alive.get()).unwrap_or(false);
    if alive { Context::current() } else { Context::new() }
}

#[inline(never)]
pub(crate) fn leave(key: u64) {
    // Dropped out here: that may run code of the host's.
    let frame = visit(|local| local.frames.pop(key));
    drop(frame);
}

/// Whether the decision fell with the parent, and against recording.
#[inline(always)]
fn is_passed_on(parent: &Ids) -> bool {
    !parent.is_sampled() && parent.is_valid() && state::parent_decides()
}

/// A span that is not recorded, in a place from the pool.
fn passive(local: &Local, ids: Ids, trace_state: Option<Arc<str>>) -> Inner {
    // SAFETY: only this thread reaches its pool, and no reference to it outlives a statement.
    let mut place = unsafe { (*local.passive.get()).pop() }.unwrap_or_default();
    *place = SpanContext { ids, trace_state };
    Inner::Passive(place)
}

/// Takes the place back.
pub(crate) fn recycle_passive(mut place: Box<SpanContext>) {
    place.trace_state = None;
    visit(|local| {
        // SAFETY: as in `passive`.
        let pool = unsafe { &mut *local.passive.get() };
        if pool.len() < POOLED {
            pool.push(place);
        }
    });
}

/// Encodes the finished span into this thread's chunk; the scratch goes back to the pool. Without
/// an end a hook has dropped it.
#[inline(always)]
pub(crate) fn finish(scratch: Box<Scratch>, end_ns: Option<u64>) {
    if scratch.epoch != state::epoch() {
        // Begun before a fork: the process that began it ends it.
        return;
    }
    let mut kept = Some(scratch);
    visit(|local| {
        if let (Some(home), Some(scratch)) = (local.home(), kept.take()) {
            write(home.engine, &home.shard, &scratch, end_ns);
            local.recycle(scratch, home.engine);
        }
    });
    if let Some(scratch) = kept {
        finish_orphan(&scratch, end_ns);
    }
}

/// Encodes the finished span into this thread's chunk; the scratch stays with its owner, who calls
/// [`take_back`] later. From now on it counts no more as the memory of a live span: who keeps it to read
/// it keeps his own. Without an end a hook has dropped it.
pub(crate) fn write_finished(scratch: &mut Scratch, end_ns: Option<u64>) {
    with_shard(|engine, shard| {
        write(engine, shard, scratch, end_ns);
        scratch.give_back_charges();
        engine.scratch_freed();
    });
}

/// Ends a span that is recorded for this process alone; the scratch stays with its owner, as in
/// [`write_finished`].
#[cold]
pub(crate) fn end_unsent(scratch: &mut Scratch) {
    with_shard(|engine, shard| {
        count_discarded(engine, shard, false);
        scratch.give_back_charges();
        engine.scratch_freed();
    });
}

/// Takes a scratch back after [`write_finished`].
pub(crate) fn take_back(scratch: Box<Scratch>) {
    if scratch.epoch != state::epoch() {
        return;
    }
    visit(|local| {
        // In the pool it counts again.
        if let Some(home) = local.home()
            && home.engine.admit_scratch(home.settings)
        {
            local.recycle(scratch, home.engine);
        }
    });
}

/// Of a thread that is past its thread-locals.
#[cold]
#[inline(never)]
fn finish_orphan(scratch: &Scratch, end_ns: Option<u64>) {
    if let Some(engine) = engine::current() {
        write(engine, engine.registry.orphans(), scratch, end_ns);
        engine.scratch_freed();
    }
}

/// Lets go of a span that is not to be recorded after all. `lost`: for want of memory, which is
/// counted.
#[cold]
pub(crate) fn discard(scratch: Box<Scratch>, lost: bool) {
    if scratch.epoch != state::epoch() {
        return;
    }
    let mut kept = Some(scratch);
    visit(|local| {
        if let (Some(home), Some(scratch)) = (local.home(), kept.take()) {
            count_discarded(home.engine, &home.shard, lost);
            local.recycle(scratch, home.engine);
        }
    });
    if kept.is_some()
        && let Some(engine) = engine::current()
    {
        count_discarded(engine, engine.registry.orphans(), lost);
        engine.scratch_freed();
    }
}

fn count_discarded(engine: &Engine, shard: &Shard, lost: bool) {
    shard.traces.chunk.with(|_| {
        shard.ended.increment();
        if lost {
            shard.traces.recorded.increment();
            engine.lanes.traces.ledger.dropped_queue_full(1);
        }
    });
}

#[inline(always)]
fn write(engine: &Engine, shard: &Shard, scratch: &Scratch, end_ns: Option<u64>) {
    if scratch.redacted | scratch.dropped() != 0 {
        note(engine, scratch);
    }
    let length = encode::span_length(scratch);
    let (lane, strand) = (&engine.lanes.traces, &shard.traces);
    let after_end = strand.chunk.with(|chunk| {
        shard.ended.increment();
        strand.recorded.increment();
        // Inside the lock: whoever shuts down changes the state first and takes every chunk's
        // lock after, so no record can slip into a chunk that was collected for good.
        if !state::is_on() {
            lane.ledger.dropped_already_shutdown(1);
            return true;
        }
        let Some(end_ns) = end_ns else {
            lane.ledger.dropped_by_hook(1);
            return false;
        };
        if length > encode::MAX_RECORD {
            lane.ledger.dropped_too_large(1);
            return false;
        }
        chunk.append(lane, scratch.scope, encode::field_length(length), |bytes| {
            encode::span(bytes, scratch, length, end_ns);
        });
        strand.open.set(chunk.open_records());
        false
    });
    if after_end {
        warn_late();
    }
}

/// What else there is to say of a finished span.
#[cold]
#[inline(never)]
fn note(engine: &Engine, scratch: &Scratch) {
    engine.lanes.traces.ledger.redacted(u64::from(scratch.redacted));
    if scratch.dropped() != 0 {
        let text = "a span has more attributes, events or links than the limits allow; what came \
                    last was left out and is counted in the span";
        diagnose::warn(Cause::SpanLimit, &text);
    }
}

#[cold]
fn warn_late() {
    diagnose::warn(Cause::AfterShutdown, &"a span ended after shutdown and was dropped");
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

    /// The current span, and what of the API's was active when that was decided.
    #[inline(always)]
    fn place(&self) -> (current::Place, u64) {
        match self.usual_note() {
            Some(note) => (self.frames.top(), note),
            None => self.decide_place(),
        }
    }

    /// The current span's ids alone: in the usual case nothing of the frame is copied but them.
    #[inline(always)]
    fn ids(&self) -> Ids {
        match self.usual_note() {
            Some(_) => self.frames.top_ids(),
            None => self.decide_place().0.0,
        }
    }

    /// What the innermost frame noted, if that still is what is active.
    #[inline(always)]
    fn usual_note(&self) -> Option<u64> {
        let note = self.frames.top_note();
        let usual = !self.api_is_alive.get()
            || Context::map_current(|context| current::is_noted(context, note));
        usual.then_some(note)
    }

    #[cold]
    #[inline(never)]
    fn start_unusual(&self, scope: &'static ScopeData, name: &str) -> Inner {
        let ((parent, trace_state), _) = self.decide_place();
        self.begin(scope, name, &parent, trace_state)
    }

    #[cold]
    #[inline(never)]
    fn enter_unusual(&self, scope: &'static ScopeData, name: &str) -> Inner {
        let ((parent, trace_state), note) = self.decide_place();
        self.enter_below(scope, name, &parent, trace_state, note)
    }

    #[inline(always)]
    fn enter_below(
        &self,
        scope: &'static ScopeData,
        name: &str,
        parent: &Ids,
        trace_state: Option<Arc<str>>,
        note: u64,
    ) -> Inner {
        if is_passed_on(parent) {
            return Inner::PassedOn;
        }
        let begun = self.begin(scope, name, parent, trace_state);
        if let Some((ids, trace_state)) = begun.place() {
            if current::is_active() {
                self.push(ids.span, ids, trace_state.cloned(), 0, begun.mailbox());
            } else {
                // What was noted a moment ago, when the parent was decided.
                self.push_noted(ids.span, ids, trace_state.cloned(), 0, note);
            }
        }
        begun
    }

    #[cold]
    #[inline(never)]
    fn decide_place(&self) -> (current::Place, u64) {
        Context::map_current(|context| (self.decide(context), current::note(context)))
    }

    /// Whether nothing is recorded here, whatever the parent.
    fn is_suppressed(&self) -> bool {
        self.frames.any_suppressed()
            || self.api_is_alive.get() && Context::is_current_telemetry_suppressed()
    }

    /// The span that this Context stands for.
    fn decide(&self, context: &Context) -> current::Place {
        if self.frames.any_suppressed() {
            return (Ids::SUPPRESSED, None);
        }
        let top = (!self.frames.is_empty()).then(|| (self.frames.top(), self.frames.top_note()));
        current::decide(context, top)
    }

    /// What of the API's is active now.
    fn note(&self) -> u64 {
        if self.api_is_alive.get() { Context::map_current(current::note) } else { 0 }
    }

    #[inline(never)]
    fn push(
        &self,
        key: u64,
        ids: &Ids,
        trace_state: Option<Arc<str>>,
        tracing: u64,
        mailbox: Option<&Arc<Mailbox>>,
    ) {
        // The API is asked before anything of ours is borrowed.
        if self.api_is_alive.get() && current::is_active() {
            let attached = current::attach(ids, trace_state.as_ref(), mailbox);
            let note = self.note();
            let frame = Frame { key, ids: *ids, trace_state, tracing, note, _attached: attached };
            self.frames.push(frame);
        } else {
            self.push_noted(key, ids, trace_state, tracing, self.note());
        }
    }

    #[inline(always)]
    fn push_noted(
        &self,
        key: u64,
        ids: &Ids,
        trace_state: Option<Arc<str>>,
        tracing: u64,
        note: u64,
    ) {
        let frame = Frame { key, ids: *ids, trace_state, tracing, note, _attached: None };
        self.frames.push(frame);
    }

    #[inline]
    fn random(&self) -> u64 {
        self.refresh();
        self.next_random()
    }

    #[inline(always)]
    fn next_random(&self) -> u64 {
        loop {
            let (state, number) = ids::next(self.random.get());
            self.random.set(state);
            if number != 0 {
                return number;
            }
        }
    }

    #[inline(always)]
    fn begin(
        &self,
        scope: &'static ScopeData,
        name: &str,
        parent: &Ids,
        trace_state: Option<Arc<str>>,
    ) -> Inner {
        if parent.is_suppressed() {
            return Inner::Off;
        }
        if is_passed_on(parent) {
            // Takes over its ids: nothing will ever refer to others.
            return passive(self, *parent, trace_state);
        }
        let Some(home) = self.home() else { return Inner::Off };
        let ids = self.ids_below(parent);
        let keep = home.settings.sampler.keeps(parent, ids.trace_low);
        self.begin_prepared(home, scope, name, Prepared { ids, parent: *parent, trace_state, keep })
    }

    /// The ids of a new span, before anybody has decided whether it is kept.
    #[inline(always)]
    fn ids_below(&self, parent: &Ids) -> Ids {
        let mut ids = if parent.is_valid() {
            Ids { flags: parent.flags & Ids::INHERITED, ..*parent }
        } else {
            let (trace_high, trace_low) = (self.next_random(), self.next_random());
            Ids { trace_high, trace_low, span: 0, flags: u32::from(TraceFlags::RANDOM) }
        };
        ids.span = self.next_random();
        ids
    }

    #[inline(always)]
    fn begin_prepared(
        &self,
        home: &Home,
        scope: &'static ScopeData,
        name: &str,
        Prepared { mut ids, parent, trace_state, keep }: Prepared,
    ) -> Inner {
        if !keep {
            ids.flags &= !u32::from(TraceFlags::SAMPLED);
            return passive(self, ids, trace_state);
        }
        ids.flags |= u32::from(TraceFlags::SAMPLED);
        let Some(mut scratch) = self.scratch(home, scope) else {
            return passive(self, ids, trace_state);
        };
        scratch.epoch = home.engine.epoch;
        scratch.scope = scope;
        scratch.limits = &home.settings.limits;
        scratch.rules = &home.settings.rules;
        scratch.ids = ids;
        scratch.parent = if parent.is_valid() { parent.span } else { 0 };
        scratch.flags = (ids.flags & 0xff) | HAS_REMOTE | (parent.flags & Ids::REMOTE);
        scratch.trace_state = trace_state;
        scratch.kind = Kind::Internal;
        scratch.set_name(name);
        scratch.open_mailbox(home.engine.epoch);
        scratch.start = clock::now();
        home.shard.started.increment();
        Inner::Recorded(scratch)
    }

    /// A scratch from the pool or a new one; `None`, and a count, when there are too many.
    #[inline(always)]
    fn scratch(&self, home: &Home, scope: &'static ScopeData) -> Option<Box<Scratch>> {
        // SAFETY: only this thread reaches its pool, and no reference to it outlives a statement.
        let pooled = unsafe { (*self.pool.get()).pop() };
        if pooled.is_some() {
            return pooled;
        }
        if home.engine.admit_scratch(home.settings) {
            return Some(Box::new(Scratch::new(scope)));
        }
        home.engine.lanes.traces.ledger.recorded(1);
        home.engine.lanes.traces.ledger.dropped_queue_full(1);
        None
    }

    #[inline]
    fn recycle(&self, mut scratch: Box<Scratch>, engine: &Engine) {
        scratch.clear();
        // SAFETY: as in `scratch`.
        let pool = unsafe { &mut *self.pool.get() };
        if pool.len() < POOLED && scratch.is_worth_keeping() {
            pool.push(scratch);
        } else {
            engine.scratch_freed();
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
