//! Where nothing is recorded: suppressed scopes and traces that are sampled out. And events.

use crate::harness::{
    ACTIVATIONS, FRONT_ENDS, Run, SCOPE, api, current, d, each_run, from_remote, gives, o, parents,
    remote, span, t,
};
use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext as ApiSpanContext, TraceContextExt, TraceFlags, TraceState,
};
use oxitel::{SpanContext, context};
use tracing::info;

#[test]
fn in_a_suppressed_scope_no_api_records_or_propagates() {
    gives("T<- w<T", |_| {
        let _outer = span("T").entered();
        {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            t("x");
            o("y");
            d("z");
            drop(SCOPE.span("v"));
            assert!(!current().is_valid());
            oxitel::propagate::inject(|name, _| panic!("{name} is injected"));
            let _inner = span("q").entered();
            let _direct = SCOPE.enter("q");
            let _attached = api("q").attach();
            t("x");
            o("x");
            d("x");
            let _taken_along = context::capture().attach();
            d("x");
            oxitel::propagate::inject(|name, _| panic!("{name} is injected"));
        }
        o("w");
    });
}

#[test]
fn work_taken_along_from_a_suppressed_scope_is_suppressed() {
    gives("w<-", |run| {
        let place = {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            context::capture()
        };
        let thread = run.thread(move || {
            place.run(|| {
                t("x");
                o("y");
                d("z");
                let _below = context::with_parent(&SpanContext::NONE).attach();
                t("x");
                d("z");
            });
            t("w");
        });
        thread.join().expect("no panic");
    });
}

#[test]
fn below_a_span_that_is_sampled_out_nothing_is_recorded_and_the_decision_travels() {
    for front_end in FRONT_ENDS {
        for activation in ACTIVATIONS {
            let run = Run::start(front_end, activation);
            run.program(|| {
                let unsampled = ApiSpanContext::new(
                    remote(1).trace_id(),
                    remote(1).span_id(),
                    TraceFlags::default(),
                    true,
                    TraceState::NONE,
                );
                let outside = Context::current().with_remote_span_context(unsampled);
                for kind in 0..3 {
                    let _caller = outside.clone().attach();
                    below_unsampled(kind);
                }
            });
            let got = parents(&run.spans());
            assert_eq!(got, ["k<remote2"; 3], "{}", run.title());
            assert!(!current().is_valid());
        }
    }
}

/// A span of each API in turn, with everything below it.
fn below_unsampled(kind: usize) {
    let tracing = (kind == 0).then(|| span("out").entered());
    let attached = (kind == 1).then(|| api("out").attach());
    let direct = (kind == 2).then(|| SCOPE.enter("out"));
    let header = || {
        let mut headers = Vec::new();
        oxitel::propagate::inject(|_, value| headers.push(value.to_owned()));
        headers.pop().expect("the decision travels")
    };
    let outer = header();
    assert!(outer.starts_with("00-00000000000000000000000000000001-") && outer.ends_with("-00"));
    t("x");
    o("y");
    d("z");
    info!("nowhere");
    let inner = span("q").entered();
    o("y");
    let inner_attached = api("r").attach();
    d("z");
    t("x");
    assert!(header().starts_with(&outer[..36]) && header().ends_with("-00"));
    {
        // Sampled by its caller: it is recorded.
        let _caller = from_remote(2).attach();
        t("k");
    }
    drop((inner_attached, inner, direct, attached, tracing));
}

#[test]
fn events_are_on_the_innermost_tracing_span() {
    each_run(|run| {
        run.program(|| {
            info!("outside");
            let _outer = span("T").entered();
            info!("in T");
            let _attached = api("O").attach();
            let _inner = span("U").entered();
            info!("in U");
            info!(parent: None, "without");
        });
        let spans = run.spans();
        let of = |name: &str| -> Vec<String> {
            let record = spans.iter().find(|record| record.span.name == name);
            let events = &record.expect("recorded").span.events;
            events.iter().map(|event| event.name.clone()).collect()
        };
        assert_eq!(of("T"), ["in T"], "{}", run.title());
        assert_eq!(of("U"), ["in U"], "{}", run.title());
        assert_eq!(of("O"), Vec::<String>::new(), "{}", run.title());
    });
}
