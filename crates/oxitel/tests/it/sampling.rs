//! What is kept, and who decides.

use crate::session::{PATIENCE, Session};
use oxitel::{
    Decision, Kind, Sampler, Sampling, Scope, ShouldSample, SpanContext, SpanId, TraceFlags,
    TraceId, context, propagate,
};
use std::sync::{Arc, Mutex};
use tracing_subscriber::layer::SubscriberExt;

static SCOPE: Scope = Scope::new("sampling");

/// A sampler made of a function.
struct By<F>(F);

impl<F: Fn(&Sampling<'_>) -> Decision + Send + Sync> ShouldSample for By<F> {
    fn should_sample(&self, sampling: &Sampling<'_>) -> Decision {
        (self.0)(sampling)
    }
}

fn by(decide: impl Fn(&Sampling<'_>) -> Decision + Send + Sync + 'static) -> Sampler {
    Sampler::custom(By(decide))
}

fn caller(sampled: bool, trace_state: &str) -> SpanContext {
    let flags = TraceFlags(if sampled { TraceFlags::SAMPLED } else { 0 });
    let (trace, span) = (TraceId::from_bytes([7; 16]), SpanId::from_bytes([8; 8]));
    SpanContext::remote(trace, span, flags, Some(trace_state))
}

fn trace_state_of_child(parent: &SpanContext) -> String {
    let span = SCOPE.build("child").parent(parent).start();
    span.context().trace_state().to_owned()
}

#[test]
fn a_sampler_of_the_program_sees_what_is_known_and_adds_to_it() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let session = Session::with(|config| {
        config.sampler(by(move |sampling| {
            notes.lock().expect("no panic").push(format!(
                "{} {:?} parent={} trace={} {:?} links={}",
                sampling.name,
                sampling.kind,
                sampling.parent.is_valid(),
                sampling.trace_id.is_valid(),
                sampling.attributes,
                sampling.links.len(),
            ));
            let keep = sampling.name != "unwanted";
            Decision::keep_if(keep).attribute("by", "sampler").attribute("rate", 0.5)
        }))
    });
    {
        let root = SCOPE.enter("root");
        let build = SCOPE.build("child").kind(Kind::Client).attribute("n", 1);
        drop(build.link(&root.context()).start());
        drop(SCOPE.build("unwanted").enter());
    }
    insta::assert_snapshot!(seen.lock().expect("no panic").join("\n"), @r#"
    root Internal parent=false trace=true [] links=0
    child Client parent=true trace=true [("n", I64(1))] links=1
    unwanted Internal parent=true trace=true [] links=0
    "#);
    insta::assert_snapshot!(session.tree(), @r#"
    it: root (internal) by=sampler rate=0.5
      it: child (client) n=1 by=sampler rate=0.5
        → root
    "#);
}

#[test]
fn a_sampler_changes_or_clears_the_trace_state() {
    let session = Session::with(|config| {
        config.sampler(by(|sampling| match sampling.name {
            "set" => Decision::keep().trace_state("a=2"),
            "clear" => Decision::drop().trace_state(""),
            _ => Decision::keep(),
        }))
    });
    let parent = caller(true, "a=1");
    let state = |name| {
        let span = SCOPE.build(name).parent(&parent).start();
        span.context().trace_state().to_owned()
    };
    assert_eq!([state("set"), state("clear"), state("other")], ["a=2", "", "a=1"]);
    oxitel::flush(PATIENCE).expect("delivered");
    session.verify();
}

#[test]
fn a_sampler_that_panics_leaves_the_decision_to_the_parent() {
    let session = Session::with(|config| config.sampler(by(|_| panic!("as the test wants it"))));
    drop(SCOPE.enter("root"));
    drop(SCOPE.build("kept").parent(&caller(true, "")).start());
    drop(SCOPE.build("not kept").parent(&caller(false, "")).start());
    insta::assert_snapshot!(session.tree(), @r#"
    it: root (internal)
    it: kept (internal) (parent missing)
    "#);
    assert_eq!(session.ledger().panics, 3);
}

#[test]
fn a_sampler_may_record_spans_itself() {
    let session = Session::with(|config| {
        config.sampler(by(|sampling| {
            let _inner = SCOPE.enter("made while deciding");
            Decision::keep_if(sampling.name == "kept")
        }))
    });
    drop(SCOPE.enter("kept"));
    drop(SCOPE.span("not kept"));
    insta::assert_snapshot!(session.tree(), @r#"
    it: made while deciding (internal)
    it: kept (internal)
    it: made while deciding (internal)
    "#);
}

#[test]
fn a_parent_based_sampler_is_asked_for_roots_only() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&asked);
    let sampler = by(move |sampling| {
        notes.lock().expect("no panic").push(sampling.name.to_owned());
        Decision::drop()
    });
    let session = Session::with(|config| config.sampler(sampler.parent_based()));
    {
        let _root = SCOPE.enter("root");
        drop(SCOPE.enter("below"));
        drop(SCOPE.build("below a caller").parent(&caller(true, "")).start());
    }
    assert_eq!(*asked.lock().expect("no panic"), ["root"]);
    insta::assert_snapshot!(session.tree(), @"it: below a caller (internal) (parent missing)");
}

#[test]
fn each_place_below_a_parent_has_its_sampler() {
    let sampler = Sampler::always_on()
        .parent_based()
        .remote_parent_not_sampled(Sampler::always_on())
        .remote_parent_sampled(Sampler::always_off())
        .local_parent_sampled(Sampler::always_off());
    let session = Session::with(|config| config.sampler(sampler));
    {
        let _root = SCOPE.enter("root");
        drop(SCOPE.enter("below the root"));
    }
    drop(SCOPE.build("below an unsampled caller").parent(&caller(false, "")).start());
    drop(SCOPE.build("below a sampled caller").parent(&caller(true, "")).start());
    insta::assert_snapshot!(session.tree(), @r#"
    it: root (internal)
    it: below an unsampled caller (internal) (parent missing)
    "#);
}

#[test]
fn a_probability_travels_in_the_trace_state() {
    let session = Session::with(|config| config.sampler(Sampler::probability(0.5)));
    let with = |randomness: &str| caller(true, &format!("x=1,ot=rv:{randomness}"));
    assert_eq!(trace_state_of_child(&with("c0000000000000")), "ot=th:8;rv:c0000000000000,x=1");
    assert_eq!(trace_state_of_child(&with("40000000000000")), "x=1,ot=rv:40000000000000");
    assert_eq!(session.ledger().recorded, 1, "the other was not kept");
    let mut headers = Vec::new();
    while headers.len() < 2 {
        let root = SCOPE.enter("root");
        headers.clear();
        propagate::inject(|name, value| headers.push(format!("{name}: {value}")));
        let kept = context::capture().span_context().is_sampled();
        assert_eq!(headers.len(), if kept { 2 } else { 1 }, "{headers:?}");
        assert!(headers[0].ends_with(if kept { "-03" } else { "-02" }), "{headers:?}");
        drop(root);
    }
    assert_eq!(headers[1], "tracestate: ot=th:8");
}

#[test]
fn a_sampler_sees_the_fields_of_tracing_spans() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let session = Session::with(|config| {
        config.sampler(by(move |sampling| {
            let told = format!("{} {:?} {:?}", sampling.name, sampling.kind, sampling.attributes);
            notes.lock().expect("no panic").push(told);
            Decision::keep()
        }))
    });
    let layered = tracing_subscriber::registry().with(oxitel::bridge::layer());
    tracing::subscriber::with_default(layered, || {
        drop(tracing::info_span!(
            "span",
            otel.kind = "server",
            otel.name = "named",
            n = 1,
            text = "t"
        ));
    });
    insta::assert_snapshot!(seen.lock().expect("no panic").join("\n"), @r#"named Server [("n", I64(1)), ("text", Str("t"))]"#);
    insta::assert_snapshot!(session.tree(), @"it: named (server) n=1 text=t");
}
