//! Spans that another language holds: ended once, readable until they are dropped.

use super::{RuntimeScope, Start};
use crate::context::SpanContext;
use crate::pipeline::scratch::Scratch;
use crate::pipeline::{clock, local, state};
use crate::record::{self, Inner, SpanRef, Status, Value, link_target};

/// A piece of work with a beginning and an end. Unlike a [`Span`](crate::Span) it stays readable
/// after its end. One that is dropped without an end is not sent.
#[derive(Debug)]
pub struct LiveSpan {
    inner: Inner,
    /// When it ended, in nanoseconds since 1970.
    end_ns: Option<u64>,
}

impl LiveSpan {
    /// Starts one below `parent`; below [`SpanContext::NONE`] it begins a trace.
    pub fn start(scope: RuntimeScope, name: &str, parent: &SpanContext, start: &Start<'_>) -> Self {
        Self::of(record::begin_in(scope.0, name, parent, start))
    }

    /// No span: nothing is recorded of it, and it has no place.
    pub fn nothing() -> Self {
        Self::of(Inner::Off)
    }

    pub(super) fn of(inner: Inner) -> Self {
        Self { inner, end_ns: None }
    }

    /// Whether what is set on it is kept: it is recorded, has not ended, and was begun in this
    /// process.
    #[inline]
    pub fn is_recording(&self) -> bool {
        matches!(&self.inner, Inner::Recorded(scratch) if self.end_ns.is_none() && is_ours(scratch))
    }

    /// Whether it has a place in a trace. Without one it goes by its parent's.
    pub fn has_place(&self) -> bool {
        self.inner.place().is_some()
    }

    /// What travels of it, unless it goes by its parent's place.
    pub fn context(&self) -> SpanContext {
        self.inner.place().map_or(SpanContext::NONE, |(ids, trace_state)| SpanContext {
            ids: *ids,
            trace_state: trace_state.cloned(),
        })
    }

    #[inline(always)]
    fn recorded(&mut self) -> Option<&mut Scratch> {
        match &mut self.inner {
            Inner::Recorded(scratch) if self.end_ns.is_none() && is_ours(scratch) => Some(scratch),
            _ => None,
        }
    }

    /// Sets an attribute, replacing an earlier value of the same key.
    #[inline]
    pub fn set_attribute(&mut self, key: &str, value: &Value<'_>) {
        if let Some(scratch) = self.recorded() {
            scratch.set_attribute(key, value);
        }
    }

    /// Notes something that happened at this time, in nanoseconds since 1970, or now.
    pub fn add_event(&mut self, name: &str, time_ns: Option<u64>, pairs: &[(&str, Value<'_>)]) {
        if let Some(scratch) = self.recorded() {
            let time_ns = time_ns.unwrap_or_else(|| clock::now().wall_ns);
            scratch.add_event(time_ns, name, pairs);
        }
    }

    /// Points at a span of this or another trace.
    pub fn add_link(&mut self, to: &SpanContext, pairs: &[(&str, Value<'_>)]) {
        if let Some(scratch) = self.recorded() {
            scratch.add_link(&link_target(to), pairs);
        }
    }

    /// Says how it went; see [`Status`] for what overrides what.
    pub fn set_status(&mut self, status: &Status<'_>) {
        if let Some(scratch) = self.recorded() {
            scratch.set_status(status);
        }
    }

    /// Gives it another name.
    pub fn update_name(&mut self, name: &str) {
        if let Some(scratch) = self.recorded() {
            scratch.set_name(name);
        }
    }

    /// Ends it at this time, in nanoseconds since 1970, or now. `false`: there was nothing to end.
    #[inline]
    pub fn end(&mut self, time_ns: Option<u64>) -> bool {
        let Some(scratch) = self.recorded() else { return false };
        let end_ns = record::end_of(scratch, time_ns);
        if scratch.ids.is_sampled() {
            local::write_finished(scratch, record::is_kept(scratch, end_ns).then_some(end_ns));
        } else {
            local::end_unsent(scratch);
        }
        self.end_ns = Some(end_ns);
        true
    }

    /// When it ended, in nanoseconds since 1970.
    pub fn end_ns(&self) -> Option<u64> {
        self.end_ns
    }

    /// Looks at what is recorded of it; `None` when nothing is.
    pub fn read<R>(&self, look: impl FnOnce(&SpanRef<'_>) -> R) -> Option<R> {
        match &self.inner {
            Inner::Recorded(scratch) => Some(look(&SpanRef::of(scratch, self.end_ns))),
            _ => None,
        }
    }
}

/// Elsewhere it vanishes: the process that began it ends it.
#[inline(always)]
fn is_ours(scratch: &Scratch) -> bool {
    scratch.epoch == state::epoch()
}

impl Drop for LiveSpan {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.inner, Inner::Off) {
            Inner::Off | Inner::PassedOn => {}
            Inner::Passive(place) => local::recycle_passive(place),
            Inner::Recorded(scratch) if self.end_ns.is_some() => local::take_back(scratch),
            Inner::Recorded(scratch) => local::discard(scratch, false),
        }
    }
}
