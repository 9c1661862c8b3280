//! Instruments whose kind is known only at run time.

use super::{Amount, RuntimeScope};
use crate::context::SpanContext;
use crate::metrics::{self, Callback, Description, Instrument, Observer, Within};
use crate::metrics::{InstrumentKind, NumberType, sealed::Sealed as _};
use crate::record::Value;

/// What an instrument is called, and what it measures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Described<'a> {
    /// Its name.
    pub name: &'a str,
    /// In which unit it measures, as UCUM writes it.
    pub unit: &'a str,
    /// What it measures, for people.
    pub description: &'a str,
    /// Of a histogram: the upper bounds of all buckets but the last, unless a view says otherwise.
    pub bounds: Option<&'a [f64]>,
}

/// An instrument: the same one for the same scope, kind and words.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeInstrument {
    kind: InstrumentKind,
    instrument: Option<&'static Instrument>,
}

impl RuntimeScope {
    /// An instrument of this scope. One that cannot be, as that of a bad name, records nothing.
    pub fn instrument(self, kind: InstrumentKind, described: &Described<'_>) -> RuntimeInstrument {
        let description = Description {
            scope: self.0,
            kind,
            number: NumberType::Either,
            name: described.name.to_owned(),
            unit: described.unit.to_owned(),
            text: described.description.to_owned(),
            bounds: described.bounds.map(<[f64]>::to_vec),
        };
        RuntimeInstrument { kind, instrument: metrics::intern(description) }
    }
}

/// Whether measurements are recorded.
#[inline]
pub fn measurements_are_recorded() -> bool {
    metrics::are_recorded()
}

/// Whether it matters which span a measurement is made in: otherwise nobody needs to find it.
#[inline]
pub fn measurements_need_spans() -> bool {
    metrics::keeps_examples()
}

impl RuntimeInstrument {
    /// Records a measurement that was made in this span. Returns whether it was fit to be
    /// recorded: what is no number is not, nor is what is negative where the sum only grows.
    #[inline]
    pub fn record(
        &self,
        amount: Amount,
        attributes: &[(&str, Value<'_>)],
        span: &SpanContext,
    ) -> bool {
        if !amount.finite() || amount.negative() && self.kind.is_monotonic() {
            return false;
        }
        if let Some(instrument) = self.instrument {
            let ids = span.ids;
            let within = Within::Told((ids.is_sampled() && ids.is_valid()).then_some(ids));
            metrics::record(instrument, attributes, within, amount);
        }
        true
    }

    /// Asks this function at each collection, on a thread of the engine.
    pub fn ask(&self, ask: impl Fn(&Observer<'_, Amount>) + Send + Sync + 'static) {
        if let Some(instrument) = self.instrument {
            instrument.callbacks.push(Callback::new(move |told| ask(&told.observer())));
        }
    }
}
