//! What the front ends of `tracing` ask of a thread: which of their spans is current, and free
//! slots for new ones.

use super::begin::is_passed_on;
use super::{HERE, Spare, first_visit, visit};
use crate::context::Ids;
use crate::pipeline::state;

/// The ids that a span started now would take over, because the decision fell against recording
/// already; none also if there is more to keep of the place than ids.
#[inline(always)]
pub(crate) fn passed_on() -> Option<Ids> {
    visit(|local| {
        let ((ids, trace_state), _) = local.place();
        (trace_state.is_none() && is_passed_on(&ids)).then_some(ids)
    })?
}

/// Makes the `tracing` span `id` current at the place that is current already: it has none of its
/// own.
pub(crate) fn make_current_here(id: u64) {
    visit(|local| {
        let ((ids, trace_state), note) = local.place();
        if !ids.is_suppressed() {
            local.push_noted(id, &ids, trace_state, id, note);
        }
    });
}

/// The id of the innermost `tracing` span of our subscriber that is current on this thread, or 0.
pub(crate) fn current_tracing() -> u64 {
    visit(|local| local.frames.top_tracing(0)).unwrap_or(0)
}

/// The innermost `tracing` span of this kind (0, or [`TRACING_LAYER`]), if it stands in the
/// current span's trace, and whether that is sampled.
pub(crate) fn tracing_of_current(kind: u64) -> Option<(u64, bool)> {
    visit(|local| local.frames.tracing_of_top(kind)).flatten()
}

/// Runs `action`, which runs nothing of the host's, with the free slots that this thread keeps;
/// past its thread-locals a thread keeps none.
#[inline]
pub(crate) fn with_spare<R>(action: impl FnOnce(&mut Spare) -> R) -> R {
    let here = HERE.get();
    let here = if here.is_null() { first_visit() } else { here };
    // SAFETY: as in `visit`.
    if let Some(local) = unsafe { here.as_ref() } {
        // SAFETY: only this thread reaches its slots, and `action` does not come back here.
        return action(unsafe { &mut *local.spare.get() });
    }
    let mut spare = Spare::EMPTY;
    let done = action(&mut spare);
    spare.give_back(state::epoch());
    done
}
