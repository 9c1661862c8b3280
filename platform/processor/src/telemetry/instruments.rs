//! A thread's instruments: each is made once, and found from then on without a lock.
//!
//! Flow: recorder -> **instruments** -> the engine's handles. The engine knows every instrument
//! once for the process, by its description; finding one there costs more than a measurement.

use oxitel::conventions::Metric;
use oxitel::conventions::stream::METRICS;
use oxitel::metrics::{Builder, Counter, Gauge, Histogram, Meter};
use std::cell::RefCell;
use std::collections::HashMap;

/// The counter of this name.
pub(super) fn counter(meter: &str, name: &str) -> Counter<u64> {
    let make = || described(Meter::named(meter).u64_counter(name), name).build();
    find(|found| &mut found.counters, meter, name, make)
}

/// The histogram of this name.
pub(super) fn histogram(meter: &str, name: &str) -> Histogram<f64> {
    let make = || {
        let builder = described(Meter::named(meter).f64_histogram(name), name);
        match known(name) {
            Some(metric) => builder.bounds(metric.bounds).build(),
            None => builder.build(),
        }
    };
    find(|found| &mut found.histograms, meter, name, make)
}

/// The gauge of this name.
pub(super) fn gauge(meter: &str, name: &str) -> Gauge<i64> {
    let make = || described(Meter::named(meter).i64_gauge(name), name).build();
    find(|found| &mut found.gauges, meter, name, make)
}

/// One of the metrics of a stream processor.
fn known(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// With the unit and the words of the conventions, if the name is one of theirs.
fn described<I>(builder: Builder<I>, name: &str) -> Builder<I> {
    match known(name) {
        Some(metric) => builder.unit(metric.unit).description(metric.description),
        None => builder,
    }
}

thread_local! {
    static FOUND: RefCell<Found> = RefCell::default();
}

#[derive(Default)]
struct Found {
    counters: ByName<Counter<u64>>,
    histograms: ByName<Histogram<f64>>,
    gauges: ByName<Gauge<i64>>,
}

/// The most instruments of a kind that a thread finds at once; the process has no more. Names
/// without an end begin anew here, and record nothing there.
const MOST: usize = 4096;

struct ByName<I> {
    /// Meter and instrument, of each name.
    of_name: HashMap<Box<str>, Vec<(Box<str>, I)>>,
    count: usize,
}

impl<I> Default for ByName<I> {
    fn default() -> Self {
        Self { of_name: HashMap::new(), count: 0 }
    }
}

impl<I: Copy> ByName<I> {
    fn get(&self, meter: &str, name: &str) -> Option<I> {
        let mut of_meters = self.of_name.get(name)?.iter();
        of_meters.find(|(known, _)| **known == *meter).map(|(_, instrument)| *instrument)
    }

    fn keep(&mut self, meter: &str, name: &str, instrument: I) {
        if self.count >= MOST {
            *self = Self::default();
        }
        self.count += 1;
        self.of_name.entry(name.into()).or_default().push((meter.into(), instrument));
    }
}

/// Finds an instrument, or makes it. Also past the thread-locals: then it is made each time.
fn find<I: Copy>(
    kind: fn(&mut Found) -> &mut ByName<I>,
    meter: &str,
    name: &str,
    make: impl FnOnce() -> I,
) -> I {
    let look = |found: &RefCell<Found>| kind(&mut *found.try_borrow_mut().ok()?).get(meter, name);
    if let Some(known) = FOUND.try_with(look).ok().flatten() {
        return known;
    }
    let instrument = make();
    // A thread that is at its end keeps nothing.
    let _ = FOUND.try_with(|found| {
        if let Ok(mut found) = found.try_borrow_mut() {
            kind(&mut found).keep(meter, name, instrument);
        }
    });
    instrument
}

#[cfg(test)]
mod tests {
    use super::{ByName, FOUND, MOST, counter};

    #[test]
    fn an_instrument_is_made_once_for_a_thread_and_their_number_has_an_end() {
        let known = || FOUND.with(|found| found.borrow().counters.count);
        for _ in 0..100 {
            let _ = counter("unit", "unit.found");
        }
        assert_eq!(known(), 1);
        let _ = counter("other", "unit.found");
        assert_eq!(known(), 2, "another meter's is another one");

        let mut by_name = ByName::default();
        for number in 0..=MOST {
            by_name.keep("unit", &number.to_string(), number);
        }
        assert_eq!(by_name.count, 1, "it begins anew");
        assert_eq!(by_name.get("unit", &MOST.to_string()), Some(MOST));
        assert_eq!(by_name.get("unit", "0"), None);
    }
}
