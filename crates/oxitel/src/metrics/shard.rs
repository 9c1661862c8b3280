//! What a thread keeps of metrics: where its cells are, by handle and by attribute set.
//!
//! A measurement that finds its cell here costs no allocation, no lock and no atomic exchange.
//! One that does not asks the session, and knows it the next time.

use super::cell::Cell;
use super::exemplar::{self, Measured, Offer, Within};
use super::instrument::Instrument;
use super::number::Number;
use super::series::Series;
use super::session::{self, Session, Stamp};
use super::set::Set;
use crate::config::ExemplarFilter;
use crate::pipeline::{self, clock, encode, shards, state};
use crate::record::Value;
use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One thread's cells.
#[derive(Debug)]
pub(crate) struct Shard {
    stamp: Stamp,
    epoch: u64,
    filter: ExemplarFilter,
    random: u64,
    session: Option<Arc<Session>>,
    /// By the handle's number, modulo the length.
    bound: Vec<Bound>,
    /// By the attributes as they were given, at a place that follows from their hash.
    cached: Vec<Option<Cached>>,
    cached_count: usize,
    /// By series.
    cells: Option<HashMap<*const Series, Arc<Cell>>>,
    key: Vec<u8>,
    /// So that nobody outside can foresee which sets meet.
    seed: u64,
    /// The collection since which dead cells were looked for.
    cleaned_in: u32,
}

#[derive(Debug)]
struct Bound {
    handle: u64,
    route: Route,
}

#[derive(Debug)]
struct Cached {
    hash: u64,
    instrument: u32,
    /// The attributes as they were given, encoded.
    key: Box<[u8]>,
    route: Route,
}

/// Where a measurement goes.
#[derive(Clone, Debug)]
enum Route {
    /// Nearly always.
    One(Target),
    /// To the cells of several views, or of none.
    Several(Box<[Target]>),
}

/// A cell, and the attributes that a view left out on the way to it.
#[derive(Clone, Debug)]
struct Target {
    cell: Arc<Cell>,
    left_out: Option<Arc<[u8]>>,
}

/// The most handles that a thread finds at once; with more they take the longer way by turns.
const MOST_BOUND: usize = 4096;
/// The most attribute sets that a thread finds at once; then it begins anew.
const MOST_CACHED: usize = 8192;

/// A bound handle's number.
pub(crate) fn next_handle() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Records for a bound handle.
#[inline(always)]
pub(crate) fn record_bound<N: Number>(
    handle: u64,
    instrument: &'static Instrument,
    set: &Set,
    value: N,
) {
    let Some(stamp) = Stamp::now() else { return };
    let done = shards::visit(|shard| shard.find_bound(stamp, handle, value));
    if done != Some(true) {
        record_bound_slowly(handle, instrument, set, value);
    }
}

/// Records with these attributes.
#[inline]
pub(crate) fn record<N: Number>(
    instrument: &'static Instrument,
    attributes: &[(&str, Value<'_>)],
    within: Within,
    value: N,
) {
    let Some(stamp) = Stamp::now() else { return };
    let find = |shard: &mut Shard| shard.find_cached(stamp, instrument, attributes, within, value);
    if shards::visit(find) != Some(true) {
        record_slowly(instrument, attributes, within, value);
    }
}

#[cold]
#[inline(never)]
fn record_bound_slowly<N: Number>(
    handle: u64,
    instrument: &'static Instrument,
    set: &Set,
    value: N,
) {
    let Some(session) = session::current() else { return };
    let route = route(&session, instrument, set);
    shards::visit(|shard| {
        shard.join(&session);
        shard.keep_bound(handle, route.clone());
    });
    record_on(&session, &route, Within::Current, value);
}

#[cold]
#[inline(never)]
fn record_slowly<N: Number>(
    instrument: &'static Instrument,
    attributes: &[(&str, Value<'_>)],
    within: Within,
    value: N,
) {
    let Some(session) = session::current() else { return };
    // Functions of the program may run in here, so nothing of ours is borrowed.
    let set = super::handle::set_of(attributes);
    let route = route(&session, instrument, &set);
    shards::visit(|shard| {
        shard.join(&session);
        shard.keep_cached(instrument, attributes, route.clone());
    });
    record_on(&session, &route, within, value);
}

/// Also past the thread-locals: then the cell is this measurement's alone.
fn record_on<N: Number>(session: &Session, route: &Route, within: Within, value: N) {
    let mut random = shards::visit(|shard| shard.random).unwrap_or(1);
    let offer = Offer { within, interval: &session.interval, random: &mut random };
    route.record(value, session.settings.exemplars, offer);
    shards::visit(|shard| shard.random = random);
}

/// The way of an instrument's measurements with these attributes.
fn route(session: &Session, instrument: &'static Instrument, set: &Set) -> Route {
    let now_ns = clock::now().wall_ns;
    let mut targets = Vec::new();
    for stream in session.streams_of(instrument).iter() {
        let (attributes, left_out) = stream.split(set);
        let known = |series: &Arc<Series>| {
            shards::visit(|shard| {
                shard.join_stamp(session.stamp).then(|| shard.cell_of(series)).flatten()
            })
            .flatten()
        };
        let cell = stream.cell(attributes, now_ns, known);
        shards::visit(|shard| shard.keep_cell(session.stamp, &cell));
        let left_out = (!left_out.is_empty()).then(|| left_out.into());
        targets.push(Target { cell, left_out });
    }
    Route::to(targets)
}

impl Shard {
    pub(crate) const fn new() -> Self {
        Self {
            stamp: Stamp::NEVER,
            epoch: 0,
            filter: ExemplarFilter::AlwaysOff,
            random: 0,
            session: None,
            bound: Vec::new(),
            cached: Vec::new(),
            cached_count: 0,
            cells: None,
            key: Vec::new(),
            seed: 0,
            cleaned_in: 0,
        }
    }

    #[inline(always)]
    fn find_bound<N: Number>(&mut self, stamp: Stamp, handle: u64, value: N) -> bool {
        if self.stamp != stamp {
            return false;
        }
        let at = handle as usize & self.bound.len().wrapping_sub(1);
        let Some(bound) = self.bound.get(at) else { return false };
        if bound.handle != handle || bound.route.is_dead() {
            return false;
        }
        let Some(session) = &self.session else { return false };
        let (interval, random) = (&session.interval, &mut self.random);
        let offer = Offer { within: Within::Current, interval, random };
        bound.route.record(value, self.filter, offer);
        true
    }

    #[inline(always)]
    fn find_cached<N: Number>(
        &mut self,
        stamp: Stamp,
        instrument: &Instrument,
        attributes: &[(&str, Value<'_>)],
        within: Within,
        value: N,
    ) -> bool {
        if self.stamp != stamp || self.cached.is_empty() {
            return false;
        }
        write_key(&mut self.key, attributes);
        let hash = hash(&self.key, instrument.id, self.seed);
        let mask = self.cached.len() - 1;
        let mut at = hash as usize & mask;
        while let Some(Some(cached)) = self.cached.get(at) {
            let is_it = cached.hash == hash
                && cached.instrument == instrument.id
                && *cached.key == *self.key;
            if is_it {
                if cached.route.is_dead() {
                    return false;
                }
                let Some(session) = &self.session else { return false };
                let (interval, random) = (&session.interval, &mut self.random);
                let offer = Offer { within, interval, random };
                cached.route.record(value, self.filter, offer);
                return true;
            }
            at = (at + 1) & mask;
        }
        false
    }

    /// Becomes a part of this session; what belongs to another one is let go.
    fn join(&mut self, session: &Arc<Session>) {
        if self.session.as_ref().is_none_or(|known| known.stamp != session.stamp) {
            self.join_stamp(session.stamp);
            self.filter = session.settings.exemplars;
            self.session = Some(Arc::clone(session));
        }
        if self.seed == 0 {
            (self.seed, self.random) = (pipeline::seed() | 1, pipeline::seed() | 1);
        }
        let interval = session.interval.load(Ordering::Relaxed);
        if mem::replace(&mut self.cleaned_in, interval) != interval {
            self.forget_dead();
        }
    }

    /// Whether the cells are of this session; after the first call they are.
    fn join_stamp(&mut self, stamp: Stamp) -> bool {
        if self.stamp == stamp {
            return true;
        }
        self.leave();
        self.stamp = stamp;
        self.epoch = state::epoch();
        true
    }

    /// Lets go of all cells; their values stay with the series. Those of another process are left
    /// where they are.
    pub(crate) fn leave(&mut self) {
        let mine = (
            mem::take(&mut self.bound),
            mem::take(&mut self.cached),
            self.cells.take(),
            self.session.take(),
        );
        self.cached_count = 0;
        self.stamp = Stamp::NEVER;
        if self.epoch == state::epoch() { drop(mine) } else { mem::forget(mine) }
    }

    fn cell_of(&self, series: &Arc<Series>) -> Option<Arc<Cell>> {
        self.cells.as_ref()?.get(&Arc::as_ptr(series)).cloned()
    }

    fn keep_cell(&mut self, stamp: Stamp, cell: &Arc<Cell>) {
        if self.stamp == stamp {
            let cells = self.cells.get_or_insert_default();
            cells.insert(Arc::as_ptr(&cell.series), Arc::clone(cell));
        }
    }

    fn keep_bound(&mut self, handle: u64, route: Route) {
        if self.bound.is_empty() {
            self.bound.resize_with(16, Bound::nobody);
        }
        loop {
            let at = handle as usize & (self.bound.len() - 1);
            let place = &mut self.bound[at];
            let is_free = place.handle == 0 || place.handle == handle || place.route.is_dead();
            if is_free || self.bound.len() >= MOST_BOUND {
                self.bound[at] = Bound { handle, route };
                return;
            }
            let doubled = self.bound.len() * 2;
            let before = mem::take(&mut self.bound);
            self.bound.resize_with(doubled, Bound::nobody);
            for bound in before {
                let at = bound.handle as usize & (doubled - 1);
                self.bound[at] = bound;
            }
        }
    }

    fn keep_cached(
        &mut self,
        instrument: &Instrument,
        attributes: &[(&str, Value<'_>)],
        route: Route,
    ) {
        if self.cached_count >= MOST_CACHED {
            // Some program's sets have no end. Its cells go as well: their values are kept.
            self.cached.clear();
            self.cached_count = 0;
            self.forget_unused_cells();
        }
        if self.cached_count * 2 >= self.cached.len() {
            self.grow();
        }
        write_key(&mut self.key, attributes);
        let hash = hash(&self.key, instrument.id, self.seed);
        let (key, instrument) = (self.key.clone().into_boxed_slice(), instrument.id);
        self.put(Cached { hash, instrument, key, route });
    }

    fn put(&mut self, cached: Cached) {
        let mask = self.cached.len() - 1;
        let mut at = cached.hash as usize & mask;
        while let Some(other) = &self.cached[at] {
            let is_it = other.hash == cached.hash
                && other.instrument == cached.instrument
                && other.key == cached.key;
            if is_it {
                self.cached[at] = Some(cached);
                return;
            }
            at = (at + 1) & mask;
        }
        self.cached[at] = Some(cached);
        self.cached_count += 1;
    }

    fn grow(&mut self) {
        let length = (self.cached.len() * 2).max(64);
        let before = mem::take(&mut self.cached);
        self.cached.resize_with(length, || None);
        self.cached_count = 0;
        for cached in before.into_iter().flatten() {
            self.put(cached);
        }
    }

    /// After a collection that ended all series of a stream.
    fn forget_dead(&mut self) {
        if let Some(cells) = &mut self.cells {
            cells.retain(|_, cell| !cell.is_dead());
        }
        for bound in &mut self.bound {
            if bound.route.is_dead() {
                *bound = Bound::nobody();
            }
        }
        let before = mem::take(&mut self.cached);
        let length = before.len();
        self.cached.resize_with(length, || None);
        self.cached_count = 0;
        for cached in before.into_iter().flatten().filter(|cached| !cached.route.is_dead()) {
            self.put(cached);
        }
    }

    fn forget_unused_cells(&mut self) {
        self.cells = None;
        let bound = self.bound.iter().flat_map(|bound| bound.route.targets());
        let kept: HashMap<_, _> = bound
            .map(|target| (Arc::as_ptr(&target.cell.series), Arc::clone(&target.cell)))
            .collect();
        self.cells = Some(kept);
    }
}

impl Bound {
    fn nobody() -> Self {
        Self { handle: 0, route: Route::nowhere() }
    }
}

impl Route {
    fn nowhere() -> Self {
        Self::Several(Box::default())
    }

    fn to(targets: Vec<Target>) -> Self {
        match <[Target; 1]>::try_from(targets) {
            Ok([only]) => Self::One(only),
            Err(several) => Self::Several(several.into()),
        }
    }

    fn targets(&self) -> &[Target] {
        match self {
            Self::One(only) => std::slice::from_ref(only),
            Self::Several(several) => several,
        }
    }

    /// Whether a series on it is at its end.
    #[inline(always)]
    fn is_dead(&self) -> bool {
        match self {
            Self::One(only) => only.cell.is_dead(),
            Self::Several(several) => several.iter().any(|target| target.cell.is_dead()),
        }
    }

    #[inline(always)]
    fn record<N: Number>(&self, value: N, filter: ExemplarFilter, offer: Offer<'_>) {
        match self {
            Self::One(only) => only.record(value, filter, offer),
            Self::Several(several) => record_several(several, value, filter, offer),
        }
    }
}

#[cold]
#[inline(never)]
fn record_several<N: Number>(
    targets: &[Target],
    value: N,
    filter: ExemplarFilter,
    Offer { within, interval, random }: Offer<'_>,
) {
    for target in targets {
        target.record(value, filter, Offer { within, interval, random });
    }
}

impl Target {
    #[inline(always)]
    fn record<N: Number>(&self, value: N, filter: ExemplarFilter, offer: Offer<'_>) {
        let bucket = self.cell.record(value);
        let is_wanted = match filter {
            ExemplarFilter::AlwaysOff => false,
            ExemplarFilter::TraceBased => offer.within.may_be_sampled(),
            ExemplarFilter::AlwaysOn => true,
        };
        if is_wanted {
            let made = Measured { value, bucket, left_out: self.left_out.as_ref() };
            exemplar::offer(&self.cell, &made, filter, offer);
        }
    }
}

/// The attributes in the order they were given, encoded.
#[inline(always)]
fn write_key(key: &mut Vec<u8>, attributes: &[(&str, Value<'_>)]) {
    const TAG: u8 = 0x0a;
    key.clear();
    for (name, value) in attributes {
        match encode::short_length(name, value) {
            Some(length) => encode::short_attribute(key, TAG, name, value, length),
            None => {
                encode::attribute(key, TAG, name, value, usize::MAX);
            }
        }
    }
}

/// Of a key, which is then compared byte by byte.
#[inline(always)]
fn hash(key: &[u8], instrument: u32, seed: u64) -> u64 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let fold = |one: u64, two: u64| {
        let product = u128::from(one) * u128::from(two);
        product as u64 ^ (product >> 64) as u64
    };
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
    let mut hash = fold(u64::from(instrument) ^ seed, key.len() as u64 ^ MIX);
    let mut pairs = key.chunks_exact(16);
    for pair in &mut pairs {
        let (one, two) = pair.split_at(8);
        hash = fold(word(one) ^ seed, word(two) ^ hash);
    }
    let mut last = [0; 16];
    last[..pairs.remainder().len()].copy_from_slice(pairs.remainder());
    let (one, two) = last.split_at(8);
    fold(word(one) ^ seed, word(two) ^ hash)
}
