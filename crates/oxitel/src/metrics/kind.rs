//! What instruments are for. Also of builds without the engine, by path.

/// What an instrument is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InstrumentKind {
    /// A sum that only grows.
    Counter,
    /// A sum that grows and shrinks.
    UpDownCounter,
    /// A distribution of values.
    Histogram,
    /// The last value.
    Gauge,
    /// A sum that only grows, asked for at collection.
    ObservableCounter,
    /// A sum that grows and shrinks, asked for at collection.
    ObservableUpDownCounter,
    /// A value, asked for at collection.
    ObservableGauge,
}
