//! Beginning a span, below the current one or below another.

use super::pool::passive;
use super::{Home, Local, visit};
use crate::context::{Ids, SpanContext, TraceFlags};
use crate::pipeline::scope::ScopeData;
use crate::pipeline::settings::Settings;
use crate::pipeline::{clock, current, state};
use crate::record::{Inner, Kind};
use std::sync::Arc;

/// OTLP: the flags say whether the parent is remote.
pub(crate) const HAS_REMOTE: u32 = 0x100;

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

/// On a thread that is past its thread-locals: in a destructor of another one of them. What a
/// thread keeps is made for this one span; nothing is current there.
#[cold]
#[inline(never)]
fn begin_late(scope: &'static ScopeData, name: &str, parent: &SpanContext) -> Inner {
    Local::new().begin(scope, name, &parent.ids, parent.trace_state.clone())
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

/// Whether the decision fell with the parent, and against recording.
#[inline(always)]
pub(super) fn is_passed_on(parent: &Ids) -> bool {
    !parent.is_sampled() && parent.is_valid() && state::parent_decides()
}

impl Local {
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
}
