//! What can be set about metrics.

use super::instrument::InstrumentKind;
use super::view::{Aggregation, View};
use std::time::Duration;

/// What the points of a metric speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temporality {
    /// Everything since the start.
    Cumulative,
    /// What came since the collection before.
    Delta,
}

/// Which metrics have which temporality.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemporalityPreference {
    /// All are cumulative.
    #[default]
    Cumulative,
    /// Delta, but for sums that grow and shrink.
    Delta,
    /// Delta for counters and histograms, where it saves memory; cumulative for the rest.
    LowMemory,
}

impl TemporalityPreference {
    pub(crate) fn of(self, kind: InstrumentKind) -> Temporality {
        use InstrumentKind as Kind;
        let is_delta = match self {
            Self::Cumulative => false,
            Self::Delta => !matches!(kind, Kind::UpDownCounter | Kind::ObservableUpDownCounter),
            Self::LowMemory => matches!(kind, Kind::Counter | Kind::Histogram),
        };
        if is_delta { Temporality::Delta } else { Temporality::Cumulative }
    }
}

/// Which measurements may be kept as examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExemplarFilter {
    /// Those made inside of a sampled span.
    #[default]
    TraceBased,
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
}

/// How metrics are aggregated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// Which metrics are cumulative, and which delta, when they are pushed. What is pulled is
    /// cumulative always.
    pub temporality: TemporalityPreference,
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
            temporality: TemporalityPreference::default(),
            exemplars: ExemplarFilter::default(),
            histograms: Aggregation::explicit(),
            cardinality_limit: 2000,
            views: Vec::new(),
            pulled: false,
            callback_timeout: Duration::from_secs(5),
        }
    }
}
