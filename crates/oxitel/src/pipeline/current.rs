//! Which span is current, when three APIs may have made one: `tracing`, the OpenTelemetry API and
//! ours.
//!
//! `tracing` and our own API push [frames](super::frames); the OpenTelemetry API has its Context.
//! A frame *notes* in one word which span of the API was active when it was pushed. Later, when
//! the API's active span is still the noted one, nothing of the API's lies above our frame, and
//! the frame is current; when it is another one, that span was entered after our frame, and it
//! is current.
//!
//! That decides nested programs. It cannot tell a Context that was captured elsewhere, emptied on
//! purpose or attached again from one that was never touched. So, once somebody uses the API
//! through us, each frame attaches a Context of its own, and the API's Context tells all by
//! itself: see `Activation`.

use crate::bridge::Activation;
use crate::bridge::opentelemetry::{Handle, Mailbox, RemoteParent};
use crate::context::Ids;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry::{Context, ContextGuard};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

// Relaxed: each flag stands alone. A thread that sees the change late attaches a frame later.
static ACTIVE: AtomicBool = AtomicBool::new(false);
static WAITS_FOR_USE: AtomicBool = AtomicBool::new(true);
static USED: AtomicBool = AtomicBool::new(false);

/// Follows the configuration; frames that are open keep what they have.
pub(super) fn set_activation(activation: Activation) {
    WAITS_FOR_USE.store(activation == Activation::Auto, Ordering::Relaxed);
    if activation != Activation::Auto {
        ACTIVE.store(activation == Activation::On, Ordering::Relaxed);
    }
}

/// Somebody uses the OpenTelemetry API through us.
#[inline]
pub(crate) fn api_in_use() {
    if !USED.load(Ordering::Relaxed) {
        USED.store(true, Ordering::Relaxed);
    }
    if !is_active() && WAITS_FOR_USE.load(Ordering::Relaxed) {
        ACTIVE.store(true, Ordering::Relaxed);
    }
}

/// Whether somebody ever did.
#[inline(always)]
pub(super) fn api_was_used() -> bool {
    USED.load(Ordering::Relaxed)
}

/// Whether frames attach Contexts.
#[inline(always)]
pub(super) fn is_active() -> bool {
    ACTIVE.load(Ordering::Relaxed)
}

thread_local! {
    /// The API is inside a borrow of its own, where attaching would panic.
    static INSIDE_API: Cell<u32> = const { Cell::new(0) };
}

/// While it lives, frames of this thread attach nothing.
#[derive(Debug)]
pub(crate) struct InsideApi(());

impl InsideApi {
    pub(crate) fn enter() -> Self {
        INSIDE_API.set(INSIDE_API.get() + 1);
        Self(())
    }
}

impl Drop for InsideApi {
    fn drop(&mut self) {
        INSIDE_API.set(INSIDE_API.get() - 1);
    }
}

/// A span in one word; 0 is none. The trace counts as well: clients choose span ids.
#[inline(always)]
fn identity(ids: &Ids) -> u64 {
    if ids.span == 0 {
        return 0;
    }
    (ids.span ^ ids.trace_low.rotate_left(17) ^ ids.trace_high.rotate_left(41)) | 1
}

/// The Context's span; none when it has none, or an invalid one.
#[inline(always)]
fn active(context: &Context) -> Ids {
    if context.has_active_span() { ids(context.span().span_context()) } else { Ids::NONE }
}

/// Ours of theirs; [`Ids::NONE`] of an invalid one.
pub(crate) fn ids(context: &SpanContext) -> Ids {
    if !context.is_valid() {
        return Ids::NONE;
    }
    let trace = u128::from_be_bytes(context.trace_id().to_bytes());
    let remote = if context.is_remote() { Ids::REMOTE } else { 0 };
    Ids {
        trace_high: (trace >> 64) as u64,
        trace_low: trace as u64,
        span: u64::from_be_bytes(context.span_id().to_bytes()),
        flags: u32::from(context.trace_flags().to_u8()) | remote,
    }
}

/// What a frame notes of the Context that is active now.
#[inline(always)]
pub(super) fn note(context: &Context) -> u64 {
    identity(&active(context))
}

/// The usual case: the API has nothing to say that the frame with this note did not know.
#[inline(always)]
pub(super) fn is_noted(context: &Context, note: u64) -> bool {
    !context.is_telemetry_suppressed() && self::note(context) == note
}

/// Where a span stands: what the next one is below.
pub(crate) type Place = (Ids, Option<Arc<str>>);

/// The rule, in full. `top` is the innermost frame, with its note.
pub(super) fn decide(context: &Context, top: Option<(Place, u64)>) -> Place {
    if context.is_telemetry_suppressed() {
        return (Ids::SUPPRESSED, None);
    }
    let active = active(context);
    match top {
        // An invalid span, of a tracer that does nothing, hides nothing.
        Some((place, note)) if context.has_active_span() => {
            if !active.is_valid() || identity(&active) == note { place } else { of_api(context) }
        }
        Some((place, note)) => {
            // Emptied after our frame was pushed, if there was a span to be noted then.
            if note == 0 { place } else { (Ids::NONE, None) }
        }
        None => of_api(context),
    }
}

/// The Context's own span.
fn of_api(context: &Context) -> Place {
    let span = context.span();
    let ids = ids(span.span_context());
    let remote = context.get::<RemoteParent>();
    if let Some(remote) = remote.filter(|remote| remote.is(&ids)) {
        // As it came: the API would refuse some trace states that the standard allows.
        return remote.place();
    }
    let state = span.span_context().trace_state().header();
    if state.is_empty() {
        return (ids, remote.and_then(|remote| remote.refused_state(&ids)));
    }
    (ids, Some(Arc::from(state)))
}

/// Attaches a Context that shows a frame, where that can be done.
pub(super) fn attach(
    ids: &Ids,
    trace_state: Option<&Arc<str>>,
    mailbox: Option<&Arc<Mailbox>>,
) -> Option<ContextGuard> {
    if INSIDE_API.get() > 0 {
        return None;
    }
    let context = Context::map_current(|current| {
        if ids.is_suppressed() {
            current.with_telemetry_suppressed()
        } else if ids.is_valid() {
            current.with_span(Handle::new(ids, trace_state, mailbox))
        } else if current.is_telemetry_suppressed() {
            Context::new().with_telemetry_suppressed()
        } else {
            Context::new()
        }
    });
    attach_given(context)
}

/// Attaches this Context, showing this span, where that can be done.
pub(super) fn attach_showing(
    context: Context,
    ids: &Ids,
    trace_state: Option<&Arc<str>>,
) -> Option<ContextGuard> {
    let shows_another = ids.is_valid() && note(&context) != identity(ids);
    if is_active() && shows_another {
        attach_given(context.with_span(Handle::new(ids, trace_state, None)))
    } else {
        attach_given(context)
    }
}

/// Attaches this Context, where that can be done.
fn attach_given(context: Context) -> Option<ContextGuard> {
    if INSIDE_API.get() > 0 {
        return None;
    }
    // Panics where the host enters a span inside `Context::map_current`: the frame does without.
    catch_unwind(AssertUnwindSafe(|| context.attach())).ok()
}

/// Whether the API's thread-local can be used on this thread. To be called before our own is
/// made: thread-locals are dropped in the order opposite to their making, so the API's then
/// outlives ours.
pub(super) fn api_is_alive() -> bool {
    catch_unwind(|| Context::map_current(|_| ())).is_ok()
}
