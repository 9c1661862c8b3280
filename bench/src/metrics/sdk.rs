//! `opentelemetry_sdk`, with a reader that nobody asks.

use super::Costs;
use super::work::{self, ROUTES, SERIES};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundCounter, BoundHistogram, MeterProvider};
use opentelemetry_sdk::metrics::{ManualReader, SdkMeterProvider};
use std::hint::black_box;

pub(super) fn measure() -> Costs {
    let provider = SdkMeterProvider::builder().with_reader(ManualReader::default()).build();
    let meter = provider.meter("bench");
    let counter = meter.u64_counter("counter").build();
    let histogram = meter.f64_histogram("histogram").build();
    let counters: Vec<BoundCounter<u64>> =
        ROUTES.iter().map(|route| counter.bind(&attributes(route))).collect();
    let histograms: Vec<BoundHistogram<f64>> =
        ROUTES.iter().map(|route| histogram.bind(&attributes(route))).collect();
    let at = |number: u64| number as usize % SERIES;
    work::measure(&[
        ("counter/bound", &|number| counters[at(number)].add(1)),
        ("counter/one", &|_| counters[0].add(1)),
        ("counter/attributes", &|number| counter.add(1, &attributes(ROUTES[at(number)]))),
        ("histogram/bound", &|number| histograms[at(number)].record((number % 9_000) as f64)),
        ("histogram/attributes", &|number| {
            histogram.record((number % 9_000) as f64, &attributes(ROUTES[at(number)]));
        }),
    ])
}

#[inline(always)]
fn attributes(route: &'static str) -> [KeyValue; 3] {
    [
        KeyValue::new("http.request.method", black_box("GET")),
        KeyValue::new("http.route", route),
        KeyValue::new("http.response.status_code", black_box(200)),
    ]
}
