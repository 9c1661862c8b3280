//! What each instrument gives, at both temporalities.

use super::{Session, shown};
use crate::config::Temporality;
use crate::metrics::{Aggregation, Meter, Settings};
use crate::testing::metrics::collect_scope;
use insta::assert_snapshot;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

#[test]
fn every_instrument_gives_its_points() {
    let _session = Session::start();
    let meter = Meter::named("every");
    meter.u64_counter("a.counter").unit("{call}").build().add(2, &[("key", "x".into())]);
    meter.f64_counter("b.counter").build().add(0.5, &[]);
    meter.i64_up_down_counter("c.up_down").build().add(-3, &[]);
    meter.f64_up_down_counter("d.up_down").build().add(-0.5, &[]);
    meter.u64_gauge("e.gauge").build().record(7, &[]);
    meter.i64_gauge("f.gauge").build().record(-7, &[]);
    meter.f64_gauge("g.gauge").build().record(0.25, &[("flag", true.into())]);
    meter.f64_histogram("h.histogram").unit("s").bounds(&[1.0, 2.0]).build().record(1.5, &[]);
    meter.u64_histogram("i.histogram").bounds(&[1.0, 2.0]).build().record(2, &[]);
    assert_snapshot!(shown("every"), @r"
    a.counter [{call}] cumulative sum{key=x} = 2
    b.counter cumulative sum{} = 0.5
    c.up_down cumulative up-down sum{} = -3
    d.up_down cumulative up-down sum{} = -0.5
    e.gauge gauge{} = 7
    f.gauge gauge{} = -7
    g.gauge gauge{flag=true} = 0.25
    h.histogram [s] cumulative histogram{} = count 1 sum Some(1.5) Some(1.5)..Some(1.5) [0, 1, 0]
    i.histogram cumulative histogram{} = count 1 sum Some(2.0) Some(2.0)..Some(2.0) [0, 1, 0]
    ");
}

#[test]
fn cumulative_points_go_on_and_delta_points_begin_anew() {
    for (session, name) in
        [(Session::start as fn() -> Session, "cumulative"), (Session::delta, "delta")]
    {
        let _session = session();
        let meter = Meter::named(name);
        let counter = meter.u64_counter("counter").build();
        let up_down = meter.i64_up_down_counter("up_down").build();
        let histogram = meter.f64_histogram("histogram").bounds(&[1.0]).build();
        let gauge = meter.f64_gauge("gauge").build();
        let bound = counter.bind(&[("bound", true.into())]);
        for round in 1..=2_u32 {
            counter.add(1, &[]);
            bound.add(10);
            up_down.add(5, &[]);
            histogram.record(f64::from(round), &[]);
            gauge.record(f64::from(round), &[]);
            let all = shown(name);
            let expected = match (name, round) {
                ("delta", 2) => {
                    "counter delta sum{bound=true} = 10\n\
                     counter delta sum{} = 1\n\
                     gauge gauge{} = 2.0\n\
                     histogram delta histogram{} = count 1 sum Some(2.0) Some(2.0)..Some(2.0) [0, 1]\n\
                     up_down cumulative up-down sum{} = 10"
                }
                ("cumulative", 2) => {
                    "counter cumulative sum{bound=true} = 20\n\
                     counter cumulative sum{} = 2\n\
                     gauge gauge{} = 2.0\n\
                     histogram cumulative histogram{} = count 2 sum Some(3.0) Some(1.0)..Some(2.0) [1, 1]\n\
                     up_down cumulative up-down sum{} = 10"
                }
                _ => continue,
            };
            assert_eq!(all, expected);
        }
        let silent = shown(name);
        let expected = if name == "delta" { 1 } else { 5 };
        assert_eq!(silent.lines().count(), expected, "{silent}");
    }
}

#[test]
fn delta_points_begin_where_those_before_ended() {
    let _session = Session::delta();
    let counter = Meter::named("times").u64_counter("counter").build();
    let mut ended = 0;
    for round in 0..3 {
        counter.add(1, &[]);
        let metrics = collect_scope("times");
        let Some(Data::Sum(sum)) = &metrics[0].data else { panic!("a sum") };
        let point = &sum.data_points[0];
        assert!(point.start_time_unix_nano < point.time_unix_nano);
        if round > 0 {
            assert_eq!(point.start_time_unix_nano, ended);
        }
        ended = point.time_unix_nano;
    }
}

#[test]
fn low_memory_makes_delta_of_what_is_counted_here() {
    let temporality = Temporality::LowMemory;
    let _session = Session::with(Settings { temporality, ..Settings::default() });
    let meter = Meter::named("low");
    meter.u64_counter("counter").build().add(1, &[]);
    meter.i64_up_down_counter("up_down").build().add(1, &[]);
    let asked = meter.u64_observable_counter("asked").callback(|it| it.observe(3, &[])).build();
    assert_snapshot!(shown("low"), @r"
    asked cumulative sum{} = 3
    counter delta sum{} = 1
    up_down cumulative up-down sum{} = 1
    ");
    asked.stop();
}

#[test]
fn measurements_that_are_no_numbers_or_go_back_are_left_out() {
    let _session = Session::start();
    let meter = Meter::named("odd");
    let counter = meter.f64_counter("counter").build();
    let histogram = meter.f64_histogram("histogram").bounds(&[0.0]).build();
    for value in [1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0] {
        counter.add(value, &[]);
        counter.bind(&[]).add(value);
        histogram.record(value, &[]);
    }
    let whole = meter.u64_counter("whole").build();
    whole.add(u64::MAX, &[]);
    whole.add(0, &[]);
    assert_snapshot!(shown("odd"), @r"
    counter cumulative sum{} = 2.0
    histogram cumulative histogram{} = count 2 sum Some(0.0) Some(-1.0)..Some(1.0) [1, 1]
    whole cumulative sum{} = 1.8446744073709552e19
    ");
}

#[test]
fn histograms_are_exponential_when_that_is_set() {
    let histograms = Aggregation::exponential();
    let _session = Session::with(Settings { histograms, ..Settings::default() });
    let histogram = Meter::named("expo").f64_histogram("histogram").build();
    for value in [1.0, 4.0, 0.0, -2.0, f64::NAN] {
        histogram.record(value, &[]);
    }
    assert_snapshot!(shown("expo"), @"histogram cumulative exponential{} = count 4 zeros 1 sum Some(3.0) scale 6 Some((-1, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])) Some((63, [1]))");
}
