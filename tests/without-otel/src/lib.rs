//! A small service that uses every name of `oxitel`. That it compiles with and without the
//! feature `otel` is the point; what it returns is the same when telemetry is off.

use oxitel::context::Baggage;
use oxitel::propagate::environment::{self, Variables};
use oxitel::propagate::{Extract, Getter, Incoming, Inject, Propagator, Propagators, Setter};
use oxitel::{
    Config, FlushError, InitError, Kind, Limits, Sampler, Scope, SpanContext, Stats, Status, Value,
    context, propagate,
};
use std::collections::{BTreeMap, HashMap};
use std::process::Command;
use std::time::Duration;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Layered, SubscriberExt};

static SCOPE: Scope = Scope::new("service").version("1").schema_url("").attributes(&[("a", "b")]);

/// What the service saw of its telemetry.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whether any span was recorded.
    pub recording: bool,
    /// Headers that would go to the next service.
    pub headers: Vec<(String, String)>,
    /// The ledger at the end.
    pub stats: Stats,
    /// How the flush went.
    pub flushed: Result<(), FlushError>,
}

/// Runs the service once, with nowhere to send to.
pub fn run() -> Result<Seen, InitError> {
    let config = Config::default()
        .header("k", "v")
        .resource_attribute("k", "v")
        .sampler(Sampler::ratio(0.5).parent_based())
        .limits(Limits::default())
        .schedule_delay(Duration::from_secs(1))
        .export_timeout(Duration::from_secs(1))
        .shutdown_timeout(Duration::from_secs(1))
        .queue_bytes(1 << 20)
        .live_bytes(1 << 20);
    let guard = oxitel::init(config)?;
    let mut recording = guard.is_recording();

    let (caller, _) = propagate::extract(|_| None).into_parts();
    let _here = context::with_parent(&caller).attach();
    let mut request = SCOPE.build("request").kind(Kind::Server).attribute("n", 1).enter();
    request.set_attribute("list", Value::Array(&[Value::Bool(true)]));
    request.add_event("event", &[("k", Value::Str("v"))]).set_status(Status::Ok);
    let step = SCOPE.span("step");
    recording |= request.is_recording() || step.enter().is_recording();
    recording |= step.context() != SpanContext::NONE;
    let mut headers = Vec::new();
    propagate::inject(|name, value| headers.push((name.into(), value.into())));
    propagate::inject_into(&mut headers);
    propagate::inject_context(&caller, |name, value| headers.push((name.into(), value.into())));
    drop(request);
    SCOPE.enter("another").update_name("renamed").add_link(&caller, &[]);

    let flushed = oxitel::flush(Duration::from_secs(1));
    drop(guard);
    Ok(Seen { recording, headers, stats: oxitel::stats(), flushed })
}

/// A subscriber with our layer in it; without the engine the layer does nothing.
pub fn subscriber() -> Layered<oxitel::bridge::Layer, Registry> {
    tracing_subscriber::registry().with(oxitel::bridge::layer())
}

/// Work that moves between threads.
pub async fn work() -> u32 {
    let step = async { 41 };
    let place = context::capture();
    let work = async move { oxitel::instrument(place.wrap(step), "step").await + 1 };
    SCOPE.span("work").instrument(work).await
}

/// What travels, in every format and carrier: it needs no engine.
pub fn travel(headers: &[(String, String)]) -> (Incoming, Vec<(String, String)>) {
    let (propagators, warnings) = Propagators::parse("w3c,b3,b3multi,jaeger");
    assert!(warnings.is_empty(), "{warnings:?}");
    let before = propagate::propagators();
    propagate::set(Propagators::of(&[Propagator::Baggage]));
    assert!(propagate::extract_from(headers).span_context() == &SpanContext::NONE);
    propagate::set(before);

    let incoming = propagators.extract(&headers);
    let mut sent: Vec<(String, String)> = Vec::new();
    propagators.inject(incoming.span_context(), incoming.baggage(), &mut sent);
    let get = |name: &str| sent.iter().find(|(known, _)| known == name).map(|(_, v)| v.as_str());
    let by_closure: Getter<_> = propagate::getter(get);
    assert_eq!(propagators.extract(&by_closure).span_context(), incoming.span_context());
    let mut set: Setter<_> = propagate::setter(|_, _| {});
    propagators.inject(&SpanContext::NONE, &Baggage::new(), &mut set);

    let (mut map, mut tree) = (HashMap::new(), BTreeMap::new());
    let mut command = Command::new("worker");
    let carriers: [&mut dyn Inject; 3] = [&mut map, &mut tree, &mut command];
    for carrier in carriers {
        propagators.inject(incoming.span_context(), incoming.baggage(), carrier);
    }
    let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let variables: Variables = set.collect();
    let carriers: [&dyn Extract; 4] = [&sent, &map, &tree, &variables];
    for carrier in carriers {
        let same = propagators.extract(carrier);
        assert_eq!(same.span_context(), incoming.span_context());
        assert_eq!(same.baggage().get("tenant"), incoming.baggage().get("tenant"));
    }
    assert_eq!(environment::normalized("traceparent"), "TRACEPARENT");
    assert!(!propagate::extract_from(&Variables::of_process()).span_context().is_debug());
    (incoming, sent)
}
