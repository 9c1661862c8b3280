//! Meters: where instruments come from.

use super::handle::{Counter, Gauge, Histogram, UpDownCounter};
use super::instrument::{self, Description, Instrument};
use super::kind::InstrumentKind;
use super::number::{Number, NumberType};
use super::observable::{Callback, Observable, Observer};
use crate::pipeline::scope::{self, ScopeData};
use crate::record::Scope;
use std::marker::PhantomData;

/// Makes instruments of one scope.
///
/// ```
/// use oxitel::Scope;
/// use oxitel::metrics::Meter;
///
/// static SHOP: Scope = Scope::new("shop");
///
/// let meter = Meter::of(&SHOP);
/// let orders = meter.u64_counter("shop.orders").unit("{order}").build();
/// orders.add(1, &[("payment", "card".into())]);
///
/// // Bound to its attributes it costs a nanosecond or two.
/// let by_card = orders.bind(&[("payment", "card".into())]);
/// by_card.add(1);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    scope: &'static ScopeData,
}

impl Meter {
    /// The meter of a scope.
    pub fn of(scope: &'static Scope) -> Self {
        Self { scope: scope.data() }
    }

    /// The meter of a scope that is known by name only.
    pub fn named(name: &str) -> Self {
        Self { scope: scope::intern(name, "", "", &[]) }
    }

    pub(crate) fn in_scope(scope: &'static ScopeData) -> Self {
        Self { scope }
    }

    fn builder<I>(self, kind: InstrumentKind, number: NumberType, name: &str) -> Builder<I> {
        let description = Description {
            scope: self.scope,
            kind,
            number,
            name: name.to_owned(),
            unit: String::new(),
            text: String::new(),
            bounds: None,
        };
        Builder { description, instrument: PhantomData }
    }
}

/// The type of a number.
fn of<N: Number>() -> NumberType {
    N::TYPE
}

macro_rules! instruments {
    ($($(#[$doc:meta])* $method:ident -> $handle:ident<$number:ty>;)*) => {
        impl Meter {$(
            $(#[$doc])*
            pub fn $method(&self, name: &str) -> Builder<$handle<$number>> {
                self.builder(InstrumentKind::$handle, of::<$number>(), name)
            }
        )*}
        $(impl Builder<$handle<$number>> {
            /// The instrument. The same description gives the same one.
            pub fn build(self) -> $handle<$number> {
                $handle::of(instrument::intern(self.description))
            }
        })*
    };
}

instruments! {
    /// Counts what only grows.
    u64_counter -> Counter<u64>;
    /// Counts what only grows.
    f64_counter -> Counter<f64>;
    /// Counts what grows and shrinks.
    i64_up_down_counter -> UpDownCounter<i64>;
    /// Counts what grows and shrinks.
    f64_up_down_counter -> UpDownCounter<f64>;
    /// Keeps a distribution of values.
    u64_histogram -> Histogram<u64>;
    /// Keeps a distribution of values.
    f64_histogram -> Histogram<f64>;
    /// Keeps the last value.
    u64_gauge -> Gauge<u64>;
    /// Keeps the last value.
    i64_gauge -> Gauge<i64>;
    /// Keeps the last value.
    f64_gauge -> Gauge<f64>;
}

macro_rules! observables {
    ($($(#[$doc:meta])* $method:ident, $kind:ident, $number:ty;)*) => {
        impl Meter {$(
            $(#[$doc])*
            pub fn $method(&self, name: &str) -> ObservableBuilder<$number> {
                let instrument = self.builder(InstrumentKind::$kind, of::<$number>(), name);
                ObservableBuilder { instrument, callbacks: Vec::new() }
            }
        )*}
    };
}

observables! {
    /// Asks for a sum that only grows: the sum itself, not what was added to it.
    u64_observable_counter, ObservableCounter, u64;
    /// Asks for a sum that only grows: the sum itself, not what was added to it.
    f64_observable_counter, ObservableCounter, f64;
    /// Asks for a sum that grows and shrinks: the sum itself, not what was added to it.
    i64_observable_up_down_counter, ObservableUpDownCounter, i64;
    /// Asks for a sum that grows and shrinks: the sum itself, not what was added to it.
    f64_observable_up_down_counter, ObservableUpDownCounter, f64;
    /// Asks for a value.
    u64_observable_gauge, ObservableGauge, u64;
    /// Asks for a value.
    i64_observable_gauge, ObservableGauge, i64;
    /// Asks for a value.
    f64_observable_gauge, ObservableGauge, f64;
}

/// An instrument to be made.
#[derive(Debug)]
pub struct Builder<I> {
    description: Description,
    instrument: PhantomData<I>,
}

impl<I> Builder<I> {
    /// In which unit it measures, as UCUM writes it: `s`, `By`, `{request}`.
    #[must_use]
    pub fn unit(mut self, unit: &str) -> Self {
        unit.clone_into(&mut self.description.unit);
        self
    }

    /// What it measures, for people.
    #[must_use]
    pub fn description(mut self, text: &str) -> Self {
        text.clone_into(&mut self.description.text);
        self
    }
}

impl<N> Builder<Histogram<N>> {
    /// The upper bounds of all buckets but the last, in rising order, unless a view says
    /// otherwise.
    #[must_use]
    pub fn bounds(mut self, bounds: &[f64]) -> Self {
        self.description.bounds = Some(bounds.to_vec());
        self
    }
}

/// An instrument to be made that is asked.
pub struct ObservableBuilder<N> {
    instrument: Builder<N>,
    callbacks: Vec<Callback>,
}

impl<N: Number> ObservableBuilder<N> {
    /// In which unit it measures, as UCUM writes it: `s`, `By`, `{request}`.
    #[must_use]
    pub fn unit(mut self, unit: &str) -> Self {
        self.instrument = self.instrument.unit(unit);
        self
    }

    /// What it measures, for people.
    #[must_use]
    pub fn description(mut self, text: &str) -> Self {
        self.instrument = self.instrument.description(text);
        self
    }

    /// Asks this function at each collection. It runs on a thread of ours; all of them together
    /// have a few seconds. What it records itself is recorded, but no spans.
    #[must_use]
    pub fn callback(self, ask: impl Fn(&Observer<'_, N>) + Send + Sync + 'static) -> Self {
        self.raw(Callback::new(move |told| ask(&told.observer())))
    }

    pub(crate) fn raw(mut self, callback: Callback) -> Self {
        self.callbacks.push(callback);
        self
    }

    /// The instrument.
    pub fn build(self) -> Observable {
        let instrument: Option<&'static Instrument> =
            instrument::intern(self.instrument.description);
        let register = |callback| instrument.map(|instrument| instrument.callbacks.push(callback));
        Observable { callbacks: self.callbacks.into_iter().filter_map(register).collect() }
    }
}

impl<N> std::fmt::Debug for ObservableBuilder<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObservableBuilder")
            .field("instrument", &self.instrument.description)
            .finish_non_exhaustive()
    }
}
