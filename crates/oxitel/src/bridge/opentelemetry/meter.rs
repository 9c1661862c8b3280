//! The OpenTelemetry API's metrics on ours: its instruments are our handles.

use super::convert::{Borrowed, interned, with_pairs};
use crate::metrics::{self, Callback, Meter, Number, ObservableBuilder, Observer};
use crate::record::Value;
use opentelemetry::metrics::{
    self as api, AsyncInstrument, AsyncInstrumentBuilder, BoundSyncInstrument, HistogramBuilder,
    InstrumentBuilder, InstrumentProvider, SyncInstrument,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use std::borrow::Cow;
use std::sync::Arc;

/// Makes meters whose instruments are ours. [`init`](crate::init) makes it the global one.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeterProvider(());

impl MeterProvider {
    /// The provider of this process.
    pub const fn new() -> Self {
        Self(())
    }

    /// Makes it the global one.
    pub fn install() {
        opentelemetry::global::set_meter_provider(Self::new());
    }
}

impl api::MeterProvider for MeterProvider {
    fn meter_with_scope(&self, scope: InstrumentationScope) -> api::Meter {
        api::Meter::new(Arc::new(Instruments(Meter::in_scope(interned(&scope)))))
    }
}

/// Makes the instruments of one meter.
struct Instruments(Meter);

macro_rules! handles {
    ($($handle:ident, $bound:ident, $method:ident;)*) => {$(
        impl<N: Number> SyncInstrument<N> for metrics::$handle<N> {
            fn measure(&self, value: N, attributes: &[KeyValue]) {
                with_attributes(attributes, |pairs| self.$method(value, pairs));
            }

            fn bind(
                &self,
                attributes: &[KeyValue],
            ) -> Box<dyn BoundSyncInstrument<N> + Send + Sync> {
                Box::new(with_pairs(attributes, |pairs| metrics::$handle::bind(self, pairs)))
            }
        }

        impl<N: Number> BoundSyncInstrument<N> for metrics::$bound<N> {
            fn measure(&self, value: N) {
                self.$method(value);
            }
        }
    )*};
}

handles! {
    Counter, BoundCounter, add;
    UpDownCounter, BoundUpDownCounter, add;
    Histogram, BoundHistogram, record;
    Gauge, BoundGauge, record;
}

macro_rules! builders {
    ($($method:ident, $handle:ident<$number:ty>;)*) => {$(
        fn $method(
            &self,
            builder: InstrumentBuilder<'_, api::$handle<$number>>,
        ) -> api::$handle<$number> {
            let ours = self.0.$method(&builder.name);
            let ours = ours.unit(&or_empty(builder.unit)).description(&or_empty(builder.description));
            api::$handle::new(Arc::new(ours.build()))
        }
    )*};
}

macro_rules! histograms {
    ($($method:ident, $number:ty;)*) => {$(
        fn $method(
            &self,
            builder: HistogramBuilder<'_, api::Histogram<$number>>,
        ) -> api::Histogram<$number> {
            let ours = self.0.$method(&builder.name);
            let mut ours =
                ours.unit(&or_empty(builder.unit)).description(&or_empty(builder.description));
            if let Some(bounds) = &builder.boundaries {
                ours = ours.bounds(bounds);
            }
            api::Histogram::new(Arc::new(ours.build()))
        }
    )*};
}

macro_rules! observables {
    ($($method:ident, $handle:ident<$number:ty>;)*) => {$(
        fn $method(
            &self,
            builder: AsyncInstrumentBuilder<'_, api::$handle<$number>, $number>,
        ) -> api::$handle<$number> {
            let ours = self.0.$method(&builder.name);
            let ours = ours.unit(&or_empty(builder.unit)).description(&or_empty(builder.description));
            register(ours, builder.callbacks);
            api::$handle::new()
        }
    )*};
}

impl InstrumentProvider for Instruments {
    builders! {
        u64_counter, Counter<u64>;
        f64_counter, Counter<f64>;
        i64_up_down_counter, UpDownCounter<i64>;
        f64_up_down_counter, UpDownCounter<f64>;
        u64_gauge, Gauge<u64>;
        i64_gauge, Gauge<i64>;
        f64_gauge, Gauge<f64>;
    }

    histograms! {
        u64_histogram, u64;
        f64_histogram, f64;
    }

    observables! {
        u64_observable_counter, ObservableCounter<u64>;
        f64_observable_counter, ObservableCounter<f64>;
        i64_observable_up_down_counter, ObservableUpDownCounter<i64>;
        f64_observable_up_down_counter, ObservableUpDownCounter<f64>;
        u64_observable_gauge, ObservableGauge<u64>;
        i64_observable_gauge, ObservableGauge<i64>;
        f64_observable_gauge, ObservableGauge<f64>;
    }
}

fn register<N: Number>(mut builder: ObservableBuilder<N>, callbacks: Vec<api::Callback<N>>) {
    for callback in callbacks {
        builder = builder.raw(Callback::new(move |told| callback(&told.observer::<N>())));
    }
    // The API has no way to stop it.
    let _ = builder.build();
}

impl<N: Number> AsyncInstrument<N> for Observer<'_, N> {
    fn observe(&self, value: N, attributes: &[KeyValue]) {
        with_pairs(attributes, |pairs| Observer::observe(self, value, pairs));
    }
}

fn or_empty(text: Option<Cow<'static, str>>) -> Cow<'static, str> {
    text.unwrap_or_default()
}

/// So many attributes need no allocation.
const FEW: usize = 16;

/// As [`with_pairs`], without an allocation where a measurement usually has none.
#[inline]
fn with_attributes<R>(
    attributes: &[KeyValue],
    action: impl FnOnce(&[(&str, Value<'_>)]) -> R,
) -> R {
    let mut pairs = [("", Value::Bool(false)); FEW];
    let Some(few) = pairs.get_mut(..attributes.len()) else {
        return with_pairs(attributes, action);
    };
    for (pair, attribute) in few.iter_mut().zip(attributes) {
        let Some(value) = Borrowed::scalar(&attribute.value) else {
            return with_pairs(attributes, action);
        };
        *pair = (attribute.key.as_str(), value);
    }
    action(few)
}
