//! Collected metrics as OTLP: the `scope_metrics` of an `ExportMetricsServiceRequest`.
//!
//! Field numbers are those of `opentelemetry/proto/metrics/v1`.

use super::collect::{Collected, Metric, Scoped};
use super::exemplar::Exemplar;
use super::exponential::{Exponential, Side};
use super::number::AnyNumber;
use super::series::Point;
use super::settings::Temporality;
use super::stream::{How, Stream};
use super::total::{Buckets, Total};
use crate::pipeline::encode::message;

/// A part of a collection that one request can carry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Piece {
    /// `ResourceMetrics.scope_metrics` fields.
    pub(crate) bytes: Vec<u8>,
    /// How many data points.
    pub(crate) points: u64,
}

/// The collection in pieces of about so many bytes: a metric stays whole.
pub(crate) fn pieces(collected: &Collected, most: usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut piece = Piece::default();
    for scoped in &collected.scopes {
        let mut metrics = Vec::new();
        for metric in &scoped.metrics {
            let encoded = metric_of(metric, collected);
            if piece.bytes.len() + metrics.len() + encoded.len() > most && piece.points > 0 {
                close_scope(&mut piece.bytes, scoped, &mut metrics);
                pieces.push(std::mem::take(&mut piece));
            }
            message(&mut metrics, length(2), &encoded);
            piece.points += metric.points.len() as u64;
        }
        close_scope(&mut piece.bytes, scoped, &mut metrics);
    }
    if piece.points > 0 {
        pieces.push(piece);
    }
    pieces
}

/// Writes the scope's metrics so far.
fn close_scope(target: &mut Vec<u8>, scoped: &Scoped, metrics: &mut Vec<u8>) {
    if metrics.is_empty() {
        return;
    }
    let mut scope_metrics = Vec::new();
    message(&mut scope_metrics, length(1), &scoped.scope.bytes);
    scope_metrics.append(metrics);
    text(&mut scope_metrics, 3, &scoped.scope.schema_url);
    message(target, length(2), &scope_metrics);
}

fn metric_of(metric: &Metric, collected: &Collected) -> Vec<u8> {
    let stream = &metric.stream;
    let kind = stream.instrument.description.kind;
    let mut target = Vec::new();
    text(&mut target, 1, &stream.name);
    text(&mut target, 2, &stream.text);
    text(&mut target, 3, &stream.instrument.description.unit);
    let mut data = Vec::new();
    for point in &metric.points {
        message(&mut data, length(1), &point_of(point, stream, collected.time_ns));
    }
    let field = match stream.how {
        How::Last => 5,
        How::Sum => 7,
        How::Explicit { .. } => 9,
        How::Exponential { .. } => 10,
    };
    if !matches!(stream.how, How::Last) {
        let number = match stream.temporality(collected.reader) {
            Temporality::Delta => 1,
            Temporality::Cumulative => 2,
        };
        data.extend([2 << 3, number]);
    }
    if matches!(stream.how, How::Sum) && kind.is_monotonic() {
        data.extend([3 << 3, 1]);
    }
    message(&mut target, length(field), &data);
    target
}

fn point_of(point: &Point, stream: &Stream, time_ns: u64) -> Vec<u8> {
    let how = &stream.how;
    // The sum of values that grow and shrink says nothing.
    let has_sum = stream.instrument.description.kind.is_monotonic();
    let mut target = Vec::with_capacity(point.attributes.len() + 128);
    target.extend_from_slice(&point.attributes);
    // A last value has no beginning.
    if !matches!(how, How::Last) {
        fixed(&mut target, 2, point.start_ns);
    }
    fixed(&mut target, 3, time_ns);
    match (&point.total, how) {
        (Total::Sum(number) | Total::Last(number), _) => {
            value(&mut target, 4, *number);
            exemplars(&mut target, 5, &point.exemplars);
        }
        (Total::Explicit(buckets), How::Explicit { bounds, min_max }) => {
            let shown = Shown { sum: has_sum, min_max: *min_max };
            explicit(&mut target, buckets, bounds, shown);
            exemplars(&mut target, 8, &point.exemplars);
        }
        (Total::Exponential(histogram), How::Exponential { min_max, .. }) => {
            exponential(&mut target, histogram, Shown { sum: has_sum, min_max: *min_max });
            exemplars(&mut target, 11, &point.exemplars);
        }
        _ => {}
    }
    target
}

/// What of a histogram is sent besides its counts.
#[derive(Clone, Copy)]
struct Shown {
    sum: bool,
    min_max: bool,
}

fn explicit(target: &mut Vec<u8>, buckets: &Buckets, bounds: &[f64], shown: Shown) {
    let count = buckets.count();
    fixed(target, 4, count);
    if shown.sum {
        fixed(target, 5, buckets.sum.to_bits());
    }
    if !bounds.is_empty() {
        packed(target, 6, buckets.counts.iter().copied());
        packed(target, 7, bounds.iter().map(|bound| bound.to_bits()));
    }
    if shown.min_max && count > 0 {
        fixed(target, 11, buckets.min.to_bits());
        fixed(target, 12, buckets.max.to_bits());
    }
}

fn exponential(target: &mut Vec<u8>, histogram: &Exponential, shown: Shown) {
    let count = histogram.count();
    fixed(target, 4, count);
    if shown.sum {
        fixed(target, 5, histogram.sum.to_bits());
    }
    target.push(6 << 3);
    varint(target, zigzag(i32::from(histogram.scale)));
    fixed(target, 7, histogram.zeros);
    side(target, 8, &histogram.positive);
    side(target, 9, &histogram.negative);
    if shown.min_max && count > 0 {
        fixed(target, 12, histogram.min.to_bits());
        fixed(target, 13, histogram.max.to_bits());
    }
}

fn side(target: &mut Vec<u8>, field: u8, side: &Side) {
    if side.counts.is_empty() {
        return;
    }
    let mut content = vec![1 << 3];
    varint(&mut content, zigzag(side.offset));
    let mut counts = Vec::new();
    for count in &side.counts {
        varint(&mut counts, *count);
    }
    message(&mut content, length(2), &counts);
    message(target, length(field), &content);
}

fn exemplars(target: &mut Vec<u8>, field: u8, exemplars: &[Exemplar]) {
    for exemplar in exemplars {
        let mut content = Vec::new();
        fixed(&mut content, 2, exemplar.time_ns);
        value(&mut content, 3, exemplar.value);
        if let Some(span) = exemplar.span {
            message(&mut content, length(4), &span.span_id().to_bytes());
            message(&mut content, length(5), &span.trace_id().to_bytes());
        }
        content.extend_from_slice(&exemplar.left_out);
        message(target, length(field), &content);
    }
}

/// A number, as `as_double` in `field` or as `as_int` in field 6. OTLP's whole numbers end where
/// `i64` does: what is beyond is rounded.
fn value(target: &mut Vec<u8>, field: u8, number: AnyNumber) {
    match number {
        AnyNumber::I64(number) => fixed(target, 6, number as u64),
        AnyNumber::U64(number) if i64::try_from(number).is_ok() => fixed(target, 6, number),
        other => fixed(target, field, other.as_f64().to_bits()),
    }
}

fn text(target: &mut Vec<u8>, field: u8, text: &str) {
    if !text.is_empty() {
        message(target, length(field), text.as_bytes());
    }
}

fn fixed(target: &mut Vec<u8>, field: u8, bits: u64) {
    target.push(field << 3 | 1);
    target.extend(bits.to_le_bytes());
}

fn packed(target: &mut Vec<u8>, field: u8, numbers: impl Iterator<Item = u64>) {
    let content: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
    message(target, length(field), &content);
}

fn varint(target: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        target.push(number as u8 | 0x80);
        number >>= 7;
    }
    target.push(number as u8);
}

fn zigzag(number: i32) -> u64 {
    u64::from(((number << 1) ^ (number >> 31)) as u32)
}

/// The tag of a field that says its length. All of ours are below 16.
const fn length(field: u8) -> u8 {
    field << 3 | 2
}
