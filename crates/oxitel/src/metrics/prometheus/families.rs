//! Metrics of all scopes by their name for Prometheus: one family each, of one type.

use super::labels::{self, Labels};
use super::names;
use super::{Style, names::FamilyName};
use crate::diagnose::{self, Cause};
use crate::metrics::InstrumentKind;
use crate::metrics::collect::{Collected, Metric};
use crate::metrics::series::Point;
use crate::metrics::stream::How;
use crate::metrics::view::scope_text;
use crate::pipeline::scope::ScopeData;
use crate::wire::{Content, Fields};
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Counter,
    Gauge,
    Histogram,
}

/// All points of one name.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: FamilyName,
    pub(super) kind: Type,
    pub(super) help: String,
    pub(super) samples: Vec<Sample>,
    by_labels: HashMap<Labels, usize>,
}

/// One point.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) labels: Labels,
    pub(super) point: Point,
    /// The bounds of its buckets.
    pub(super) bounds: Arc<[f64]>,
    /// Whether its sum says something.
    pub(super) has_sum: bool,
}

impl Family {
    /// Adds a point. A page with two points of the same labels is refused as a whole, so they
    /// become one.
    fn add(&mut self, sample: Sample) {
        match self.by_labels.get(&sample.labels) {
            Some(at) if self.samples[*at].bounds == sample.bounds => {
                self.samples[*at].point.total.merge(&sample.point.total);
            }
            Some(_) => warn_of_conflict(&self.name.name),
            None => {
                self.by_labels.insert(sample.labels.clone(), self.samples.len());
                self.samples.push(sample);
            }
        }
    }
}

/// The families, in the order of their first metric. A metric of another type than the first one
/// of its name is left out.
pub(super) fn of(collected: &Collected, style: Style) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for scoped in &collected.scopes {
        for metric in &scoped.metrics {
            let description = &metric.stream.instrument.description;
            let name =
                names::family(&metric.stream.name, &description.unit, named_as(metric), style);
            let samples = samples(metric, scoped.scope, style);
            add(&mut families, name, type_of(metric), &metric.stream.text, samples);
        }
    }
    families
}

/// Adds a metric to the family of its name.
pub(super) fn add(
    families: &mut Vec<Family>,
    name: FamilyName,
    kind: Type,
    help: &str,
    samples: impl Iterator<Item = Sample>,
) {
    let known = families.iter().position(|family| family.name.name == name.name);
    let at = known.unwrap_or_else(|| {
        let (help, by_labels) = (help.to_owned(), HashMap::new());
        families.push(Family { name, kind, help, samples: Vec::new(), by_labels });
        families.len() - 1
    });
    let family = &mut families[at];
    if family.kind == kind {
        samples.for_each(|sample| family.add(sample));
    } else {
        warn_of_conflict(&family.name.name);
    }
}

fn warn_of_conflict(name: &str) {
    let text = format_args!(
        "several metrics become `{name}` for Prometheus, of different types or bounds: the first \
         one is shown, the others are left out"
    );
    diagnose::warn(Cause::DuplicateInstrument, &text);
}

fn type_of(metric: &Metric) -> Type {
    match metric.stream.how {
        How::Sum if metric.stream.instrument.description.kind.is_monotonic() => Type::Counter,
        How::Last | How::Sum => Type::Gauge,
        How::Explicit { .. } | How::Exponential { .. } => Type::Histogram,
    }
}

/// What decides about suffixes: not the instrument, but what a view made of it.
fn named_as(metric: &Metric) -> InstrumentKind {
    match (type_of(metric), &metric.stream.how) {
        (Type::Counter, _) => InstrumentKind::Counter,
        (Type::Gauge, How::Last) => InstrumentKind::Gauge,
        (Type::Gauge, _) => InstrumentKind::UpDownCounter,
        (Type::Histogram, _) => InstrumentKind::Histogram,
    }
}

fn samples(
    metric: &Metric,
    scope: &'static ScopeData,
    style: Style,
) -> impl Iterator<Item = Sample> {
    let bounds = match &metric.stream.how {
        How::Explicit { bounds, .. } => Arc::clone(bounds),
        _ => Arc::default(),
    };
    let has_sum = metric.stream.instrument.description.kind.is_monotonic();
    metric.points.iter().map(move |point| {
        let mut all = if style.scope_labels { of_scope(scope, style) } else { Labels::new() };
        labels::add(&mut all, &point.attributes, "", style);
        if type_of(metric) == Type::Histogram {
            // The bucket's own.
            all.remove("le");
        }
        Sample { labels: all, point: point.clone(), bounds: Arc::clone(&bounds), has_sum }
    })
}

/// What each point says of its scope.
pub(super) fn of_scope(scope: &ScopeData, style: Style) -> Labels {
    let mut labels = Labels::new();
    for (name, text) in [
        ("otel_scope_name", scope_text(scope, 1)),
        ("otel_scope_version", scope_text(scope, 2)),
        ("otel_scope_schema_url", &scope.schema_url),
    ] {
        if !text.is_empty() {
            labels.insert(name.to_owned(), text.to_owned());
        }
    }
    for field in Fields::new(&scope.bytes).flatten() {
        if let (3, Content::Bytes(message)) = field {
            let mut attribute = Vec::new();
            crate::pipeline::encode::message(&mut attribute, 0x0a, message);
            labels::add(&mut labels, &attribute, "otel_scope_", style);
        }
    }
    labels
}
