//! A `tracing` layer for programs that have a `Registry`.
//!
//! The registry counts references and filters; what is recorded lies in [`live`]. Which span is
//! current is our own stack's say, not the registry's: it knows of the direct API too.

use super::entry::{Entry, Style, begin_again, is_of_the_api};
use super::event;
use super::extension::Keeper;
use super::fields::{Fields, collected};
use super::live;
use crate::context::{Ids, SpanContext};
use crate::pipeline::frames::TRACING_LAYER;
use crate::pipeline::{local, state};
use crate::record::{Span, contained};
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use tracing::dispatcher::WeakDispatch;
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Registry, SpanData as _};

/// Records `tracing` spans, and events as log records or as events of the span they happen in: see
/// [`Config::tracing_events`](crate::Config::tracing_events).
///
/// In a span's fields, `otel.name` and `otel.kind` set its name and kind, `otel.status_code`
/// (`ok` or `error`) and `otel.status_description` its status. What it follows from becomes a
/// link.
#[derive(Debug)]
pub struct Layer {
    /// What tells its spans from those of other layers, whose registries use the same ids.
    number: u32,
    style: Style,
    /// There is another one further out in the same subscriber; that one counts.
    covered: AtomicBool,
    /// Read by `try_read` only: a thread that held it may not have survived a fork.
    dispatch: RwLock<Option<WeakDispatch>>,
}

/// A [`Layer`], for `tracing_subscriber::registry().with(oxitel::bridge::layer())`.
pub fn layer() -> Layer {
    Layer {
        number: next_number(),
        style: Style::default(),
        covered: AtomicBool::new(false),
        dispatch: RwLock::new(None),
    }
}

fn next_number() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    // Relaxed: only their difference counts.
    COUNT.fetch_add(1, Ordering::Relaxed)
}

impl Default for Layer {
    fn default() -> Self {
        layer()
    }
}

impl Layer {
    /// Whether spans and events tell where in the source they are, as `code.file.path` and
    /// `code.line.number`. Off by default.
    #[must_use]
    pub fn with_location(mut self, location: bool) -> Self {
        self.style.location = location;
        self
    }

    /// Whether spans tell the thread that began them, as `thread.id` and `thread.name`. Off by
    /// default.
    #[must_use]
    pub fn with_threads(mut self, threads: bool) -> Self {
        self.style.threads = threads;
        self
    }

    /// The span's name here, which is also that of its frame. Layers differ in all bits, so that
    /// their spans do not meet.
    #[inline]
    fn key(&self, id: &Id) -> u64 {
        let mark = u64::from(self.number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (id.into_u64() ^ mark) | TRACING_LAYER
    }

    #[inline]
    fn is_covered(&self) -> bool {
        self.covered.load(Ordering::Relaxed)
    }

    #[inline]
    fn takes(&self, metadata: &Metadata<'_>) -> bool {
        state::is_on() && !self.is_covered() && !is_of_the_api(metadata)
    }

    fn keep(&self, id: &Id, entry: Entry) {
        if entry.span.is_off() {
            return;
        }
        match live::insert(self.key(id), entry) {
            // One that the registry forgot to close.
            Ok(before) => drop(before),
            Err(entry) => entry.span.refuse(),
        }
    }

    /// Begins a span whose parent is none of this layer's.
    #[cfg(feature = "tracing-opentelemetry")]
    pub(super) fn begin_below(&self, attributes: &Attributes<'_>, id: &Id, parent: &SpanContext) {
        if self.takes(attributes.metadata()) {
            self.keep(id, Entry::begin(attributes, Some(parent), self.style, self.number));
        }
    }

    /// Whether the span is this layer's.
    #[cfg(feature = "tracing-opentelemetry")]
    pub(super) fn has(&self, id: &Id) -> bool {
        live::with(self.key(id), |_| ()).is_some()
    }

    #[cfg(feature = "tracing-opentelemetry")]
    pub(super) fn dispatch(&self) -> Option<Dispatch> {
        self.dispatch.try_read().ok()?.as_ref()?.upgrade()
    }

    fn place(&self, id: &Id) -> Option<SpanContext> {
        live::with(self.key(id), Entry::place)
    }

    /// Where a named parent stands. One that a filter hides from this layer stands for the
    /// nearest span above it that is not hidden.
    fn visible(&self, id: &Id) -> Option<SpanContext> {
        self.place(id).or_else(|| self.above_hidden(id))
    }

    #[cold]
    fn above_hidden(&self, id: &Id) -> Option<SpanContext> {
        let dispatch = self.dispatch.try_read().ok()?.as_ref()?.upgrade()?;
        let registry = dispatch.downcast_ref::<Registry>()?;
        let mut hidden = id.clone();
        loop {
            let above = registry.span_data(&hidden)?.parent()?.clone();
            if let Some(place) = self.place(&above) {
                return Some(place);
            }
            hidden = above;
        }
    }

    /// The ids of the span that an event names; `None` is the current one.
    pub(super) fn ids_of(&self, event: &Event<'_>) -> Option<Ids> {
        match event.parent() {
            Some(parent) => Some(self.visible(parent).unwrap_or_default().ids),
            None => event.is_root().then_some(Ids::NONE),
        }
    }

    /// The recording span that an event belongs to.
    fn span_of(&self, event: &Event<'_>) -> Option<u64> {
        match event.parent() {
            Some(parent) => {
                let key = self.key(parent);
                live::with(key, |entry| entry.span.is_recording())?.then_some(key)
            }
            None if event.is_root() => None,
            None => {
                let current = local::tracing_of_current(TRACING_LAYER);
                current.filter(|(_, sampled)| *sampled).map(|(key, _)| key)
            }
        }
    }
}

/// Spans that nobody will close any more end here: handles to them were forgotten.
impl Drop for Layer {
    fn drop(&mut self) {
        drop(live::remove_all(self.number));
    }
}

impl<S> tracing_subscriber::Layer<S> for Layer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        let outermost = dispatch.downcast_ref::<Self>();
        let covered = outermost.is_some_and(|layer| !std::ptr::eq(layer, self));
        self.covered.store(covered, Ordering::Relaxed);
        // Before anything is recorded, so that nobody reads it now.
        if let Ok(mut kept) = self.dispatch.try_write() {
            *kept = Some(dispatch.downgrade());
        }
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if self.takes(attributes.metadata()) {
            let named = attributes.parent().map(|parent| self.visible(parent).unwrap_or_default());
            let named = if attributes.is_root() { Some(SpanContext::NONE) } else { named };
            self.keep(id, Entry::begin(attributes, named.as_ref(), self.style, self.number));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let key = self.key(id);
        if live::with(key, |entry| entry.span.is_recording()) == Some(true) {
            collected(
                |visit| values.record(visit),
                |fields| live::with(key, |entry| entry.record(fields)),
            );
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, _: Context<'_, S>) {
        let followed = self.place(follows).unwrap_or_default();
        if followed.is_valid() {
            live::with(self.key(id), |entry| {
                entry.span.add_link(&followed, &[]);
            });
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if self.is_covered() || is_of_the_api(event.metadata()) {
            return;
        }
        let span = if state::is_on() { self.span_of(event) } else { None };
        let logged = event::logs_are_wanted();
        if span.is_none() && !logged {
            return;
        }
        let ids = if logged { self.ids_of(event) } else { None };
        if logged && event::log_at_once(event, ids, span.is_some()) {
            return;
        }
        let metadata = event.metadata();
        let tell = |fields: &Fields| {
            if let Some(key) = span {
                live::with(key, |entry| entry.note(fields, metadata, self.style));
            }
            if logged {
                event::log(fields, metadata, ids);
            }
        };
        collected(|visit| event.record(visit), tell);
    }

    fn on_enter(&self, id: &Id, _: Context<'_, S>) {
        let key = self.key(id);
        if let Some((place, mailbox)) = live::with(key, Entry::open_place) {
            local::make_current(key, &place.ids, place.trace_state, key, mailbox.as_ref());
        }
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        if contained::is_muted() {
            return;
        }
        local::leave(self.key(id));
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        // Ends here, after all is unlocked.
        drop(live::remove(self.key(&id)));
    }
}

/// What [`SpanExt`](super::SpanExt) does to spans of this layer.
impl Keeper for Layer {
    fn with_entry<R>(&self, id: &Id, action: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        live::with(self.key(id), action)
    }

    fn begin_again(&self, metadata: &Metadata<'_>, parent: &SpanContext) -> Span {
        begin_again(metadata, parent, self.style)
    }
}

#[cfg(test)]
mod tests {
    use crate::context::{self, Baggage, SpanContext, SpanId, TraceFlags, TraceId};
    use std::thread;
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn the_senders_thread_stays_suppressed_whatever_is_entered_on_it() {
        let sender = thread::spawn(|| {
            context::suppress_thread();
            let subscriber = tracing_subscriber::registry().with(super::layer());
            tracing::subscriber::with_default(subscriber, || {
                tracing::info_span!("inside a library").in_scope(|| {});
                tracing::info_span!("and again").in_scope(|| {});
            });
            tracing::subscriber::with_default(crate::bridge::subscriber().console(), || {
                tracing::info_span!("with a console").in_scope(|| {
                    assert!(context::capture().span_context().ids.is_suppressed());
                });
            });
            let elsewhere = SpanContext::remote(
                TraceId::from_bytes([1; 16]),
                SpanId::from_bytes([2; 8]),
                TraceFlags(1),
                None,
            );
            for place in [context::with_parent(&elsewhere), context::root()] {
                let _attached = place.attach();
                assert!(context::capture().span_context().ids.is_suppressed());
                let _baggage = place.with_baggage(&Baggage::new()).attach();
                assert!(context::capture().span_context().ids.is_suppressed());
            }
            context::capture().span_context().ids.is_suppressed()
        });
        assert!(sender.join().expect("no panic"));
    }
}
