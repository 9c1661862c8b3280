//! Examples and the spans they were made in.

use super::{Session, exemplars};
use crate::config::ExemplarFilter;
use crate::metrics::{Meter, Settings, View};
use crate::pipeline::local;
use crate::testing::metrics::collect_scope;
use crate::{SpanContext, SpanId, TraceFlags, TraceId};
use opentelemetry_proto::tonic::metrics::v1::exemplar::Value;

fn with(exemplars: ExemplarFilter) -> Session {
    Session::with(Settings { exemplars, ..Settings::default() })
}

/// Runs `action` inside of a span that came from elsewhere.
fn inside(flags: u8, action: impl FnOnce()) {
    let trace = TraceId::from_bytes([7; 16]);
    let span = SpanContext::remote(trace, SpanId::from_bytes([9; 8]), TraceFlags(flags), None);
    local::make_current(1, &span.ids, None, 0, None);
    action();
    local::leave(1);
}

#[test]
fn a_measurement_inside_of_a_sampled_span_is_an_example_with_its_ids() {
    let _session = with(ExemplarFilter::TraceBased);
    let histogram = Meter::named("traced").f64_histogram("h").bounds(&[1.0, 2.0]).build();
    histogram.record(0.5, &[]);
    inside(0, || histogram.record(0.6, &[]));
    inside(1, || histogram.record(1.5, &[]));
    inside(1, || histogram.bind(&[]).record(2.5));
    let metrics = collect_scope("traced");
    let found = exemplars(&metrics[0]);
    let values: Vec<_> = found.iter().map(|it| it.value).collect();
    assert_eq!(values, [Some(Value::AsDouble(1.5)), Some(Value::AsDouble(2.5))]);
    assert!(found.iter().all(|it| it.trace_id == [7; 16] && it.span_id == [9; 8]));
    assert!(found.iter().all(|it| it.time_unix_nano > 0));
    // Each interval has its own.
    assert!(exemplars(&collect_scope("traced")[0]).is_empty());
}

#[test]
fn always_on_takes_all_and_always_off_none() {
    for (filter, expected) in [(ExemplarFilter::AlwaysOn, 1), (ExemplarFilter::AlwaysOff, 0)] {
        let _session = with(filter);
        let counter = Meter::named("filters").u64_counter("c").build();
        counter.add(3, &[]);
        inside(1, || counter.add(4, &[]));
        let found = exemplars(&collect_scope("filters")[0]);
        assert_eq!(found.len(), expected);
    }
}

#[test]
fn attributes_that_a_view_leaves_out_stay_with_the_example() {
    let views = vec![View::of("c").keep(["zone"])];
    let settings = Settings { views, exemplars: ExemplarFilter::AlwaysOn, ..Settings::default() };
    let _session = Session::with(settings);
    let counter = Meter::named("left.out").u64_counter("c").build();
    counter.add(1, &[("zone", 1.into()), ("user", 7.into())]);
    let found = exemplars(&collect_scope("left.out")[0]);
    assert_eq!(super::text(&found[0].filtered_attributes), "{user=7}");
}

#[test]
fn a_reservoir_of_fixed_size_gives_every_measurement_the_same_chance() {
    let views = vec![View::of("h").exemplars(2)];
    let settings = Settings { views, exemplars: ExemplarFilter::AlwaysOn, ..Settings::default() };
    let _session = Session::with(settings);
    let histogram = Meter::named("chance").u64_histogram("h").build().bind(&[]);
    let mut late = 0;
    for _ in 0..400 {
        for value in 0..10 {
            histogram.record(value);
        }
        let found = exemplars(&collect_scope("chance")[0]);
        assert_eq!(found.len(), 2);
        late += found.iter().filter(|it| matches!(it.value, Some(Value::AsInt(5..)))).count();
    }
    // Half of 800, give or take ten standard deviations.
    assert!((260..540).contains(&late), "{late}");
}
