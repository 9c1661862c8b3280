//! `prometheus-client`: families of metrics by their labels.

use super::Costs;
use super::work::{self, ROUTES, SERIES};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use std::hint::black_box;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    route: &'static str,
    status_code: i64,
}

/// Ours and the SDK's by default.
const BOUNDS: [f64; 15] = [
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0,
    10_000.0,
];

pub(super) fn measure() -> Costs {
    let counter = Family::<Labels, Counter>::default();
    let histogram = Family::<Labels, Histogram>::new_with_constructor(|| Histogram::new(BOUNDS));
    let counters: Vec<Counter> =
        ROUTES.iter().map(|route| counter.get_or_create(&labels(route)).clone()).collect();
    let histograms: Vec<Histogram> =
        ROUTES.iter().map(|route| histogram.get_or_create(&labels(route)).clone()).collect();
    let at = |number: u64| number as usize % SERIES;
    work::measure(&[
        ("counter/bound", &|number| {
            counters[at(number)].inc();
        }),
        ("counter/one", &|_| {
            counters[0].inc();
        }),
        ("counter/attributes", &|number| {
            counter.get_or_create(&labels(ROUTES[at(number)])).inc();
        }),
        ("histogram/bound", &|number| histograms[at(number)].observe((number % 9_000) as f64)),
        ("histogram/attributes", &|number| {
            let labels = labels(ROUTES[at(number)]);
            histogram.get_or_create(&labels).observe((number % 9_000) as f64);
        }),
    ])
}

#[inline(always)]
fn labels(route: &'static str) -> Labels {
    Labels { method: black_box("GET"), route, status_code: black_box(200) }
}
