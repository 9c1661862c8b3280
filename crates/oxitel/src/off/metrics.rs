//! Metrics that nobody records.

use crate::record::{Scope, Value};
use std::marker::PhantomData;

/// What an instrument counts in: `u64`, `i64` or `f64`.
pub trait Number: sealed::Sealed + Copy + Send + Sync + 'static {}

mod sealed {
    /// Three types are numbers.
    pub trait Sealed {}
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Number for $number {}
        impl sealed::Sealed for $number {}
    )*};
}

numbers!(u64, i64, f64);

/// Makes instruments that do nothing.
#[derive(Clone, Copy, Debug)]
pub struct Meter(());

impl Meter {
    /// The meter of a scope.
    pub fn of(_scope: &'static Scope) -> Self {
        Self(())
    }

    /// The meter of a scope that is known by name only.
    pub fn named(_name: &str) -> Self {
        Self(())
    }
}

/// An instrument to be made.
#[derive(Debug)]
pub struct Builder<I>(PhantomData<I>);

impl<I> Builder<I> {
    /// In which unit it measures.
    #[must_use]
    pub fn unit(self, _unit: &str) -> Self {
        self
    }

    /// What it measures.
    #[must_use]
    pub fn description(self, _text: &str) -> Self {
        self
    }
}

impl<N> Builder<Histogram<N>> {
    /// The bounds of its buckets.
    #[must_use]
    pub fn bounds(self, _bounds: &[f64]) -> Self {
        self
    }
}

macro_rules! instruments {
    ($($name:ident, $bound:ident, $method:ident;)*) => {$(
        /// Does nothing.
        #[derive(Debug)]
        pub struct $name<N = u64>(PhantomData<N>);

        impl<N: Number> $name<N> {
            /// Does nothing.
            #[inline(always)]
            pub fn $method(&self, _value: N, _attributes: &[(&str, Value<'_>)]) {}

            /// A handle that does nothing.
            #[inline(always)]
            pub fn bind(&self, _attributes: &[(&str, Value<'_>)]) -> $bound<N> {
                $bound(PhantomData)
            }
        }

        impl<N> Clone for $name<N> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<N> Copy for $name<N> {}

        /// Does nothing.
        #[derive(Clone, Debug)]
        pub struct $bound<N = u64>(PhantomData<N>);

        impl<N: Number> $bound<N> {
            /// Does nothing.
            #[inline(always)]
            pub fn $method(&self, _value: N) {}
        }
    )*};
}

instruments! {
    Counter, BoundCounter, add;
    UpDownCounter, BoundUpDownCounter, add;
    Histogram, BoundHistogram, record;
    Gauge, BoundGauge, record;
}

macro_rules! makers {
    ($($method:ident -> $handle:ident<$number:ty>;)*) => {
        impl Meter {$(
            /// An instrument that does nothing.
            pub fn $method(&self, _name: &str) -> Builder<$handle<$number>> {
                Builder(PhantomData)
            }
        )*}
        $(impl Builder<$handle<$number>> {
            /// The instrument.
            pub fn build(self) -> $handle<$number> {
                $handle(PhantomData)
            }
        })*
    };
}

makers! {
    u64_counter -> Counter<u64>;
    f64_counter -> Counter<f64>;
    i64_up_down_counter -> UpDownCounter<i64>;
    f64_up_down_counter -> UpDownCounter<f64>;
    u64_histogram -> Histogram<u64>;
    f64_histogram -> Histogram<f64>;
    u64_gauge -> Gauge<u64>;
    i64_gauge -> Gauge<i64>;
    f64_gauge -> Gauge<f64>;
}

macro_rules! observables {
    ($($method:ident, $number:ty;)*) => {
        impl Meter {$(
            /// An instrument that nobody asks.
            pub fn $method(&self, _name: &str) -> ObservableBuilder<$number> {
                ObservableBuilder(PhantomData)
            }
        )*}
    };
}

observables! {
    u64_observable_counter, u64;
    f64_observable_counter, f64;
    i64_observable_up_down_counter, i64;
    f64_observable_up_down_counter, f64;
    u64_observable_gauge, u64;
    i64_observable_gauge, i64;
    f64_observable_gauge, f64;
}

/// An instrument to be made that nobody asks.
#[derive(Debug)]
pub struct ObservableBuilder<N>(PhantomData<N>);

impl<N: Number> ObservableBuilder<N> {
    /// In which unit it measures.
    #[must_use]
    pub fn unit(self, _unit: &str) -> Self {
        self
    }

    /// What it measures.
    #[must_use]
    pub fn description(self, _text: &str) -> Self {
        self
    }

    /// Is never called.
    #[must_use]
    pub fn callback(self, _ask: impl Fn(&Observer<'_, N>) + Send + Sync + 'static) -> Self {
        self
    }

    /// The instrument.
    pub fn build(self) -> Observable {
        Observable(())
    }
}

/// An instrument that nobody asks.
#[derive(Clone, Debug)]
pub struct Observable(());

impl Observable {
    /// Does nothing.
    pub fn stop(&self) {}
}

/// What a callback would tell.
#[derive(Debug)]
pub struct Observer<'a, N>(PhantomData<&'a N>);

impl<N: Number> Observer<'_, N> {
    /// Does nothing.
    pub fn observe(&self, _value: N, _attributes: &[(&str, Value<'_>)]) {}
}

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

/// What would become of an instrument's measurements.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Aggregation {
    /// Nothing.
    Drop,
    /// What the instrument is made for.
    Default,
    /// Their sum.
    Sum,
    /// The last one.
    LastValue,
    /// Counts in buckets with these bounds.
    ExplicitHistogram {
        /// The upper bounds of all buckets but the last.
        bounds: Option<Vec<f64>>,
        /// Whether the least and the largest value are kept.
        min_max: bool,
    },
    /// Counts in buckets that grow by a factor.
    ExponentialHistogram {
        /// The most buckets on each side of zero.
        max_size: u32,
        /// The finest scale.
        max_scale: i8,
        /// Whether the least and the largest value are kept.
        min_max: bool,
    },
}

impl Aggregation {
    /// A histogram with the bounds that the instrument advises, else the usual ones.
    pub fn explicit() -> Self {
        Self::ExplicitHistogram { bounds: None, min_max: true }
    }

    /// A histogram of at most 160 buckets on each side, as fine as the values allow.
    pub fn exponential() -> Self {
        Self::ExponentialHistogram { max_size: 160, max_scale: 20, min_max: true }
    }
}

/// Would change the metrics of the instruments that it matches.
#[derive(Clone, Debug, PartialEq)]
pub struct View(());

macro_rules! changes {
    ($($(#[$doc:meta])* $method:ident($($name:ident: $type:ty),*);)*) => {
        impl View {$(
            $(#[$doc])*
            #[must_use]
            pub fn $method(self, $($name: $type),*) -> Self {
                self
            }
        )*}
    };
}

impl View {
    /// For instruments of this name.
    pub fn of(_name: impl Into<String>) -> Self {
        Self(())
    }

    /// Keeps the attributes with these keys.
    #[must_use]
    pub fn keep<K: Into<String>>(self, _keys: impl IntoIterator<Item = K>) -> Self {
        self
    }

    /// Leaves the attributes with these keys out.
    #[must_use]
    pub fn leave_out<K: Into<String>>(self, _keys: impl IntoIterator<Item = K>) -> Self {
        self
    }
}

changes! {
    /// Only for instruments of this kind.
    of_kind(_kind: InstrumentKind);
    /// Only for instruments of this unit.
    of_unit(_unit: impl Into<String>);
    /// Only for instruments of the scope with this name.
    of_scope(_name: impl Into<String>);
    /// Only for instruments of scopes with this version.
    of_scope_version(_version: impl Into<String>);
    /// Only for instruments of scopes with this schema.
    of_scope_schema(_schema_url: impl Into<String>);
    /// The metric's name.
    name(_name: impl Into<String>);
    /// The metric's description.
    description(_text: impl Into<String>);
    /// What becomes of the measurements.
    aggregation(_aggregation: Aggregation);
    /// The most points of the metric.
    cardinality_limit(_limit: usize);
    /// Keeps so many examples.
    exemplars(_count: usize);
}

/// How names of instruments become names of metrics for Prometheus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Translation {
    /// `foo.bar` in bytes, a counter: `foo_bar_bytes_total`.
    #[default]
    UnderscoreEscapingWithSuffixes,
    /// The same: `foo_bar`.
    UnderscoreEscapingWithoutSuffixes,
    /// The same: `foo.bar_bytes_total`.
    NoUtf8EscapingWithSuffixes,
    /// The same: `foo.bar`.
    NoTranslation,
}

impl Translation {
    /// By the name that configuration files use.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "UnderscoreEscapingWithSuffixes" => Some(Self::UnderscoreEscapingWithSuffixes),
            "UnderscoreEscapingWithoutSuffixes" => Some(Self::UnderscoreEscapingWithoutSuffixes),
            "NoUTF8EscapingWithSuffixes" => Some(Self::NoUtf8EscapingWithSuffixes),
            "NoTranslation" => Some(Self::NoTranslation),
            _ => None,
        }
    }
}
