//! Names, duplicates and views.

use super::{Session, shown};
use crate::metrics::{Aggregation, InstrumentKind, Meter, Settings, View};
use crate::testing::metrics::{self, collect_scope};
use insta::assert_snapshot;

fn with_views(views: Vec<View>) -> Session {
    Session::with(Settings { views, ..Settings::default() })
}

#[test]
fn the_same_instrument_made_twice_is_one_and_its_first_name_stays() {
    let _session = Session::start();
    let meter = Meter::named("twice");
    meter.u64_counter("Requests").build().add(1, &[]);
    meter.u64_counter("requests").build().add(2, &[]);
    assert_snapshot!(shown("twice"), @"Requests cumulative sum{} = 3");
}

#[test]
fn instruments_of_one_name_that_differ_both_work() {
    let _session = Session::start();
    let meter = Meter::named("differ");
    meter.u64_counter("requests").build().add(1, &[]);
    meter.u64_counter("requests").unit("{r}").build().add(2, &[]);
    meter.f64_gauge("requests").build().record(3.0, &[]);
    assert_snapshot!(shown("differ"), @r"
    requests [{r}] cumulative sum{} = 2
    requests cumulative sum{} = 1
    requests gauge{} = 3.0
    ");
}

#[test]
fn an_instrument_without_a_proper_name_records_nothing() {
    let _session = Session::start();
    let meter = Meter::named("nameless");
    meter.u64_counter("").build().add(1, &[]);
    let bound = meter.u64_counter("9 lives").build().bind(&[]);
    bound.add(1);
    assert_eq!(shown("nameless"), "");
}

#[test]
fn a_view_renames_describes_and_leaves_attributes_out() {
    let _session = with_views(vec![
        View::of("orders").name("sales").description("what we sold").keep(["shop"]),
        View::of("*.bytes").leave_out(["peer"]),
    ]);
    let meter = Meter::named("views");
    let orders = meter.u64_counter("orders").build();
    orders.add(1, &[("shop", "a".into()), ("user", 1.into())]);
    orders.add(2, &[("user", 2.into()), ("shop", "a".into())]);
    let bytes = meter.u64_counter("sent.bytes").build();
    bytes.bind(&[("peer", "x".into()), ("zone", 1.into())]).add(5);
    bytes.add(6, &[("peer", "y".into()), ("zone", 1.into())]);
    let description = collect_scope("views")[0].description.clone();
    assert_eq!(description, "what we sold");
    assert_snapshot!(shown("views"), @r"
    sales cumulative sum{shop=a} = 3
    sent.bytes cumulative sum{zone=1} = 11
    ");
}

#[test]
fn each_view_that_matches_gives_a_metric_and_drop_gives_none() {
    let _session = with_views(vec![
        View::of("latency").aggregation(Aggregation::ExplicitHistogram {
            bounds: Some(vec![10.0]),
            min_max: false,
        }),
        View::of("latency").name("latency.total").aggregation(Aggregation::Sum),
        View::of("noise").aggregation(Aggregation::Drop),
        View::of("*").of_kind(InstrumentKind::Gauge).of_unit("C").name("not with wildcards"),
        View::of("counted").aggregation(Aggregation::LastValue),
    ]);
    let meter = Meter::named("several");
    let latency = meter.f64_histogram("latency").build();
    latency.record(3.0, &[]);
    latency.bind(&[]).record(30.0);
    meter.u64_counter("noise").build().add(1, &[]);
    meter.u64_counter("counted").build().add(1, &[]);
    meter.f64_gauge("heat").unit("C").build().record(1.0, &[]);
    assert_snapshot!(shown("several"), @r"
    counted cumulative sum{} = 1
    heat [C] gauge{} = 1.0
    latency cumulative histogram{} = count 2 sum Some(33.0) None..None [1, 1]
    latency.total cumulative sum{} = 33.0
    ");
}

#[test]
fn views_look_at_scopes_as_well() {
    static ONE: crate::Scope =
        crate::Scope::new("one.scope").version("1").schema_url("https://schemas/1");
    let _session = with_views(vec![
        View::of("c").of_scope("one.scope").of_scope_version("1").name("seen"),
        View::of("c").of_scope("one.scope").of_scope_version("2").name("unseen"),
        View::of("d").of_scope_schema("https://schemas/1").name("by schema"),
    ]);
    let meter = Meter::of(&ONE);
    meter.u64_counter("c").build().add(1, &[]);
    meter.u64_counter("d").build().add(1, &[]);
    Meter::named("another.scope").u64_counter("c").build().add(2, &[]);
    assert_snapshot!(shown("one.scope"), @r"
    by schema cumulative sum{} = 1
    seen cumulative sum{} = 1
    ");
    assert_snapshot!(shown("another.scope"), @"c cumulative sum{} = 2");
}

#[test]
fn the_order_of_attributes_does_not_matter_and_the_later_of_two_counts() {
    let _session = Session::start();
    let counter = Meter::named("order").u64_counter("c").build();
    for _ in 0..2 {
        counter.add(1, &[("a", 1.into()), ("b", 2.into())]);
        counter.add(1, &[("b", 2.into()), ("a", 1.into())]);
        counter.add(1, &[("a", 9.into()), ("b", 2.into()), ("a", 1.into())]);
    }
    counter.bind(&[("b", 2.into()), ("a", 1.into())]).add(1);
    assert_snapshot!(shown("order"), @"c cumulative sum{a=1,b=2} = 7");
}

#[test]
fn secrets_in_attributes_are_replaced() {
    let _session = Session::start();
    let counter = Meter::named("secrets").u64_counter("c").build();
    counter.add(1, &[("password", "hunter2".into())]);
    counter.add(1, &[("url", "https://me:pw@host/".into())]);
    counter.bind(&[("api_key", "k".into())]).add(1);
    let all = shown("secrets");
    assert!(!all.contains("hunter2") && !all.contains("pw") && !all.contains("=k"), "{all}");
    assert_eq!(all.lines().count(), 3);
}

#[test]
fn a_new_session_begins_at_zero_and_handles_live_on() {
    let counter = Meter::named("again").u64_counter("c").build();
    let bound = counter.bind(&[]);
    for _ in 0..2 {
        let session = Session::start();
        counter.add(1, &[]);
        bound.add(1);
        assert_eq!(shown("again"), "c cumulative sum{} = 2");
        // While it is still this test's turn.
        metrics::stop();
        bound.add(1);
        assert_eq!(shown("again"), "");
        drop(session);
    }
}
