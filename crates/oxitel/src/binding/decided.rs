//! Spans whose ids or fate another language decides.

use super::{LiveSpan, RuntimeScope, Start};
use crate::context::{Ids, SpanContext, SpanId, TraceFlags, TraceId};
use crate::pipeline::local::{self, Prepared};
use crate::pipeline::settings::Settings;
use crate::pipeline::state;
use crate::record::{self, Inner};

/// The ids of a span to come.
#[derive(Clone)]
pub struct Candidate {
    ids: Ids,
    parent: SpanContext,
    settings: &'static Settings,
}

/// What becomes of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing of it is kept.
    Dropped,
    /// It is recorded, for those who look at it in this process, and not sent. What is below it
    /// learns that it is not sampled.
    ReadHere,
    /// It is recorded and sent.
    Sent,
}

impl Candidate {
    /// The next one below `parent`; `None` where nothing is recorded.
    pub fn below(parent: &SpanContext) -> Option<Self> {
        let (ids, settings) = state::is_on().then(|| local::prepare_any(&parent.ids)).flatten()?;
        Some(Self { ids, parent: parent.clone(), settings })
    }

    /// With ids of another generator. The trace's id is taken for a root only, and `is_random`
    /// says whether that generator's are random.
    pub fn with_ids(mut self, trace_id: TraceId, span_id: SpanId, is_random: bool) -> Self {
        let is_root = !self.parent.is_valid();
        let (trace_id, flags) = if is_root {
            (trace_id, if is_random { TraceFlags::RANDOM } else { 0 })
        } else {
            (self.ids.trace_id(), (self.ids.flags & 0xff) as u8)
        };
        self.ids = Ids::new(trace_id, span_id, TraceFlags(flags), false);
        self
    }

    /// The trace it would belong to.
    pub fn trace_id(&self) -> TraceId {
        self.ids.trace_id()
    }

    /// Starts it with this trace state.
    pub fn start(
        self,
        scope: RuntimeScope,
        name: &str,
        (fate, trace_state): (Fate, Option<&str>),
        start: &Start<'_>,
    ) -> LiveSpan {
        let trace_state = trace_state.filter(|state| !state.is_empty()).map(Into::into);
        let keep = fate != Fate::Dropped;
        let prepared = Prepared { ids: self.ids, parent: self.parent.ids, trace_state, keep };
        let mut begun = local::begin_prepared(scope.0, name, prepared);
        if let Inner::Recorded(scratch) = &mut begun {
            if fate == Fate::ReadHere {
                scratch.ids.flags &= !u32::from(TraceFlags::SAMPLED);
            }
            start.apply(scratch);
        }
        LiveSpan::of(begun)
    }

    /// Starts it; whether it is recorded, the engine's own sampler decides.
    pub fn start_as_usual(self, scope: RuntimeScope, name: &str, start: &Start<'_>) -> LiveSpan {
        let chosen = (self.ids, self.settings);
        LiveSpan::of(record::start_as(chosen, scope.0, name, &self.parent, start))
    }
}
