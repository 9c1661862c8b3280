//! A `tracing` subscriber by itself: no `Registry`, one table of live spans.
//!
//! A span's id is its number in [`Table`], so that calls with made-up ids, from any thread and at
//! any time, find a live span or nothing.

use super::InstallError;
use super::console::{self, Console};
use super::directives::Directives;
use super::entry::{Entry, Style, begin_again, is_of_the_api};
use super::event;
use super::extension::Keeper;
use super::fields::{Fields, collected};
use super::lines::Lines;
use crate::context::{Ids, SpanContext};
use crate::pipeline::local;
use crate::pipeline::per_epoch::PerEpoch;
use crate::pipeline::state;
use crate::pipeline::sync::AtomicPtr;
use crate::pipeline::table::Table;
use crate::record::{Span, contained};
use tracing::metadata::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata};
use tracing_core::span::Current;

/// The spans of all our subscribers.
static SPANS: PerEpoch<Table<Live>> = PerEpoch::around(AtomicPtr::new(std::ptr::null_mut()));

/// No span has it: the id of those that are not looked at.
const IGNORED: u64 = u64::MAX;

/// Records `tracing` spans, and events as log records or as events of the span they happen in (see
/// [`Config::tracing_events`](crate::Config::tracing_events)); prints events if asked to. See
/// [`subscriber`].
///
/// In a span's fields, `otel.name` and `otel.kind` set its name and kind, `otel.status_code`
/// (`ok` or `error`) and `otel.status_description` its status. What it follows from becomes a
/// link.
#[derive(Debug)]
pub struct Subscriber {
    directives: Directives,
    console: Option<Console>,
    lines: Option<Lines>,
    style: Style,
}

/// A [`Subscriber`], for programs that need no other.
///
/// It looks at what `RUST_LOG` names (`info,my_crate=debug,hyper=off`), and without it at `info`
/// and above.
pub fn subscriber() -> Subscriber {
    Subscriber {
        directives: Directives::from_environment(),
        console: None,
        lines: None,
        style: Style::default(),
    }
}

impl Subscriber {
    /// Looks at what these directives name, whatever `RUST_LOG` says: targets by their beginning,
    /// each with a level (`info,my_crate=debug,hyper=off`). What cannot be read is left out, with
    /// one line on standard error.
    #[must_use]
    pub fn with_filter(mut self, directives: &str) -> Self {
        self.directives = Directives::parse(directives, "filter");
        self
    }

    /// Also writes events to standard error, one line each, whether telemetry is on or not.
    #[must_use]
    pub fn console(mut self) -> Self {
        self.console = Some(Console::on_standard_error());
        self
    }

    /// Also writes events as lines with the ids of their spans, whether telemetry is on or not:
    /// `subscriber().lines(json_lines())`.
    #[must_use]
    pub fn lines(mut self, lines: Lines) -> Self {
        self.lines = Some(lines);
        self
    }

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

    /// Makes it the subscriber of the whole process.
    pub fn try_init(self) -> Result<(), InstallError> {
        tracing::subscriber::set_global_default(self).map_err(|_| InstallError {})
    }

    /// The same; if there is one already, that one stays, and a line on standard error says so.
    pub fn init(self) {
        if let Err(error) = self.try_init() {
            console::say(&error.to_string());
        }
    }
}

/// What lives in the table.
#[derive(Debug)]
struct Live {
    entry: Entry,
    metadata: &'static Metadata<'static>,
    /// The names from the outermost span to this one, for the console.
    path: Option<Box<str>>,
}

fn spans() -> &'static Table<Live> {
    let epoch = state::epoch();
    SPANS.get(epoch).unwrap_or_else(|| SPANS.get_or_succeed(epoch, Table::new))
}

fn with<R>(id: u64, action: impl FnOnce(&mut Live) -> R) -> Option<R> {
    // A function of the program redacts a value of some span, which is locked as long: a visit
    // from inside of it would wait for itself.
    if contained::is_muted() {
        return None;
    }
    spans().with(id, state::epoch(), action)
}

/// Runs `action` on the span of any of our subscribers.
pub(super) fn with_entry<R>(id: u64, action: impl FnOnce(&mut Entry) -> R) -> Option<R> {
    with(id, |live| action(&mut live.entry))
}

/// Where a span stands, for another that will refer to it.
fn place(id: &Id) -> Option<SpanContext> {
    with(id.into_u64(), |live| live.entry.place())
}

impl tracing::Subscriber for Subscriber {
    fn on_register_dispatch(&self, _: &Dispatch) {
        if let Some(complaint) = self.directives.complaint() {
            console::say(complaint);
        }
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !is_of_the_api(metadata) && self.directives.enables(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.directives.most())
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        if !state::is_on() && self.console.is_none() || contained::is_muted() {
            return Id::from_u64(IGNORED);
        }
        let named = attributes.parent().map(|parent| place(parent).unwrap_or_default());
        let named = if attributes.is_root() { Some(SpanContext::NONE) } else { named };
        let entry = Entry::begin(attributes, named.as_ref(), self.style, 0);
        if entry.span.is_off() && self.console.is_none() {
            return Id::from_u64(IGNORED);
        }
        let path = self.console.map(|_| path_below(attributes));
        enlist(Live { entry, metadata: attributes.metadata(), path })
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let id = id.into_u64();
        if with(id, |live| live.entry.span.is_recording()) == Some(true) {
            collected(
                |visit| values.record(visit),
                |fields| with(id, |live| live.entry.record(fields)),
            );
        }
    }

    fn record_follows_from(&self, id: &Id, follows: &Id) {
        let followed = place(follows).unwrap_or_default();
        if followed.is_valid() {
            with(id.into_u64(), |live| {
                live.entry.span.add_link(&followed, &[]);
            });
        }
    }

    fn event(&self, event: &Event<'_>) {
        let target = if state::is_on() { span_of(event) } else { None };
        let logged = event::logs_are_wanted();
        let is_shown = self.console.is_some() || self.lines.is_some();
        if target.is_none() && !logged && !is_shown {
            return;
        }
        let ids = if logged || self.lines.is_some() { ids_of(event) } else { None };
        if logged && !is_shown && event::log_at_once(event, ids, target.is_some()) {
            return;
        }
        let metadata = event.metadata();
        let tell = |fields: &Fields| {
            if let Some(id) = target {
                with(id, |live| live.entry.note(fields, metadata, self.style));
            }
            if logged {
                event::log(fields, metadata, ids);
            }
            if let Some(lines) = &self.lines {
                lines.tell(metadata, ids, fields);
            }
            if let Some(console) = self.console {
                let path = path_of(event);
                console.tell(metadata, path.as_deref().unwrap_or(""), fields);
            }
        };
        collected(|visit| event.record(visit), tell);
    }

    fn enter(&self, id: &Id) {
        let id = id.into_u64();
        let is_off = |live: &Live| live.entry.span.is_off();
        let place = with(id, |live| (!is_off(live)).then(|| live.entry.open_place()));
        match place {
            Some(Some((place, mailbox))) => {
                local::make_current(id, &place.ids, place.trace_state, id, mailbox.as_ref());
            }
            // Only for its path on the console.
            Some(None) => local::make_current_here(id),
            None => {}
        }
    }

    fn exit(&self, id: &Id) {
        if contained::is_muted() {
            return;
        }
        local::leave(id.into_u64());
    }

    fn clone_span(&self, id: &Id) -> Id {
        if !contained::is_muted() {
            spans().acquire(id.into_u64(), state::epoch());
        }
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        if contained::is_muted() {
            return false;
        }
        let (spans, epoch) = (spans(), state::epoch());
        let last = local::with_spare(|spare| spans.release(id.into_u64(), epoch, spare));
        // The span ends here, after all is unlocked.
        last.is_some()
    }

    fn current_span(&self) -> Current {
        let id = local::current_tracing();
        if id == 0 {
            return Current::none();
        }
        let metadata = with(id, |live| live.metadata);
        metadata.map_or_else(Current::none, |metadata| Current::new(Id::from_u64(id), metadata))
    }
}

/// Takes a new span into the table.
fn enlist(live: Live) -> Id {
    let spans = spans();
    match local::with_spare(|spare| spans.insert(live, spare)) {
        Ok(id) => Id::from_u64(id),
        Err(live) => {
            live.entry.span.refuse();
            Id::from_u64(IGNORED)
        }
    }
}

/// The ids of the span that an event names; `None` is the current one.
fn ids_of(event: &Event<'_>) -> Option<Ids> {
    match event.parent() {
        Some(parent) => Some(place(parent).unwrap_or_default().ids),
        None => event.is_root().then_some(Ids::NONE),
    }
}

/// The recording span that an event belongs to.
fn span_of(event: &Event<'_>) -> Option<u64> {
    match event.parent() {
        Some(parent) => {
            let id = parent.into_u64();
            with(id, |live| live.entry.span.is_recording())?.then_some(id)
        }
        None if event.is_root() => None,
        None => local::tracing_of_current(0).filter(|(_, sampled)| *sampled).map(|(id, _)| id),
    }
}

fn path_of(event: &Event<'_>) -> Option<Box<str>> {
    match event.parent() {
        Some(parent) => path(parent.into_u64()),
        None if event.is_root() => None,
        None => path(local::current_tracing()),
    }
}

fn path(id: u64) -> Option<Box<str>> {
    with(id, |live| live.path.clone()).flatten()
}

/// The path of a new span.
fn path_below(attributes: &Attributes<'_>) -> Box<str> {
    let above = match attributes.parent() {
        Some(parent) => path(parent.into_u64()),
        None if attributes.is_root() => None,
        None => path(local::current_tracing()),
    };
    longer(above, attributes.metadata().name())
}

/// A path and one more name. Each span keeps its own, so that they may not grow with the depth.
fn longer(above: Option<Box<str>>, name: &str) -> Box<str> {
    const LONGEST: usize = 1024;
    match above {
        None => name.into(),
        Some(above) if above.len() > LONGEST => above,
        Some(above) if above.len() + name.len() >= LONGEST => {
            [&*above, ":", name, ":…"].concat().into()
        }
        Some(above) => [&*above, ":", name].concat().into(),
    }
}

/// What [`SpanExt`](super::SpanExt) does to spans of this subscriber.
impl Keeper for Subscriber {
    fn with_entry<R>(&self, id: &Id, action: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        with(id.into_u64(), |live| action(&mut live.entry))
    }

    fn begin_again(&self, metadata: &Metadata<'_>, parent: &SpanContext) -> Span {
        begin_again(metadata, parent, self.style)
    }
}

#[cfg(test)]
mod tests {
    use super::longer;

    #[test]
    fn a_path_ends_where_it_is_too_long() {
        let mut path = longer(None, "request");
        path = longer(Some(path), "load");
        assert_eq!(&*path, "request:load");
        for _ in 0..10_000 {
            path = longer(Some(path), "deeper");
        }
        assert!(path.len() < 1100 && path.ends_with(":deeper:…"), "{path}");
    }
}
