//! One attribute set of one stream: the cells of the threads that record it, and what they came
//! to.

use super::cell::{Body, Cell, ExplicitCell, FloatSum};
use super::exemplar::Exemplar;
use super::exponential::Exponential;
use super::number::{AnyNumber, NumberType};
use super::stream::{How, Stream};
use super::total::{Buckets, Total};
use crate::pipeline::lock::Lock;
use crate::pipeline::turn::WholeSum;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub(crate) struct Series {
    /// As fields of a data point.
    pub(crate) attributes: Arc<[u8]>,
    pub(crate) start_ns: u64,
    pub(crate) last: Last,
    /// Places for exemplars; a thread that finds one taken goes on.
    pub(crate) exemplars: Box<[Lock<Option<Exemplar>>]>,
    collected: Mutex<Collected>,
}

/// The last value of all threads.
#[derive(Debug, Default)]
pub(crate) struct Last {
    bits: AtomicU64,
    is_news: AtomicBool,
    /// Of numbers that say each what they are, which is more than fits into one word.
    either: Lock<Option<AnyNumber>>,
}

impl Last {
    #[inline(always)]
    pub(crate) fn set(&self, bits: u64) {
        self.bits.store(bits, Ordering::Relaxed);
        // Release: who sees the mark sees this value, or a newer one.
        self.is_news.store(true, Ordering::Release);
    }

    pub(crate) fn set_either(&self, number: AnyNumber) {
        self.either.with(|last| *last = Some(number));
    }

    fn take(&self, number: NumberType) -> Option<AnyNumber> {
        if number == NumberType::Either {
            return self.either.with(Option::take);
        }
        let is_news = self.is_news.swap(false, Ordering::Acquire);
        is_news.then(|| AnyNumber::from_bits(number, self.bits.load(Ordering::Relaxed)))
    }
}

/// What the collector knows.
#[derive(Debug)]
struct Collected {
    cells: Vec<Watched>,
    /// Since the last push.
    pending: Total,
    has_pending: bool,
    /// Since the start.
    total: Total,
    has_total: bool,
    fresh: Vec<Option<Exemplar>>,
    latest: Vec<Option<Exemplar>>,
}

/// A cell and how far it was read.
#[derive(Debug)]
struct Watched {
    cell: Arc<Cell>,
    seen: Seen,
}

#[derive(Debug)]
enum Seen {
    Whole((u64, u64)),
    Float(f64),
    Either((u64, u64), f64),
    Explicit(Option<Buckets>),
    Nothing,
}

/// One point of a metric.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) attributes: Arc<[u8]>,
    pub(crate) start_ns: u64,
    pub(crate) total: Total,
    pub(crate) exemplars: Vec<Exemplar>,
}

impl Series {
    pub(crate) fn new(attributes: Vec<u8>, stream: &Stream, start_ns: u64) -> Self {
        let nothing = || Total::nothing(&stream.how, stream.number());
        let collected = Collected {
            cells: Vec::new(),
            pending: nothing(),
            has_pending: false,
            total: nothing(),
            has_total: false,
            fresh: Vec::new(),
            latest: Vec::new(),
        };
        Self {
            attributes: attributes.into(),
            start_ns,
            last: Last::default(),
            exemplars: (0..stream.slots.places()).map(|_| Lock::default()).collect(),
            collected: Mutex::new(collected),
        }
    }

    /// A cell for one more thread.
    pub(crate) fn enroll(self: &Arc<Self>, stream: &Stream) -> Arc<Cell> {
        let (body, seen) = match &stream.how {
            How::Last if stream.number() == NumberType::Either => (Body::LastEither, Seen::Nothing),
            How::Last => (Body::Last, Seen::Nothing),
            How::Sum => sum_of(stream.number()),
            How::Explicit { bounds, .. } => {
                let cell = ExplicitCell::new(Arc::clone(bounds));
                (Body::Explicit(cell), Seen::Explicit(None))
            }
            How::Exponential { .. } => {
                let empty = stream.empty_exponential();
                (Body::Exponential(Box::new(empty)), Seen::Nothing)
            }
        };
        let cell = Arc::new(Cell::new(Arc::clone(self), body, stream.slots.counters()));
        self.collected().cells.push(Watched { cell: Arc::clone(&cell), seen });
        cell
    }

    /// Tells the threads that record it to ask again.
    pub(crate) fn end(&self) {
        for watched in &self.collected().cells {
            watched.cell.end();
        }
    }

    /// Reads the cells. Those of threads that are gone are read for the last time.
    pub(crate) fn drain(&self, stream: &Stream) {
        let mut collected = self.collected();
        let mut cells = std::mem::take(&mut collected.cells);
        cells.retain_mut(|watched| {
            let is_left = Arc::strong_count(&watched.cell) == 1;
            // Acquire: what its thread wrote before it let go of it is there.
            fence(Ordering::Acquire);
            if let Some(news) = watched.news(stream.number()) {
                collected.add(&news, stream);
            }
            !is_left
        });
        collected.cells = cells;
        if let Some(last) = self.last.take(stream.number()) {
            collected.add(&Total::Last(last), stream);
        }
        self.drain_exemplars(&mut collected);
    }

    fn drain_exemplars(&self, collected: &mut Collected) {
        let places = self.exemplars.len();
        for (at, place) in self.exemplars.iter().enumerate() {
            let Some(Some(exemplar)) = place.try_with(Option::take) else { continue };
            collected.fresh.resize(places, None);
            collected.latest.resize(places, None);
            collected.latest[at] = Some(exemplar.clone());
            collected.fresh[at] = Some(exemplar);
        }
    }

    /// Moves what came since the last push to another series of the same attributes.
    pub(crate) fn move_pending_to(&self, other: &Self, stream: &Stream) {
        let (pending, fresh) = {
            let mut ours = self.collected();
            if !std::mem::take(&mut ours.has_pending) {
                return;
            }
            let nothing = Total::nothing(&stream.how, stream.number());
            (std::mem::replace(&mut ours.pending, nothing), std::mem::take(&mut ours.fresh))
        };
        let mut theirs = other.collected();
        theirs.add(&pending, stream);
        if theirs.fresh.is_empty() {
            theirs.fresh = fresh;
        }
    }

    pub(crate) fn has_pending(&self) -> bool {
        self.collected().has_pending
    }

    /// Whether threads may still write to it.
    pub(crate) fn is_held(&self) -> bool {
        !self.collected().cells.is_empty()
    }

    /// What came since the last push.
    pub(crate) fn take_pending(&self, stream: &Stream, start_ns: u64) -> Option<Point> {
        let mut collected = self.collected();
        if !std::mem::take(&mut collected.has_pending) {
            return None;
        }
        let nothing = Total::nothing(&stream.how, stream.number());
        let total = std::mem::replace(&mut collected.pending, nothing);
        let exemplars = std::mem::take(&mut collected.fresh).into_iter().flatten().collect();
        Some(Point { attributes: Arc::clone(&self.attributes), start_ns, total, exemplars })
    }

    /// Everything since the start; with the exemplars since the last push, or with the latest.
    pub(crate) fn total(&self, is_push: bool) -> Option<Point> {
        let mut collected = self.collected();
        let exemplars: Vec<_> = if is_push {
            std::mem::take(&mut collected.fresh).into_iter().flatten().collect()
        } else {
            collected.latest.iter().flatten().cloned().collect()
        };
        collected.has_total.then(|| Point {
            attributes: Arc::clone(&self.attributes),
            start_ns: self.start_ns,
            total: collected.total.clone(),
            exemplars,
        })
    }

    fn collected(&self) -> MutexGuard<'_, Collected> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cell that adds numbers of this type, of which nothing was read.
fn sum_of(number: NumberType) -> (Body, Seen) {
    match number {
        NumberType::U64 | NumberType::I64 => {
            (Body::Whole(WholeSum::default()), Seen::Whole((0, 0)))
        }
        NumberType::F64 => (Body::Float(FloatSum::default()), Seen::Float(0.0)),
        NumberType::Either => {
            let (whole, float) = (WholeSum::default(), FloatSum::default());
            (Body::Either(whole, float), Seen::Either((0, 0), 0.0))
        }
    }
}

impl Collected {
    fn add(&mut self, news: &Total, stream: &Stream) {
        if stream.is_delta() {
            self.pending.merge(news);
            self.has_pending = true;
        }
        if stream.is_kept() {
            self.total.merge(news);
            self.has_total = true;
        }
    }
}

impl Watched {
    fn news(&mut self, number: NumberType) -> Option<Total> {
        match (&self.cell.body, &mut self.seen) {
            (Body::Whole(sum), Seen::Whole(seen)) => {
                sum.since(seen).map(|bits| Total::Sum(AnyNumber::from_bits(number, bits)))
            }
            (Body::Float(sum), Seen::Float(seen)) => {
                sum.since(seen).map(|sum| Total::Sum(AnyNumber::F64(sum)))
            }
            (Body::Either(whole, float), Seen::Either(seen_whole, seen_float)) => {
                let whole = whole.since(seen_whole).map(|bits| AnyNumber::from_bits(number, bits));
                let float = float.since(seen_float).map(AnyNumber::F64);
                let sum = whole.zip(float).map(|(whole, float)| whole.plus(float));
                sum.or(whole).or(float).map(Total::Sum)
            }
            (Body::Explicit(histogram), Seen::Explicit(seen)) => {
                histogram.since(seen).map(Total::Explicit)
            }
            (Body::Exponential(histogram), _) => {
                histogram.with(Exponential::take).map(|it| Total::Exponential(Box::new(it)))
            }
            _ => None,
        }
    }
}
