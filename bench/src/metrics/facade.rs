//! The facade `metrics`, with the recorder that programs serve to Prometheus.

use super::Costs;
use super::work::{self, ROUTES, SERIES};
use anyhow::Context;
use metrics::{Counter, Histogram, counter, histogram};
use metrics_exporter_prometheus::PrometheusBuilder;
use std::hint::black_box;

/// Those that `prometheus_client` and we have by default are near enough.
const BOUNDS: [f64; 15] = [
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0,
    10_000.0,
];

pub(super) fn measure() -> anyhow::Result<Costs> {
    let builder = PrometheusBuilder::new().set_buckets(&BOUNDS).context("the buckets")?;
    // Nobody scrapes it.
    let _scraped = builder.install_recorder().context("the recorder")?;
    let counters: Vec<Counter> = ROUTES.iter().map(|route| counted(route)).collect();
    let histograms: Vec<Histogram> = ROUTES.iter().map(|route| timed(route)).collect();
    let at = |number: u64| number as usize % SERIES;
    Ok(work::measure(&[
        ("counter/bound", &|number| counters[at(number)].increment(1)),
        ("counter/one", &|_| counters[0].increment(1)),
        ("counter/attributes", &|number| counted(ROUTES[at(number)]).increment(1)),
        ("histogram/bound", &|number| histograms[at(number)].record((number % 9_000) as f64)),
        ("histogram/attributes", &|number| {
            timed(ROUTES[at(number)]).record((number % 9_000) as f64);
        }),
    ]))
}

#[inline(always)]
fn counted(route: &'static str) -> Counter {
    counter!("counter", "http.request.method" => black_box("GET"), "http.route" => route,
        "http.response.status_code" => black_box("200"))
}

#[inline(always)]
fn timed(route: &'static str) -> Histogram {
    histogram!("histogram", "http.request.method" => black_box("GET"), "http.route" => route,
        "http.response.status_code" => black_box("200"))
}
