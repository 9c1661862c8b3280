//! Instruments of bindings: each number says whether it is whole, and each measurement which span
//! it was made in.

use super::{Session, exemplars, shown};
use crate::binding::{Amount, Described, RuntimeScope};
use crate::metrics::InstrumentKind as Kind;
use crate::testing::metrics::collect_scope;
use crate::{SpanContext, SpanId, TraceFlags, TraceId};
use opentelemetry_proto::tonic::metrics::v1::exemplar::Value;
use std::thread;

const NONE: &SpanContext = &SpanContext::NONE;

fn scope(name: &str) -> RuntimeScope {
    RuntimeScope::of(name, "", "", &[])
}

fn named(name: &str) -> Described<'_> {
    Described { name, ..Described::default() }
}

#[test]
fn a_point_is_a_whole_number_while_all_of_its_measurements_were() {
    let _session = Session::start();
    let counter = scope("either").instrument(Kind::Counter, &named("c"));
    let gauge = scope("either").instrument(Kind::Gauge, &named("g"));
    counter.record(Amount::Whole(2), &[("kind", "whole".into())], NONE);
    counter.record(Amount::Whole(2), &[("kind", "both".into())], NONE);
    counter.record(Amount::Float(0.5), &[("kind", "both".into())], NONE);
    gauge.record(Amount::Float(0.5), &[], NONE);
    gauge.record(Amount::Whole(-7), &[], NONE);
    insta::assert_snapshot!(shown("either"), @r"
    c cumulative sum{kind=both} = 2.5
    c cumulative sum{kind=whole} = 2
    g gauge{} = -7
    ");
    thread::scope(|threads| {
        threads.spawn(|| counter.record(Amount::Float(1.0), &[("kind", "whole".into())], NONE));
    });
    counter.record(Amount::Whole(1), &[("kind", "both".into())], NONE);
    gauge.record(Amount::Float(2.0), &[], NONE);
    insta::assert_snapshot!(shown("either"), @r"
    c cumulative sum{kind=both} = 3.5
    c cumulative sum{kind=whole} = 3.0
    g gauge{} = 2.0
    ");
}

#[test]
fn each_interval_of_delta_says_for_itself_what_it_is() {
    let _session = Session::delta();
    let counter = scope("either.delta").instrument(Kind::Counter, &named("c"));
    counter.record(Amount::Float(0.5), &[], NONE);
    insta::assert_snapshot!(shown("either.delta"), @"c delta sum{} = 0.5");
    counter.record(Amount::Whole(3), &[], NONE);
    insta::assert_snapshot!(shown("either.delta"), @"c delta sum{} = 3");
}

#[test]
fn sums_of_whole_numbers_are_exact_beyond_what_floats_can_tell() {
    let _session = Session::start();
    let counter = scope("either.exact").instrument(Kind::UpDownCounter, &named("c"));
    counter.record(Amount::Whole(1 << 60), &[], NONE);
    counter.record(Amount::Whole(1), &[], NONE);
    counter.record(Amount::Whole(-3), &[], NONE);
    let sum = shown("either.exact");
    assert!(sum.ends_with(&format!("= {}", (1_i64 << 60) - 2)), "{sum}");
}

#[test]
fn what_is_no_number_or_shrinks_what_only_grows_is_refused() {
    let _session = Session::start();
    for (kind, takes_negative) in [
        (Kind::Counter, false),
        (Kind::Histogram, false),
        (Kind::UpDownCounter, true),
        (Kind::Gauge, true),
    ] {
        let instrument = scope("either.refused").instrument(kind, &named("c"));
        let record = |amount| instrument.record(amount, &[], NONE);
        assert!(record(Amount::Whole(0)) && record(Amount::Float(0.5)));
        assert_eq!(record(Amount::Whole(-1)), takes_negative, "{kind:?}");
        assert_eq!(record(Amount::Float(-0.5)), takes_negative, "{kind:?}");
        assert!(!record(Amount::Float(f64::NAN)) && !record(Amount::Float(f64::INFINITY)));
    }
}

#[test]
fn an_example_has_the_span_that_its_measurement_came_with() {
    let _session = Session::start();
    let histogram = scope("either.traced").instrument(Kind::Histogram, &named("h"));
    let inside = |flags| {
        let trace = TraceId::from_bytes([7; 16]);
        SpanContext::remote(trace, SpanId::from_bytes([9; 8]), TraceFlags(flags), None)
    };
    histogram.record(Amount::Whole(1), &[], NONE);
    histogram.record(Amount::Whole(2), &[], &inside(0));
    histogram.record(Amount::Whole(3), &[], &inside(1));
    histogram.record(Amount::Float(30.5), &[], &inside(1));
    let metrics = collect_scope("either.traced");
    let found = exemplars(&metrics[0]);
    let values: Vec<_> = found.iter().map(|it| it.value).collect();
    assert_eq!(values, [Some(Value::AsInt(3)), Some(Value::AsDouble(30.5))]);
    assert!(found.iter().all(|it| it.trace_id == [7; 16] && it.span_id == [9; 8]));
}

#[test]
fn callbacks_tell_numbers_of_both_types() {
    let _session = Session::delta();
    let counter = scope("either.asked").instrument(Kind::ObservableCounter, &named("c"));
    counter.ask(|observer| {
        observer.observe(Amount::Whole(5), &[("kind", "whole".into())]);
        observer.observe(Amount::Float(0.5), &[("kind", "float".into())]);
    });
    insta::assert_snapshot!(shown("either.asked"), @r"
    c delta sum{kind=float} = 0.5
    c delta sum{kind=whole} = 5
    ");
    insta::assert_snapshot!(shown("either.asked"), @r"
    c delta sum{kind=float} = 0.0
    c delta sum{kind=whole} = 0
    ");
}
