//! Metrics: counters, histograms and gauges, by our own API or the OpenTelemetry one.
//!
//! Flow: measure -> **cell** of this thread -> collect -> OTLP bytes, or text for Prometheus.
//!
//! ```
//! use oxitel::metrics::Meter;
//!
//! let meter = Meter::named("shop");
//! let duration = meter.f64_histogram("shop.order.duration").unit("s").build();
//! duration.record(0.21, &[("payment", "card".into())]);
//! ```
//!
//! A measurement writes to memory that no other thread writes to: `handle` -> `shard` -> `cell`.
//! What that memory belongs to is found once: `session` -> `stream` -> `series`. The collector
//! reads it: `collect`, `total`, `exponential`, `exemplar`, and writes it: `encode`, `prometheus`.

mod aggregation;
mod cell;
mod collect;
mod encode;
mod exemplar;
mod exponential;
mod handle;
mod instrument;
mod kind;
mod meter;
mod number;
mod observable;
pub(crate) mod prometheus;
mod series;
mod session;
mod set;
mod settings;
mod shard;
mod stream;
mod total;
mod view;

#[cfg(all(test, feature = "testing"))]
mod tests;

pub use aggregation::Aggregation;
pub(crate) use encode::Piece;
pub(crate) use exemplar::Within;
pub use handle::{
    BoundCounter, BoundGauge, BoundHistogram, BoundUpDownCounter, Counter, Gauge, Histogram,
    UpDownCounter,
};
pub(crate) use instrument::{Description, Instrument, intern};
pub use kind::InstrumentKind;
pub use meter::{Builder, Meter, ObservableBuilder};
pub use number::Number;
pub(crate) use number::{AnyNumber, NumberType, sealed};
pub(crate) use observable::Callback;
pub use observable::{Observable, Observer};
pub use prometheus::{PageError, PrometheusPage, Translation};
pub(crate) use session::{Stamp, are_recorded, keeps_examples, start, stop};
// Public for tests of other crates only: programs set these by their configuration.
pub use settings::Settings;
pub(crate) use shard::{Shard, record};
use stream::Reader;
pub use view::View;

/// Everything that was measured, to be pushed: `scope_metrics` fields of a `ResourceMetrics`, in
/// pieces of about so many bytes.
pub(crate) fn collect_pieces(now_ns: u64, most: usize) -> Vec<Piece> {
    let collected = collect::collect(Reader::Push, now_ns);
    collected.map_or_else(Vec::new, |collected| encode::pieces(&collected, most))
}

/// Everything that was measured since the start, as it is pulled, in the same form.
#[cfg(feature = "python")]
pub(crate) fn show_pieces(now_ns: u64) -> Vec<Piece> {
    let collected = collect::collect(Reader::Pull, now_ns);
    collected.map_or_else(Vec::new, |collected| encode::pieces(&collected, usize::MAX))
}

/// What is pushed in one piece, appended; returns the number of data points.
#[cfg(feature = "testing")]
pub(crate) fn collect(now_ns: u64, target: &mut Vec<u8>) -> u64 {
    let pieces = collect_pieces(now_ns, usize::MAX);
    let mut points = 0;
    for piece in pieces {
        target.extend_from_slice(&piece.bytes);
        points += piece.points;
    }
    points
}
