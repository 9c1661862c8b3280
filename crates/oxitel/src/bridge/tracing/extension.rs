//! What `tracing` has no word for: another parent, the ids, attributes with names of run time.

use super::entry::Entry;
use super::{Layer, SetParentError, Subscriber};
use crate::context::SpanContext;
use crate::record::{Span, Status, Value};
use tracing::span::Id;
use tracing::{Dispatch, Metadata};

/// A front end, as the extension of its spans sees it.
pub(super) trait Keeper {
    /// Runs `action` on the span, if it is there.
    fn with_entry<R>(&self, id: &Id, action: impl FnOnce(&mut Entry) -> R) -> Option<R>;
    /// Starts the same span anew, below `parent` and without its fields.
    fn begin_again(&self, metadata: &Metadata<'_>, parent: &SpanContext) -> Span;
}

pub(super) fn set_parent(span: &tracing::Span, parent: &SpanContext) -> Result<(), SetParentError> {
    let Some(metadata) = span.metadata() else { return Err(SetParentError::Disabled) };
    let moved = span.with_subscriber(|(id, dispatch)| match keeper(dispatch) {
        Some(Kept::BySubscriber(keeper)) => set_parent_in(keeper, id, metadata, parent),
        Some(Kept::ByLayer(keeper)) => set_parent_in(keeper, id, metadata, parent),
        None => Err(SetParentError::NotOurs),
    });
    moved.unwrap_or(Err(SetParentError::Disabled))
}

fn set_parent_in(
    keeper: &impl Keeper,
    id: &Id,
    metadata: &Metadata<'_>,
    parent: &SpanContext,
) -> Result<(), SetParentError> {
    match keeper.with_entry(id, |entry| entry.is_settled()) {
        None => return Err(SetParentError::Disabled),
        Some(true) => return Err(SetParentError::Settled),
        Some(false) => {}
    }
    let mut fresh = Some(keeper.begin_again(metadata, parent));
    let moved = keeper.with_entry(id, |entry| fresh.take().map(|fresh| entry.move_to(fresh)));
    // Whichever is left over is let go here, after all is unlocked.
    if let Some(fresh) = fresh {
        fresh.discard();
    }
    match moved.flatten() {
        None => Err(SetParentError::Disabled),
        Some(Err(fresh)) => {
            fresh.discard();
            Err(SetParentError::Settled)
        }
        Some(Ok(before)) => {
            before.discard();
            Ok(())
        }
    }
}

/// Runs `action` on what we keep of the span.
pub(super) fn with_entry<R>(
    span: &tracing::Span,
    action: impl FnOnce(&mut Entry) -> R,
) -> Option<R> {
    let found = span.with_subscriber(|(id, dispatch)| match keeper(dispatch)? {
        Kept::BySubscriber(keeper) => keeper.with_entry(id, action),
        Kept::ByLayer(keeper) => keeper.with_entry(id, action),
    });
    found.flatten()
}

pub(super) fn context(span: &tracing::Span) -> SpanContext {
    with_entry(span, Entry::place).unwrap_or_default()
}

pub(super) fn set_attribute(span: &tracing::Span, key: &str, value: Value<'_>) {
    with_entry(span, |entry| {
        entry.span.set_attribute(key, value);
    });
}

pub(super) fn add_link(span: &tracing::Span, to: &SpanContext) {
    with_entry(span, |entry| {
        entry.span.add_link(to, &[]);
    });
}

pub(super) fn set_status(span: &tracing::Span, status: Status<'_>) {
    with_entry(span, |entry| {
        entry.span.set_status(status);
    });
}

enum Kept<'a> {
    BySubscriber(&'a Subscriber),
    ByLayer(&'a Layer),
}

fn keeper(dispatch: &Dispatch) -> Option<Kept<'_>> {
    let subscriber = dispatch.downcast_ref::<Subscriber>().map(Kept::BySubscriber);
    subscriber.or_else(|| dispatch.downcast_ref::<Layer>().map(Kept::ByLayer))
}
