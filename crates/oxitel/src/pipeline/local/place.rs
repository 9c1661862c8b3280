//! Which span is current on a thread, and making another one so.

use super::{Local, visit};
use crate::bridge::opentelemetry::Mailbox;
use crate::context::{Ids, SpanContext};
use crate::pipeline::current;
use crate::pipeline::frames::Frame;
use crate::pipeline::settings::Settings;
use opentelemetry::Context;
use std::sync::Arc;

/// The current span; past its thread-locals a thread has none.
pub(crate) fn current() -> SpanContext {
    let place = visit(|local| local.place().0).unwrap_or((Ids::NONE, None));
    SpanContext { ids: place.0, trace_state: place.1 }
}

/// The ids of the current span.
#[cfg(feature = "tracing")]
pub(crate) fn current_ids() -> Ids {
    visit(Local::ids).unwrap_or(Ids::NONE)
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

/// The ids that a log record carries, `named` or the current ones, and the settings to record it
/// by; `None` where nothing is recorded.
#[inline(always)]
pub(crate) fn place_to_log(named: Option<Ids>) -> Option<(Ids, &'static Settings)> {
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

/// Whether nothing is recorded here, whatever the parent: the engine's own threads are so.
pub(crate) fn is_suppressed() -> bool {
    visit(Local::is_suppressed).unwrap_or(false)
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

#[inline(never)]
pub(crate) fn leave(key: u64) {
    // Dropped out here: that may run code of the host's.
    let frame = visit(|local| local.frames.pop(key));
    drop(frame);
}

/// The Context of the OpenTelemetry API on this thread.
pub(crate) fn api_context() -> Context {
    let alive = visit(|local| local.api_is_alive.get()).unwrap_or(false);
    if alive { Context::current() } else { Context::new() }
}

impl Local {
    /// The current span, and what of the API's was active when that was decided.
    #[inline(always)]
    pub(super) fn place(&self) -> (current::Place, u64) {
        match self.usual_note() {
            Some(note) => (self.frames.top(), note),
            None => self.decide_place(),
        }
    }

    /// The current span's ids alone: in the usual case nothing of the frame is copied but them.
    #[inline(always)]
    pub(super) fn ids(&self) -> Ids {
        match self.usual_note() {
            Some(_) => self.frames.top_ids(),
            None => self.decide_place().0.0,
        }
    }

    /// What the innermost frame noted, if that still is what is active.
    #[inline(always)]
    pub(super) fn usual_note(&self) -> Option<u64> {
        let note = self.frames.top_note();
        let usual = !self.api_is_alive.get()
            || Context::map_current(|context| current::is_noted(context, note));
        usual.then_some(note)
    }

    #[cold]
    #[inline(never)]
    pub(super) fn decide_place(&self) -> (current::Place, u64) {
        Context::map_current(|context| (self.decide(context), current::note(context)))
    }

    /// Whether nothing is recorded here, whatever the parent.
    pub(super) fn is_suppressed(&self) -> bool {
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
    pub(super) fn push(
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
    pub(super) fn push_noted(
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
}
