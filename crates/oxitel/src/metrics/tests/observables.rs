//! Instruments that are asked.

use super::{Session, shown};
use crate::config::Temporality;
use crate::metrics::{Meter, Settings, View};
use insta::assert_snapshot;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

#[test]
fn a_sum_that_is_asked_for_is_told_whole_or_as_its_growth() {
    for (temporality, second) in [
        (Temporality::Cumulative, "c cumulative sum{} = 8"),
        (Temporality::Delta, "c delta sum{} = 3"),
    ] {
        let _session = Session::with(Settings { temporality, ..Settings::default() });
        let value = Arc::new(AtomicU64::new(5));
        let read = Arc::clone(&value);
        let asked = Meter::named("asked")
            .u64_observable_counter("c")
            .callback(move |it| it.observe(read.load(Ordering::Relaxed), &[]))
            .build();
        assert!(shown("asked").ends_with("= 5"));
        value.store(8, Ordering::Relaxed);
        assert_eq!(shown("asked"), second);
        asked.stop();
        assert_eq!(shown("asked"), "");
    }
}

#[test]
fn only_what_was_observed_now_is_told() {
    let _session = Session::start();
    let turn = AtomicU64::new(0);
    let asked = Meter::named("now")
        .i64_observable_gauge("g")
        .callback(move |it| {
            let turn = turn.fetch_add(1, Ordering::Relaxed);
            it.observe(-1, &[("turn", turn.into())]);
            it.observe(turn as i64, &[("turn", turn.into())]);
        })
        .build();
    assert_snapshot!(shown("now"), @"g gauge{turn=0} = 0");
    assert_snapshot!(shown("now"), @"g gauge{turn=1} = 1");
    asked.stop();
}

#[test]
fn what_a_view_makes_equal_is_added_up_and_the_limit_holds() {
    let views = vec![View::of("sum").keep(["zone"])];
    let _session = Session::with(Settings { views, cardinality_limit: 3, ..Settings::default() });
    let meter = Meter::named("equal");
    let sum = meter
        .i64_observable_up_down_counter("sum")
        .callback(|it| {
            it.observe(1, &[("zone", 1.into()), ("host", 1.into())]);
            it.observe(2, &[("zone", 1.into()), ("host", 2.into())]);
        })
        .build();
    let many = meter
        .f64_observable_counter("many")
        .callback(|it| {
            for host in 0..5 {
                it.observe(1.0, &[("host", host.into())]);
            }
        })
        .build();
    let first = shown("equal");
    assert_snapshot!(first, @r"
    many cumulative sum{host=0} = 1.0
    many cumulative sum{host=1} = 1.0
    many cumulative sum{otel.metric.overflow=true} = 3.0
    sum cumulative up-down sum{zone=1} = 3
    ");
    assert_eq!(shown("equal"), first);
    sum.stop();
    many.stop();
}

#[test]
fn a_callback_that_panics_harms_nobody() {
    let _session = Session::start();
    let meter = Meter::named("panics");
    let one = meter
        .u64_observable_gauge("a")
        .callback(|it| {
            it.observe(1, &[]);
            panic!("of the test");
        })
        .build();
    let other = meter.u64_observable_gauge("b").callback(|it| it.observe(2, &[])).build();
    assert_snapshot!(shown("panics"), @r"
    a gauge{} = 1
    b gauge{} = 2
    ");
    one.stop();
    other.stop();
}

#[test]
fn a_callback_that_hangs_costs_the_timeout_once_and_its_own_points() {
    let callback_timeout = Duration::from_millis(100);
    let _session = Session::with(Settings { callback_timeout, ..Settings::default() });
    let meter = Meter::named("hangs");
    let fine = meter.u64_observable_gauge("fine").callback(|it| it.observe(1, &[])).build();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = std::sync::Mutex::new(may_go_on);
    let hanging = meter
        .u64_observable_gauge("hanging")
        .callback(move |it| {
            // Ends when the test drops its side.
            let _ = may_go_on.lock().map(|ended| ended.recv());
            it.observe(1, &[]);
        })
        .build();
    meter.u64_counter("counter").build().add(1, &[]);
    let begun = Instant::now();
    assert_snapshot!(shown("hangs"), @r"
    counter cumulative sum{} = 1
    fine gauge{} = 1
    ");
    // It still runs: nobody is asked, nobody waits.
    assert_snapshot!(shown("hangs"), @"counter cumulative sum{} = 1");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    drop(go_on);
    let deadline = Instant::now() + Duration::from_secs(10);
    while !shown("hangs").contains("hanging") {
        assert!(Instant::now() < deadline, "it is asked again when it has ended");
        std::thread::yield_now();
    }
    hanging.stop();
    fine.stop();
}
