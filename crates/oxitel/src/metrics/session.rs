//! The metrics of this process from one start to the next stop: settings and streams.
//!
//! A forked child builds a session of its own: the parent's may be locked by threads that do not
//! exist there. Instruments and handles live on; they find the session at their next measurement.

use super::instrument::Instrument;
use super::settings::Settings;
use super::stream::Stream;
use super::view::{Changes, View};
use crate::config::ExemplarFilter;
use crate::diagnose::{self, Cause};
use crate::pipeline::lifecycle;
use crate::pipeline::per_epoch::PerEpoch;
use crate::pipeline::{clock, state, sync};
use std::collections::HashMap;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) stamp: Stamp,
    pub(crate) settings: &'static Settings,
    start_ns: u64,
    streams: Mutex<Streams>,
    /// Two collections at once would each get a part.
    collecting: Mutex<()>,
    /// Counts collections: exemplars are drawn from what was measured between two of them.
    pub(crate) interval: AtomicU32,
    /// A thread runs callbacks.
    pub(crate) is_observing: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Streams {
    by_instrument: HashMap<u32, Arc<[Arc<Stream>]>>,
    all: Vec<Arc<Stream>>,
}

/// Process and session in one word; 0: metrics are off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

impl Stamp {
    pub(crate) const NEVER: Self = Self(0);

    /// `None` when nothing is recorded.
    #[inline(always)]
    pub(crate) fn now() -> Option<Self> {
        // Relaxed: what belongs to a session is reached through a lock.
        let generation = GENERATION.load(Ordering::Relaxed);
        (generation != 0).then(|| Self(state::epoch() << 32 | u64::from(generation)))
    }
}

/// The session that runs, by number; 0: none.
static GENERATION: AtomicU32 = AtomicU32::new(0);
static LAST_GENERATION: AtomicU32 = AtomicU32::new(0);
/// Whether measurements may be kept as examples.
static KEEPS_EXAMPLES: AtomicBool = AtomicBool::new(false);
/// By generation. They are never freed: a forked child may read them.
static SETTINGS: PerEpoch<Settings> = PerEpoch::around(sync::AtomicPtr::new(ptr::null_mut()));
/// By process.
static CURRENT: PerEpoch<Mutex<Option<Arc<Session>>>> =
    PerEpoch::around(sync::AtomicPtr::new(ptr::null_mut()));

/// Begins a session: all metrics begin at zero.
pub(crate) fn start(settings: Settings) {
    let generation = LAST_GENERATION.fetch_add(1, Ordering::Relaxed) + 1;
    KEEPS_EXAMPLES.store(settings.exemplars != ExemplarFilter::AlwaysOff, Ordering::Relaxed);
    SETTINGS.get_or_build(u64::from(generation), |_| settings);
    // Release: who sees the generation finds the settings.
    GENERATION.store(generation, Ordering::Release);
    // The time that metrics begin at.
    current();
}

/// Ends the session: measurements are not recorded any more.
pub(crate) fn stop() {
    GENERATION.store(0, Ordering::Relaxed);
}

/// Whether measurements are recorded.
#[inline]
pub(crate) fn are_recorded() -> bool {
    Stamp::now().is_some()
}

/// Whether it matters which span a measurement is made in.
#[inline]
pub(crate) fn keeps_examples() -> bool {
    are_recorded() && KEEPS_EXAMPLES.load(Ordering::Relaxed)
}

/// The session of this process, built if need be.
pub(crate) fn current() -> Option<Arc<Session>> {
    let cell = CURRENT.get_or_build(state::epoch(), |_| Mutex::new(None));
    let mut current = cell.lock().unwrap_or_else(PoisonError::into_inner);
    // Acquire: pairs with `start`. Read under the lock, so that no thread that was late puts an
    // older session in the place of a newer one.
    let generation = GENERATION.load(Ordering::Acquire);
    if generation == 0 {
        return None;
    }
    let stamp = Stamp(state::epoch() << 32 | u64::from(generation));
    if current.as_ref().is_none_or(|session| session.stamp != stamp) {
        let settings = SETTINGS.get(u64::from(generation))?;
        let made = Arc::new(Session::new(stamp, settings));
        *current = Some(Arc::clone(&made));
        drop(current);
        // A forked child that only measures has nobody else who would start its sender.
        lifecycle::ensure_sender();
        return Some(made);
    }
    current.clone()
}

impl Session {
    fn new(stamp: Stamp, settings: &'static Settings) -> Self {
        Self {
            stamp,
            settings,
            start_ns: clock::now().wall_ns,
            streams: Mutex::default(),
            collecting: Mutex::new(()),
            interval: AtomicU32::new(1),
            is_observing: Arc::default(),
        }
    }

    /// The right to collect.
    pub(crate) fn collecting(&self) -> MutexGuard<'_, ()> {
        self.collecting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All streams, in the order of their making.
    pub(crate) fn streams(&self) -> Vec<Arc<Stream>> {
        self.lock().all.clone()
    }

    /// What becomes of an instrument's measurements.
    pub(crate) fn streams_of(&self, instrument: &'static Instrument) -> Arc<[Arc<Stream>]> {
        let mut streams = self.lock();
        if let Some(known) = streams.by_instrument.get(&instrument.id) {
            return Arc::clone(known);
        }
        let made: Arc<[Arc<Stream>]> = self.make(instrument).into_iter().map(Arc::new).collect();
        for stream in made.iter() {
            if streams.all.iter().any(|other| conflict(stream, other)) {
                warn_of_conflict(stream);
            }
        }
        streams.all.extend(made.iter().cloned());
        streams.by_instrument.insert(instrument.id, Arc::clone(&made));
        made
    }

    fn make(&self, instrument: &'static Instrument) -> Vec<Stream> {
        let matches = |view: &&View| view.matches(&instrument.description);
        let views: Vec<&View> = self.settings.views.iter().filter(matches).collect();
        let new = |changes: Option<&Changes>| {
            Stream::new(instrument, changes, self.settings, self.start_ns)
        };
        if views.is_empty() {
            return new(None).into_iter().collect();
        }
        views.into_iter().filter_map(|view| new(Some(&usable(view)))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A view's changes, without a name that several instruments would get.
fn usable(view: &View) -> Changes {
    let mut changes = view.changes.clone();
    if view.has_wildcards() && changes.name.is_some() {
        let text = "a view whose name has wildcards gives no name: several metrics would have it";
        diagnose::warn(Cause::BadView, &text);
        changes.name = None;
    }
    changes
}

/// Whether two streams of one scope have one name.
fn conflict(one: &Stream, two: &Stream) -> bool {
    let (ours, theirs) = (&one.instrument.description, &two.instrument.description);
    ptr::eq(ours.scope, theirs.scope) && one.name.eq_ignore_ascii_case(&two.name)
}

fn warn_of_conflict(stream: &Stream) {
    let text = format_args!(
        "there are several metrics named `{}` in one scope, of different kinds, units or \
         descriptions: all are sent, and receivers may mix them up",
        stream.name
    );
    diagnose::warn(Cause::DuplicateInstrument, &text);
}
