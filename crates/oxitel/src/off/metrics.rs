//! Metrics that nobody records.

#[path = "../metrics/aggregation.rs"]
mod aggregation;
#[path = "../metrics/kind.rs"]
mod kind;
#[path = "../metrics/prometheus/error.rs"]
mod page_error;
#[path = "../metrics/prometheus/translation.rs"]
mod translation;

pub use aggregation::Aggregation;
pub use kind::InstrumentKind;
pub use page_error::PageError;
pub use translation::Translation;

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

/// A page that nobody gets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrometheusPage {
    /// The answer's `Content-Type`.
    pub content_type: &'static str,
    /// The answer's body.
    pub text: String,
}

impl PrometheusPage {
    /// There is none.
    pub fn collect(
        _accept: &str,
    ) -> impl Future<Output = Result<Self, PageError>> + Send + 'static + use<> {
        std::future::ready(Err(PageError::Off))
    }

    /// There is none.
    pub fn collect_blocking(_accept: &str) -> Result<Self, PageError> {
        Err(PageError::Off)
    }
}
