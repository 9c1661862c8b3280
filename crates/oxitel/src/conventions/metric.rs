//! What a metric is, said once: its instrument is made from it, and its row on the page of names
//! is held against it.

use crate::metrics::{Counter, Gauge, Histogram, InstrumentKind, Meter, UpDownCounter};

/// A metric that the conventions name.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name over OTLP.
    pub name: &'static str,
    /// What kind of instrument records it.
    pub kind: InstrumentKind,
    /// Its unit, as UCUM writes it; empty for names that end with their unit.
    pub unit: &'static str,
    /// What it says, for people.
    pub description: &'static str,
    /// The upper bounds of a histogram's buckets.
    pub bounds: &'static [f64],
    /// The keys of its attributes.
    pub labels: &'static [&'static str],
}

impl Metric {
    pub(super) const fn new(name: &'static str, kind: InstrumentKind) -> Self {
        Self { name, kind, unit: "", description: "", bounds: &[], labels: &[] }
    }

    pub(super) const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    pub(super) const fn says(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    pub(super) const fn bounds(mut self, bounds: &'static [f64]) -> Self {
        self.bounds = bounds;
        self
    }

    pub(super) const fn labels(mut self, labels: &'static [&'static str]) -> Self {
        self.labels = labels;
        self
    }
}

macro_rules! makers {
    ($($method:ident -> $instrument:ty $(, $bounds:ident)?;)*) => {
        impl Metric {$(
            pub(super) fn $method(&self, meter: Meter) -> $instrument {
                let instrument = meter.$method(self.name).unit(self.unit);
                instrument.description(self.description)$(.$bounds(self.bounds))?.build()
            }
        )*}
    };
}

makers! {
    u64_counter -> Counter<u64>;
    i64_up_down_counter -> UpDownCounter<i64>;
    u64_histogram -> Histogram<u64>, bounds;
    f64_histogram -> Histogram<f64>, bounds;
    i64_gauge -> Gauge<i64>;
}
