//! Events as lines for programs that collect them: JSON, or text, with the ids of their span.
//!
//! Flow: a front end collects the fields -> **lines** -> `json` or `text` -> `sink`. Secrets are
//! taken out as they are out of what is sent.

mod json;
mod sink;
mod text;
mod time;

use super::fields::{Fields, collected};
use crate::config::Stream;
#[cfg(feature = "otel")]
use crate::context::Ids;
use crate::context::{SpanId, TraceId};
#[cfg(feature = "otel")]
use crate::pipeline::{clock, local};
use sink::Sink;
pub use sink::lines_lost;
use std::cell::Cell;
use std::io;
#[cfg(feature = "otel")]
use std::sync::RwLock;
#[cfg(feature = "otel")]
use tracing::dispatcher::WeakDispatch;
use tracing::{Dispatch, Event, Metadata};
use tracing_subscriber::layer::Context;

/// A buffer that grew beyond this is freed instead of kept.
const KEPT_BYTES: usize = 16 * 1024;

thread_local! {
    static SPARE: Cell<Option<String>> = const { Cell::new(None) };
}

/// Writes each event as one line, in one write; see [`json_lines`] and [`text_lines`].
///
/// It is a layer for a `Registry`, and an option of our own subscriber
/// ([`Subscriber::lines`](super::Subscriber::lines)). It needs neither an endpoint nor a running
/// engine; without one, there are no ids to tell. Secrets are replaced as in what is sent, but in
/// builds without the feature `otel`, which have no rules for them. What the engine's own thread
/// does is not written.
#[derive(Debug)]
pub struct Lines {
    form: Form,
    sink: Sink,
    /// Read by `try_read` only: a thread that held it may not have survived a fork.
    #[cfg(feature = "otel")]
    dispatch: RwLock<Option<WeakDispatch>>,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Json,
    Text,
}

/// What a line is made of.
struct Told<'a> {
    wall_ns: u64,
    metadata: &'a Metadata<'a>,
    fields: &'a Fields,
    place: Option<(TraceId, SpanId)>,
}

/// One JSON object for each event, on standard output.
///
/// ```text
/// {"timestamp":"2026-11-20T14:38:07.123456Z","level":"WARN","target":"shop::cart","message":"late","fields":{"order.id":17},"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"}
/// ```
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let subscriber = tracing_subscriber::registry()
///     .with(oxitel::bridge::layer())
///     .with(oxitel::bridge::json_lines());
/// # let _ = subscriber;
/// ```
pub fn json_lines() -> Lines {
    Lines::new(Form::Json)
}

/// One line of text for each event, on standard output; of the ids their first 8 digits.
///
/// ```text
/// 2026-11-20T14:38:07.123456Z shop::cart WARN - late order.id=17 [trace:4bf92f35...] [span:00f067aa...]
/// ```
pub fn text_lines() -> Lines {
    Lines::new(Form::Text)
}

impl Lines {
    fn new(form: Form) -> Self {
        Self {
            form,
            sink: Sink::stream(Stream::Output),
            #[cfg(feature = "otel")]
            dispatch: RwLock::new(None),
        }
    }

    /// On standard error instead.
    #[must_use]
    pub fn on_stderr(mut self) -> Self {
        self.sink = Sink::stream(Stream::Error);
        self
    }

    /// Gives each line, with its end, to this function instead. It runs on the thread of the event,
    /// and events inside of it are not written. What it refuses, and a line over which it panics,
    /// is counted: see [`lines_lost`].
    #[must_use]
    pub fn write_with(
        mut self,
        write: impl Fn(&[u8]) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.sink = Sink::function(write);
        self
    }

    /// Writes one event in the span of these ids; `None` is the current one. Where telemetry is
    /// suppressed nothing is: on the engine's own thread, a stream that stands still would hold up
    /// what is sent.
    #[cfg(feature = "otel")]
    pub(super) fn tell(&self, metadata: &Metadata<'_>, ids: Option<Ids>, fields: &Fields) {
        let ids = ids.unwrap_or_else(local::current_ids);
        if ids.is_suppressed() {
            return;
        }
        let place = ids.is_valid().then(|| (ids.trace_id(), ids.span_id()));
        self.write(&Told { wall_ns: clock::now().wall_ns, metadata, fields, place });
    }

    #[cfg(not(feature = "otel"))]
    pub(super) fn tell(&self, metadata: &Metadata<'_>, fields: &Fields) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let wall_ns = now.map_or(0, |elapsed| elapsed.as_nanos() as u64);
        self.write(&Told { wall_ns, metadata, fields, place: None });
    }

    fn write(&self, told: &Told<'_>) {
        let mut line = SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default();
        match self.form {
            Form::Json => json::write(&mut line, told),
            Form::Text => text::write(&mut line, told),
        }
        self.sink.write(&mut line);
        line.clear();
        if line.capacity() <= KEPT_BYTES {
            // Past its thread-locals a thread keeps nothing.
            let _ = SPARE.try_with(|spare| spare.set(Some(line)));
        }
    }
}

#[cfg(feature = "otel")]
impl Lines {
    fn dispatch(&self) -> Option<Dispatch> {
        self.dispatch.try_read().ok()?.as_ref()?.upgrade()
    }

    /// The ids of the span that an event names, which our layer keeps; `None` is the current one.
    fn ids_of(&self, event: &Event<'_>) -> Option<Ids> {
        // It says its diagnostics while its thread-local is borrowed: the current span may not be
        // looked up.
        if event.is_root() || super::entry::is_of_the_api(event.metadata()) {
            return Some(Ids::NONE);
        }
        event.parent()?;
        let dispatch = self.dispatch();
        let layer = dispatch.as_ref().and_then(|it| it.downcast_ref::<super::Layer>());
        layer.map_or(Some(Ids::NONE), |layer| layer.ids_of(event))
    }
}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Lines {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        #[cfg(feature = "otel")]
        // Before anything is written, so that nobody reads it now.
        if let Ok(mut kept) = self.dispatch.try_write() {
            *kept = Some(dispatch.downgrade());
        }
        #[cfg(not(feature = "otel"))]
        let _ = dispatch;
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let tell = |fields: &Fields| {
            #[cfg(feature = "otel")]
            self.tell(event.metadata(), self.ids_of(event), fields);
            #[cfg(not(feature = "otel"))]
            self.tell(event.metadata(), fields);
        };
        collected(|visit| event.record(visit), tell);
    }
}
