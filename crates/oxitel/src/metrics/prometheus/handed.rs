//! Metrics of other extensions of this process, which hand over OTLP: read back into families.

use super::families::{self, Family, Sample, Type};
use super::labels::{self, Labels};
use super::{Style, names};
use crate::context::{SpanContext, SpanId, TraceFlags, TraceId};
use crate::metrics::InstrumentKind;
use crate::metrics::exemplar::Exemplar;
use crate::metrics::exponential::Exponential;
use crate::metrics::number::AnyNumber;
use crate::metrics::series::Point;
use crate::metrics::total::{Buckets, Total};
use crate::pipeline::{encode, scope};
use crate::wire::{Content, Fields, fixed64s};

/// The families with what was handed over: `scope_metrics` fields, cumulative.
pub(super) fn with(mut families: Vec<Family>, handed: &[Vec<u8>], style: Style) -> Vec<Family> {
    for scope_metrics in handed.iter().flat_map(|piece| messages(piece, 2)) {
        let of_scope = of_scope(scope_metrics, style);
        for metric in messages(scope_metrics, 2) {
            add(&mut families, metric, &of_scope, style);
        }
    }
    families
}

fn of_scope(scope_metrics: &[u8], style: Style) -> Labels {
    if !style.scope_labels {
        return Labels::new();
    }
    let scope = message_of(scope_metrics, 1).unwrap_or_default();
    families::of_scope(scope::intern_encoded(scope, &text(scope_metrics, 3)), style)
}

fn add(families: &mut Vec<Family>, metric: &[u8], of_scope: &Labels, style: Style) {
    let data = |field| message_of(metric, field);
    let (kind, named_as, form, data) = if let Some(data) = data(5) {
        (Type::Gauge, InstrumentKind::Gauge, Form::Last, data)
    } else if let Some(data) = data(7) {
        let is_monotonic = last(data, 3) == Some(Content::Varint(1));
        let counter = (Type::Counter, InstrumentKind::Counter);
        let other = (Type::Gauge, InstrumentKind::UpDownCounter);
        let (kind, named_as) = if is_monotonic { counter } else { other };
        (kind, named_as, Form::Sum, data)
    } else if let Some(data) = data(9) {
        (Type::Histogram, InstrumentKind::Histogram, Form::Explicit, data)
    } else if let Some(data) = data(10) {
        (Type::Histogram, InstrumentKind::Histogram, Form::Exponential, data)
    } else {
        return;
    };
    let name = names::family(&text(metric, 1), &text(metric, 3), named_as, style);
    let samples = messages(data, 1).map(|point| form.sample(point, of_scope.clone(), style));
    families::add(families, name, kind, &text(metric, 2), samples);
}

/// What a data point looks like.
#[derive(Clone, Copy)]
enum Form {
    Last,
    Sum,
    Explicit,
    Exponential,
}

impl Form {
    fn sample(self, point: &[u8], of_scope: Labels, style: Style) -> Sample {
        let (attributes, exemplars) = match self {
            Self::Last | Self::Sum => (7, 5),
            Self::Explicit => (9, 8),
            Self::Exponential => (1, 11),
        };
        let mut all = of_scope;
        labels::add(&mut all, &again(point, attributes), "", style);
        let is_histogram = matches!(self, Self::Explicit | Self::Exponential);
        if is_histogram {
            // The bucket's own.
            all.remove("le");
        }
        let (total, bounds) = self.total(point);
        let exemplars = messages(point, exemplars).map(exemplar).collect();
        let point_again = Point { attributes: [].into(), start_ns: 0, total, exemplars };
        let has_sum = !is_histogram || last(point, 5).is_some();
        Sample { labels: all, point: point_again, bounds: bounds.into(), has_sum }
    }

    /// The value, and the bounds of its buckets.
    fn total(self, point: &[u8]) -> (Total, Vec<f64>) {
        match self {
            Self::Last => (Total::Last(number(point, 4)), Vec::new()),
            Self::Sum => (Total::Sum(number(point, 4)), Vec::new()),
            Self::Explicit => {
                let packed = |field| fixed64s(message_of(point, field).unwrap_or_default());
                let bounds: Vec<_> = packed(7).map(f64::from_bits).collect();
                let mut buckets = Buckets::new(bounds.len());
                buckets.sum = f64::from_bits(fixed(point, 5));
                if bounds.is_empty() {
                    buckets.counts = vec![fixed(point, 4)];
                } else {
                    buckets.counts.iter_mut().zip(packed(6)).for_each(|(to, it)| *to = it);
                }
                (Total::Explicit(buckets), bounds)
            }
            Self::Exponential => {
                // A page shows no bucket of it, but how many there were.
                let mut histogram = Exponential::new(2, 0);
                histogram.zeros = fixed(point, 4);
                histogram.sum = f64::from_bits(fixed(point, 5));
                (Total::Exponential(Box::new(histogram)), Vec::new())
            }
        }
    }
}

fn exemplar(message: &[u8]) -> Exemplar {
    let id = |field| message_of(message, field);
    let trace = id(5).and_then(|bytes| bytes.try_into().ok()).map(TraceId::from_bytes);
    let span = id(4).and_then(|bytes| bytes.try_into().ok()).map(SpanId::from_bytes);
    let place = trace.zip(span);
    Exemplar {
        value: number(message, 3),
        time_ns: fixed(message, 2),
        span: place.map(|(trace, span)| SpanContext::local(trace, span, TraceFlags(1), None).ids),
        left_out: again(message, 7).into(),
    }
}

/// A number, in `field` or, a whole one, in field 6.
fn number(message: &[u8], field: u32) -> AnyNumber {
    match last(message, 6) {
        Some(Content::Fixed64(bits)) => AnyNumber::I64(bits.cast_signed()),
        _ => AnyNumber::F64(f64::from_bits(fixed(message, field))),
    }
}

fn fixed(message: &[u8], field: u32) -> u64 {
    match last(message, field) {
        Some(Content::Fixed64(bits)) => bits,
        _ => 0,
    }
}

fn text(message: &[u8], field: u32) -> String {
    String::from_utf8_lossy(message_of(message, field).unwrap_or_default()).into_owned()
}

fn message_of(message: &[u8], field: u32) -> Option<&[u8]> {
    messages(message, field).last()
}

/// The same fields by themselves.
fn again(message: &[u8], field: u32) -> Vec<u8> {
    let mut fields = Vec::new();
    messages(message, field).for_each(|content| encode::message(&mut fields, 0x0a, content));
    fields
}

fn last(message: &[u8], field: u32) -> Option<Content<'_>> {
    let own = move |(number, content)| (number == field).then_some(content);
    Fields::new(message).flatten().filter_map(own).last()
}

fn messages(message: &[u8], field: u32) -> impl Iterator<Item = &[u8]> {
    Fields::new(message).flatten().filter_map(move |own| match own {
        (number, Content::Bytes(bytes)) if number == field => Some(bytes),
        _ => None,
    })
}
