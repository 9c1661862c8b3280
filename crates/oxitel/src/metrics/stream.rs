//! One metric as it leaves: what a view or the default makes of an instrument, and its series.

use super::aggregation::Aggregation;
use super::cell::Cell;
use super::exemplar::Slots;
use super::exponential::Exponential;
use super::instrument::Instrument;
use super::number::{AnyNumber, NumberType};
use super::series::{Point, Series};
use super::set::Set;
use super::settings::{Settings, Temporality, temporality_of};
use super::total::Total;
use super::view::{Changes, DEFAULT_BOUNDS};
use crate::config::ExemplarFilter;
use crate::diagnose::{self, Cause};
use crate::pipeline::encode;
use crate::pipeline::lock::Lock;
use crate::record::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How measurements become one value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum How {
    Sum,
    Last,
    Explicit { bounds: Arc<[f64]>, min_max: bool },
    Exponential { max_size: u32, max_scale: i8, min_max: bool },
}

/// Who collects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// The sender, with the temporality that was asked for.
    Push,
    /// Whoever asks: cumulative.
    Pull,
}

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) instrument: &'static Instrument,
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) how: How,
    pub(crate) slots: Slots,
    filter: Option<Changes>,
    limit: usize,
    temporality: Temporality,
    is_pulled: bool,
    start_ns: u64,
    map: Mutex<Map>,
}

#[derive(Debug)]
struct Map {
    by_set: HashMap<Box<[u8]>, Arc<Series>>,
    /// In the order of their first measurement.
    order: Vec<Arc<Series>>,
    overflow: Option<Arc<Series>>,
    /// At their end, but threads may be in the middle of a measurement.
    ending: Vec<Arc<Series>>,
    pushed_ns: u64,
    observed: HashMap<Box<[u8]>, Observed>,
}

/// What an observable instrument said of one attribute set.
#[derive(Debug)]
struct Observed {
    attributes: Arc<[u8]>,
    /// The value; all observations, where they are aggregated to a histogram.
    now: Total,
    /// What the last push said of it.
    pushed: Option<Total>,
    /// The same for histograms: what came since.
    pending: Total,
    is_present: bool,
}

impl Stream {
    /// `None`: nothing is kept.
    pub(crate) fn new(
        instrument: &'static Instrument,
        changes: Option<&Changes>,
        settings: &Settings,
        start_ns: u64,
    ) -> Option<Self> {
        let description = &instrument.description;
        let wanted = changes.and_then(|changes| changes.aggregation.as_ref());
        let how = how(instrument, wanted, settings)?;
        let name = changes.and_then(|changes| changes.name.as_ref());
        let text = changes.and_then(|changes| changes.description.as_ref());
        let limit = changes.and_then(|changes| changes.cardinality_limit);
        let is_filtered =
            |changes: &&Changes| changes.kept.is_some() || !changes.left_out.is_empty();
        let map = Map {
            by_set: HashMap::new(),
            order: Vec::new(),
            overflow: None,
            ending: Vec::new(),
            pushed_ns: start_ns,
            observed: HashMap::new(),
        };
        Some(Self {
            instrument,
            name: name.unwrap_or(&description.name).clone(),
            text: text.unwrap_or(&description.text).clone(),
            slots: slots(&how, changes, settings, description.kind.is_observable()),
            how,
            filter: changes.filter(is_filtered).cloned(),
            limit: limit.unwrap_or(settings.cardinality_limit).max(1),
            temporality: temporality_of(description.kind, settings.temporality),
            is_pulled: settings.pulled,
            start_ns,
            map: Mutex::new(map),
        })
    }

    pub(crate) fn number(&self) -> NumberType {
        self.instrument.description.number
    }

    /// Whether it is pushed as delta.
    pub(crate) fn is_delta(&self) -> bool {
        self.temporality == Temporality::Delta
    }

    /// Whether its totals since the start are asked for.
    pub(crate) fn is_kept(&self) -> bool {
        self.is_pulled || !self.is_delta()
    }

    pub(crate) fn temporality(&self, reader: Reader) -> Temporality {
        match reader {
            Reader::Push => self.temporality,
            Reader::Pull => Temporality::Cumulative,
        }
    }

    pub(crate) fn empty_exponential(&self) -> Lock<Exponential> {
        let (max_size, max_scale) = match self.how {
            How::Exponential { max_size, max_scale, .. } => (max_size, max_scale),
            _ => (2, 0),
        };
        Lock::new(Exponential::new(max_size, max_scale))
    }

    /// The attributes that stay as fields of a point, and the others as fields of an exemplar.
    pub(crate) fn split(&self, set: &Set) -> (Vec<u8>, Vec<u8>) {
        let filter = self.filter.as_ref();
        set.split(self.attribute_tag(), |key| filter.is_none_or(|filter| filter.keeps(key)))
    }

    /// A cell of the series with these attributes; `known` tells the calling thread's, if it has
    /// one already.
    pub(crate) fn cell(
        &self,
        attributes: Vec<u8>,
        now_ns: u64,
        known: impl FnOnce(&Arc<Series>) -> Option<Arc<Cell>>,
    ) -> Arc<Cell> {
        let mut map = self.map();
        let series = self.series(&mut map, attributes, now_ns);
        // Under the lock: a series that is at its end is found no more, and gets no more cells.
        known(&series).unwrap_or_else(|| series.enroll(self))
    }

    fn series(&self, map: &mut Map, attributes: Vec<u8>, now_ns: u64) -> Arc<Series> {
        if let Some(known) = map.by_set.get(attributes.as_slice()) {
            return Arc::clone(known);
        }
        // The point for the rest is one of those that the limit allows.
        if map.by_set.len() + 1 >= self.limit {
            self.warn_of_overflow();
            let rest = map.overflow.get_or_insert_with(|| {
                Arc::new(Series::new(self.overflow_attributes(), self, now_ns))
            });
            return Arc::clone(rest);
        }
        let key = attributes.clone().into_boxed_slice();
        let series = Arc::new(Series::new(attributes, self, now_ns));
        map.by_set.insert(key, Arc::clone(&series));
        map.order.push(Arc::clone(&series));
        series
    }

    fn warn_of_overflow(&self) {
        let text = format_args!(
            "the metric `{}` has more than {} attribute sets: the others are one point, \
             `otel.metric.overflow`",
            self.name, self.limit
        );
        diagnose::warn(Cause::Cardinality, &text);
    }

    fn overflow_attributes(&self) -> Vec<u8> {
        let mut attributes = Vec::new();
        let (key, value) = ("otel.metric.overflow", Value::Bool(true));
        encode::attribute(&mut attributes, self.attribute_tag(), key, &value, usize::MAX);
        attributes
    }

    /// The field of a data point that holds an attribute.
    fn attribute_tag(&self) -> u8 {
        let field = match self.how {
            How::Sum | How::Last => 7,
            How::Explicit { .. } => 9,
            How::Exponential { .. } => 1,
        };
        field << 3 | 2
    }

    /// The points of a metric that threads record.
    pub(crate) fn collect(&self, reader: Reader, now_ns: u64) -> Vec<Point> {
        let is_delta = self.temporality(reader) == Temporality::Delta;
        let ends = is_delta && !self.is_pulled;
        let (series, start_ns) = {
            let mut map = self.map();
            let start_ns = map.pushed_ns;
            if reader == Reader::Push {
                map.pushed_ns = now_ns;
            }
            self.revive(&mut map, now_ns);
            let overflow = map.overflow.iter().cloned();
            let series: Vec<_> = map.order.iter().cloned().chain(overflow).collect();
            if ends {
                map.by_set.clear();
                map.order.clear();
                map.overflow = None;
            }
            (series, start_ns)
        };
        let collect = |series: &Arc<Series>| {
            if ends {
                series.end();
            }
            series.drain(self);
            if is_delta {
                series.take_pending(self, start_ns)
            } else {
                series.total(reader == Reader::Push)
            }
        };
        let points = series.iter().filter_map(collect).collect();
        if ends {
            self.map().ending.extend(series.into_iter().filter(|series| series.is_held()));
        }
        points
    }

    /// What threads wrote to series after their end goes to the series of the same attributes.
    fn revive(&self, map: &mut Map, now_ns: u64) {
        for series in std::mem::take(&mut map.ending) {
            series.drain(self);
            if series.has_pending() {
                let target = self.series(map, series.attributes.to_vec(), now_ns);
                series.move_pending_to(&target, self);
            }
            if series.is_held() {
                map.ending.push(series);
            }
        }
    }

    /// The points of a metric that callbacks tell.
    pub(crate) fn observe(
        &self,
        reader: Reader,
        now_ns: u64,
        observations: &[(Set, AnyNumber)],
    ) -> Vec<Point> {
        let mut map = self.map();
        let start_ns = match self.temporality(reader) {
            Temporality::Delta => map.pushed_ns,
            Temporality::Cumulative => self.start_ns,
        };
        if reader == Reader::Push {
            map.pushed_ns = now_ns;
        }
        for observed in map.observed.values_mut() {
            observed.is_present = false;
        }
        // Of two values for one set the later one counts.
        let last: HashMap<&Set, usize> =
            observations.iter().enumerate().map(|(at, (set, _))| (set, at)).collect();
        for (at, (set, value)) in observations.iter().enumerate() {
            if last.get(set) == Some(&at) {
                self.note(&mut map.observed, set, *value);
            }
        }
        // What nobody observes any more is gone.
        map.observed.retain(|_, observed| observed.is_present);
        let mut points: Vec<_> = map
            .observed
            .values_mut()
            .map(|observed| Point {
                attributes: Arc::clone(&observed.attributes),
                start_ns,
                total: observed.told(self, reader),
                exemplars: Vec::new(),
            })
            .collect();
        points.sort_by(|one, two| one.attributes.cmp(&two.attributes));
        points
    }

    fn note(&self, known: &mut HashMap<Box<[u8]>, Observed>, set: &Set, value: AnyNumber) {
        let (mut attributes, _) = self.split(set);
        if !known.contains_key(attributes.as_slice()) && known.len() + 1 >= self.limit {
            self.warn_of_overflow();
            attributes = self.overflow_attributes();
        }
        let observed = known.entry(attributes.clone().into_boxed_slice()).or_insert_with(|| {
            let nothing = || Total::nothing(&self.how, self.number());
            let (now, pending) = (nothing(), nothing());
            Observed {
                attributes: attributes.into(),
                now,
                pushed: None,
                pending,
                is_present: false,
            }
        });
        if !observed.is_present && matches!(self.how, How::Sum) {
            observed.now = Total::nothing(&self.how, self.number());
        }
        observed.is_present = true;
        observed.now.record(value, &self.how);
        if self.is_delta() && !matches!(self.how, How::Sum | How::Last) {
            observed.pending.record(value, &self.how);
        }
    }

    fn map(&self) -> MutexGuard<'_, Map> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observed {
    fn told(&mut self, stream: &Stream, reader: Reader) -> Total {
        if stream.temporality(reader) == Temporality::Cumulative {
            return self.now.clone();
        }
        match (&self.now, self.pushed.replace(self.now.clone())) {
            (Total::Sum(now), Some(Total::Sum(before))) => Total::Sum(now.minus(before)),
            (Total::Sum(_) | Total::Last(_), _) => self.now.clone(),
            _ => {
                let nothing = Total::nothing(&stream.how, stream.number());
                std::mem::replace(&mut self.pending, nothing)
            }
        }
    }
}

fn how(instrument: &Instrument, wanted: Option<&Aggregation>, settings: &Settings) -> Option<How> {
    let description = &instrument.description;
    let wanted = wanted.filter(|wanted| {
        let suits = wanted.suits(description.kind);
        if !suits {
            let text = format_args!(
                "a view's aggregation does not suit `{}`, which keeps its usual one",
                description.name
            );
            diagnose::warn(Cause::BadView, &text);
        }
        suits
    });
    match wanted {
        None | Some(Aggregation::Default) => usual(instrument, settings),
        Some(aggregation) => of(aggregation, description.bounds.as_deref()),
    }
}

fn usual(instrument: &Instrument, settings: &Settings) -> Option<How> {
    use super::kind::InstrumentKind as Kind;
    let description = &instrument.description;
    match description.kind {
        Kind::Histogram => {
            let explicit = Aggregation::explicit();
            let advised = description.bounds.is_some();
            let set = settings.histograms.suits(Kind::Histogram);
            // Advice about bounds is about this instrument, the setting about all of them.
            let chosen = if set && !advised { &settings.histograms } else { &explicit };
            of(chosen, description.bounds.as_deref())
        }
        Kind::Gauge | Kind::ObservableGauge => Some(How::Last),
        _ => Some(How::Sum),
    }
}

fn of(aggregation: &Aggregation, advised: Option<&[f64]>) -> Option<How> {
    match aggregation {
        Aggregation::Drop => None,
        Aggregation::Sum => Some(How::Sum),
        Aggregation::LastValue => Some(How::Last),
        Aggregation::Default => {
            Some(How::Explicit { bounds: DEFAULT_BOUNDS.into(), min_max: true })
        }
        Aggregation::ExplicitHistogram { bounds, min_max } => {
            let bounds = bounds.as_deref().or(advised).unwrap_or(&DEFAULT_BOUNDS);
            Some(How::Explicit { bounds: bounds.into(), min_max: *min_max })
        }
        Aggregation::ExponentialHistogram { max_size, max_scale, min_max } => {
            let (max_size, max_scale, min_max) = (*max_size, *max_scale, *min_max);
            Some(How::Exponential { max_size, max_scale, min_max })
        }
    }
}

fn slots(how: &How, changes: Option<&Changes>, settings: &Settings, is_observable: bool) -> Slots {
    if settings.exemplars == ExemplarFilter::AlwaysOff || is_observable {
        return Slots::None;
    }
    match (changes.and_then(|changes| changes.exemplars), how) {
        (Some(0), _) => Slots::None,
        (Some(count), _) => Slots::Any(count),
        (None, How::Explicit { bounds, .. }) if !bounds.is_empty() => {
            Slots::ByBucket(bounds.len() + 1)
        }
        (None, How::Exponential { max_size, .. }) => Slots::Any(20.min(*max_size as usize)),
        (None, _) => Slots::Any(1),
    }
}
