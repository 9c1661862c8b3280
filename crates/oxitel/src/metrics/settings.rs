//! What can be set about metrics.

use super::aggregation::Aggregation;
use super::kind::InstrumentKind;
use super::view::View;
use crate::config::{ExemplarFilter, Temporality as Preference};
use std::time::Duration;

/// What the points of a metric speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temporality {
    /// Everything since the start.
    Cumulative,
    /// What came since the collection before.
    Delta,
}

/// What is asked for, for instruments of this kind.
pub(crate) fn temporality_of(kind: InstrumentKind, preference: Preference) -> Temporality {
    use InstrumentKind as Kind;
    let is_delta = match preference {
        Preference::Cumulative => false,
        Preference::Delta => !matches!(kind, Kind::UpDownCounter | Kind::ObservableUpDownCounter),
        Preference::LowMemory => matches!(kind, Kind::Counter | Kind::Histogram),
    };
    if is_delta { Temporality::Delta } else { Temporality::Cumulative }
}

/// How metrics are aggregated.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Which metrics are cumulative, and which delta, when they are pushed. What is pulled is
    /// cumulative always.
    pub temporality: Preference,
    /// Which measurements may be kept as examples.
    pub exemplars: ExemplarFilter,
    /// How histograms are aggregated without a view.
    pub histograms: Aggregation,
    /// The most points of one metric, the one for the rest among them.
    pub cardinality_limit: usize,
    /// Changes to what instruments give.
    pub views: Vec<View>,
    /// Whether metrics are pulled as well, so that all must be kept cumulative.
    pub pulled: bool,
    /// How long one collection waits for all callbacks of observable instruments.
    pub callback_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            temporality: Preference::Cumulative,
            exemplars: ExemplarFilter::TraceBased,
            histograms: Aggregation::explicit(),
            cardinality_limit: 2000,
            views: Vec::new(),
            pulled: false,
            callback_timeout: Duration::from_secs(5),
        }
    }
}
