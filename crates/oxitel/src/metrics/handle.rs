//! Instruments as programs hold them: small values to copy around, and handles that are bound to
//! one attribute set.

use super::exemplar::Within;
use super::instrument::Instrument;
use super::number::Number;
use super::set::Set;
use super::shard;
use crate::diagnose::{self, Cause};
use crate::pipeline::{lifecycle, settings};
use crate::record::Value;
use crate::record::redact::UNUSED;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

macro_rules! instruments {
    ($(
        $(#[$doc:meta])* $name:ident, $(#[$bound_doc:meta])* $bound:ident,
        $(#[$method_doc:meta])* $method:ident, $accepts:expr;
    )*) => {$(
        $(#[$doc])*
        pub struct $name<N = u64> {
            instrument: Option<&'static Instrument>,
            number: PhantomData<N>,
        }

        impl<N: Number> $name<N> {
            pub(super) fn of(instrument: Option<&'static Instrument>) -> Self {
                Self { instrument, number: PhantomData }
            }

            $(#[$method_doc])*
            #[inline]
            pub fn $method(&self, value: N, attributes: &[(&str, Value<'_>)]) {
                let Some(instrument) = self.instrument else { return };
                if $accepts(value) {
                    shard::record(instrument, attributes, Within::Current, value);
                } else {
                    refuse(instrument);
                }
            }

            /// A handle for these attributes: its measurements do not look for them again.
            ///
            /// Attributes of handles that are bound before [`init`](crate::init) are judged by
            /// the usual rules of redaction, and not by the program's own.
            pub fn bind(&self, attributes: &[(&str, Value<'_>)]) -> $bound<N> {
                $bound {
                    instrument: self.instrument,
                    handle: shard::next_handle(),
                    set: Arc::new(set_of(attributes)),
                    number: PhantomData,
                }
            }
        }

        impl<N> Clone for $name<N> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<N> Copy for $name<N> {}

        impl<N> fmt::Debug for $name<N> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&name(self.instrument)).finish()
            }
        }

        $(#[$bound_doc])*
        pub struct $bound<N = u64> {
            instrument: Option<&'static Instrument>,
            handle: u64,
            set: Arc<Set>,
            number: PhantomData<N>,
        }

        impl<N: Number> $bound<N> {
            $(#[$method_doc])*
            #[inline(always)]
            pub fn $method(&self, value: N) {
                let Some(instrument) = self.instrument else { return };
                if $accepts(value) {
                    shard::record_bound(self.handle, instrument, &self.set, value);
                } else {
                    refuse(instrument);
                }
            }
        }

        impl<N> Clone for $bound<N> {
            fn clone(&self) -> Self {
                let Self { instrument, handle, number, .. } = *self;
                Self { instrument, handle, set: Arc::clone(&self.set), number }
            }
        }

        impl<N> fmt::Debug for $bound<N> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($bound)).field(&name(self.instrument)).finish()
            }
        }
    )*};
}

instruments! {
    /// Counts what only grows: requests, bytes.
    Counter,
    /// A [`Counter`] with its attributes.
    BoundCounter,
    /// Adds to the sum. What is negative or no number is left out, with a warning.
    add, |value: N| value.finite() && !value.negative();
    /// Counts what grows and shrinks: open connections, items in a queue.
    UpDownCounter,
    /// An [`UpDownCounter`] with its attributes.
    BoundUpDownCounter,
    /// Adds to the sum. What is no number is left out, with a warning.
    add, |value: N| value.finite();
    /// Keeps a distribution of values: durations, sizes.
    Histogram,
    /// A [`Histogram`] with its attributes.
    BoundHistogram,
    /// Counts the value. What is no number is left out, with a warning.
    record, |value: N| value.finite();
    /// Keeps the last value: a temperature, a setting.
    Gauge,
    /// A [`Gauge`] with its attributes.
    BoundGauge,
    /// Sets the value.
    record, |_: N| true;
}

/// The attributes as they may be sent.
pub(super) fn set_of(attributes: &[(&str, Value<'_>)]) -> Set {
    let rules = settings::current().map_or(&UNUSED, |settings| &settings.rules);
    let set = Set::of(attributes, rules);
    if set.redacted > 0 {
        lifecycle::count_redacted(u64::from(set.redacted));
    }
    set
}

#[cold]
#[inline(never)]
fn refuse(instrument: &Instrument) {
    let text = format_args!(
        "a measurement of `{}` is left out: it is negative, or no number",
        instrument.description.name
    );
    diagnose::warn(Cause::BadMeasurement, &text);
}

fn name(instrument: Option<&'static Instrument>) -> &'static str {
    instrument.map_or("", |instrument| &instrument.description.name)
}
