//! Functions of the program that see each span: when it has started, and when it has ended.
//!
//! Flow: start -> **`on_start`** -> recording -> **`on_end`** -> chunk. They run on the recording
//! thread, while nothing of ours is borrowed, each of them contained: a panic is counted, and the
//! next one runs.

use super::span_ref::{SpanMut, SpanRef};
use crate::context::SpanContext;
use std::fmt;
use std::sync::Arc;

type OnStart = Arc<dyn Fn(&mut SpanMut<'_>, &SpanContext) + Send + Sync>;
type OnEnd = Arc<dyn Fn(&SpanRef<'_>) -> Verdict + Send + Sync>;
type Allows = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// What becomes of a span that has ended; see [`Config::on_end`](crate::Config::on_end).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a verdict is returned"]
pub enum Verdict {
    /// It goes on its way.
    Keep,
    /// It is dropped, and counted as dropped by a hook.
    Drop,
}

/// The hooks of a [`Config`](crate::Config), in the order in which they were added.
#[derive(Clone, Default)]
pub struct Hooks {
    pub(super) on_start: Vec<OnStart>,
    pub(super) on_end: Vec<OnEnd>,
    /// Which entries of the baggage become attributes.
    pub(super) baggage: Vec<Allows>,
}

impl Hooks {
    pub(crate) fn add_on_start(
        &mut self,
        hook: impl Fn(&mut SpanMut<'_>, &SpanContext) + Send + Sync + 'static,
    ) {
        self.on_start.push(Arc::new(hook));
    }

    pub(crate) fn add_on_end(
        &mut self,
        hook: impl Fn(&SpanRef<'_>) -> Verdict + Send + Sync + 'static,
    ) {
        self.on_end.push(Arc::new(hook));
    }

    pub(crate) fn add_baggage(&mut self, allows: impl Fn(&str) -> bool + Send + Sync + 'static) {
        self.baggage.push(Arc::new(allows));
    }
}

#[cfg(feature = "otel")]
impl Hooks {
    /// Whether a start has to ask.
    pub(crate) fn see_starts(&self) -> bool {
        !self.on_start.is_empty() || !self.baggage.is_empty()
    }

    /// Whether an end has to ask.
    pub(crate) fn see_ends(&self) -> bool {
        !self.on_end.is_empty()
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("on_start", &self.on_start.len())
            .field("on_end", &self.on_end.len())
            .field("baggage", &self.baggage.len())
            .finish()
    }
}

/// Equal when they are the same functions.
impl PartialEq for Hooks {
    fn eq(&self, other: &Self) -> bool {
        fn same<T: ?Sized>(one: &[Arc<T>], two: &[Arc<T>]) -> bool {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| Arc::ptr_eq(one, two))
        }
        same(&self.on_start, &other.on_start)
            && same(&self.on_end, &other.on_end)
            && same(&self.baggage, &other.baggage)
    }
}
