//! The limit of points, and the point for the rest.

use super::{Session, shown};
use crate::config::Temporality;
use crate::metrics::{Meter, Settings, View};
use crate::testing::metrics::collect_scope;
use insta::assert_snapshot;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point};

fn limited(limit: usize, temporality: Temporality) -> Session {
    Session::with(Settings { cardinality_limit: limit, temporality, ..Settings::default() })
}

#[test]
fn beyond_the_limit_every_measurement_is_in_the_point_for_the_rest() {
    let _session = limited(3, Temporality::Cumulative);
    let counter = Meter::named("rest").u64_counter("c").build();
    for round in 0..2 {
        for user in 0..5 {
            counter.add(1, &[("user", user.into())]);
            counter.bind(&[("user", user.into())]).add(round);
        }
    }
    let first = shown("rest");
    assert_snapshot!(first, @r"
    c cumulative sum{otel.metric.overflow=true} = 9
    c cumulative sum{user=0} = 3
    c cumulative sum{user=1} = 3
    ");
    // The early ones stay, also in later intervals.
    assert_eq!(shown("rest"), first);
}

#[test]
fn with_delta_each_interval_has_the_whole_limit() {
    let _session = limited(3, Temporality::Delta);
    let counter = Meter::named("delta.rest").u64_counter("c").build();
    for first in [0_u64, 10] {
        for user in first..first + 4 {
            counter.add(1, &[("user", user.into())]);
        }
        let expected = format!(
            "c delta sum{{otel.metric.overflow=true}} = 2\n\
             c delta sum{{user={first}}} = 1\nc delta sum{{user={}}} = 1",
            first + 1
        );
        assert_eq!(shown("delta.rest"), expected);
    }
}

#[test]
fn the_limit_counts_what_a_view_leaves_and_a_view_may_set_it() {
    let views = vec![View::of("filtered").keep(["zone"]), View::of("small").cardinality_limit(2)];
    let _session = Session::with(Settings { views, cardinality_limit: 3, ..Settings::default() });
    let meter = Meter::named("left");
    let filtered = meter.u64_counter("filtered").build();
    let small = meter.u64_counter("small").build();
    for user in 0..9_u64 {
        filtered.add(1, &[("user", user.into()), ("zone", (user % 2).into())]);
        small.add(1, &[("user", user.into())]);
    }
    assert_snapshot!(shown("left"), @r"
    filtered cumulative sum{zone=0} = 5
    filtered cumulative sum{zone=1} = 4
    small cumulative sum{otel.metric.overflow=true} = 8
    small cumulative sum{user=0} = 1
    ");
}

#[test]
fn the_usual_limit_is_two_thousand_points_with_a_true_flag_on_the_last() {
    let _session = Session::start();
    let counter = Meter::named("many").u64_counter("c").build();
    for user in 0..12_345_u64 {
        counter.add(2, &[("user", user.into())]);
    }
    let metrics = collect_scope("many");
    let Some(Data::Sum(sum)) = &metrics[0].data else { panic!("a sum") };
    let points = &sum.data_points;
    assert_eq!(points.len(), 2000);
    let number = |value: &Option<number_data_point::Value>| match value {
        Some(number_data_point::Value::AsInt(number)) => *number,
        _ => panic!("a whole number"),
    };
    assert_eq!(points.iter().map(|point| number(&point.value)).sum::<i64>(), 24_690);
    let rest = points.last().expect("points");
    let flag = rest.attributes[0].value.as_ref().and_then(|any| any.value.clone());
    assert_eq!(flag, Some(Value::BoolValue(true)));
    assert_eq!(number(&rest.value), (12_345 - 1999) * 2);
}
