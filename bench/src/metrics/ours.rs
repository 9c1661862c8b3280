//! oxitel's own API.

use super::Costs;
use super::work::{self, ROUTES, SERIES};
use anyhow::Context;
use oxitel::metrics::{BoundCounter, BoundHistogram, Meter};
use oxitel::{Config, Value};
use std::hint::black_box;

pub(super) fn measure() -> anyhow::Result<Costs> {
    // Nobody is there: what is measured here is never sent.
    let config = Config::new("bench").endpoint("http://127.0.0.1:9");
    let guard = oxitel::init(config).context("oxitel does not start")?;
    let meter = Meter::named("bench");
    let counter = meter.u64_counter("counter").build();
    let histogram = meter.f64_histogram("histogram").build();
    let counters: Vec<BoundCounter> =
        ROUTES.iter().map(|route| counter.bind(&attributes(route))).collect();
    let histograms: Vec<BoundHistogram<f64>> =
        ROUTES.iter().map(|route| histogram.bind(&attributes(route))).collect();
    let at = |number: u64| number as usize % SERIES;
    let costs = work::measure(&[
        ("counter/bound", &|number| counters[at(number)].add(1)),
        ("counter/one", &|_| counters[0].add(1)),
        ("counter/attributes", &|number| counter.add(1, &attributes(ROUTES[at(number)]))),
        ("histogram/bound", &|number| histograms[at(number)].record((number % 9_000) as f64)),
        ("histogram/attributes", &|number| {
            histogram.record((number % 9_000) as f64, &attributes(ROUTES[at(number)]));
        }),
    ]);
    drop(guard);
    Ok(costs)
}

#[inline(always)]
fn attributes(route: &'static str) -> [(&'static str, Value<'static>); 3] {
    [
        ("http.request.method", Value::Str(black_box("GET"))),
        ("http.route", Value::Str(route)),
        ("http.response.status_code", Value::I64(black_box(200))),
    ]
}
