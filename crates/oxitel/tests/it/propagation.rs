//! Traces that cross processes: every format, every kind of carrier.

use crate::session::Session;
use oxitel::context::{self, Baggage};
use oxitel::propagate::environment::Variables;
use oxitel::propagate::{self, Extract, Inject, Propagator, Propagators};
use oxitel::{Kind, Scope, SpanContext, SpanId, TraceFlags, TraceId};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::process::Command;

static SCOPE: Scope = Scope::new("it");

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

fn all() -> Propagators {
    Propagators::parse("w3c,b3,b3multi,jaeger").0
}

/// A header a line.
fn text(headers: &[(String, String)]) -> String {
    let line = |(name, value): &(String, String)| format!("{name}: {value}");
    headers.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_same_span_is_written_in_every_format() {
    let caller = [("b3", format!("{TRACE}-{SPAN}-1")), ("baggage", "tenant=acme%20corp".into())];
    let incoming = all().extract(&caller);
    let mut headers: Vec<(String, String)> = Vec::new();
    all().inject(incoming.span_context(), incoming.baggage(), &mut headers);
    insta::assert_snapshot!(text(&headers), @r"
    traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
    baggage: tenant=acme%20corp
    b3: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1
    x-b3-traceid: 0af7651916cd43dd8448eb211c80319c
    x-b3-spanid: b7ad6b7169203331
    x-b3-sampled: 1
    uber-trace-id: 0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0:1
    uberctx-tenant: acme%20corp
    ");
}

#[test]
fn the_first_format_with_a_valid_span_says_the_parent_and_all_add_baggage() {
    let headers = [
        ("traceparent", "00-broken"),
        ("b3", &*format!("{TRACE}-{SPAN}-1")),
        ("uber-trace-id", "1:2:0:1"),
        ("baggage", "a=1"),
        ("uberctx-a", "2"),
        ("uberctx-b", "3"),
    ];
    let read = |list| {
        let incoming = Propagators::parse(list).0.extract(&headers);
        let baggage = incoming.baggage().iter().map(|(name, value, _)| format!("{name}={value}"));
        let span = incoming.span_context().trace_id().to_string();
        format!("{} {}", span.trim_start_matches('0'), baggage.collect::<Vec<_>>().join(","))
    };
    assert_eq!(read("tracecontext,b3,jaeger,baggage"), format!("{} a=2,b=3", &TRACE[1..]));
    assert_eq!(read("jaeger,b3"), "1 a=2,b=3");
    assert_eq!(read("baggage,jaeger,b3"), "1 a=1,b=3");
    assert_eq!(read("w3c"), " a=1");
    assert_eq!(read("none"), " ");
}

#[test]
fn formats_that_name_the_same_span_complete_it() {
    let headers = |b3: &str| {
        let parent = format!("00-{TRACE}-{SPAN}-02");
        [("traceparent", parent), ("tracestate", "a=1".into()), ("b3", b3.to_owned())]
    };
    for list in ["b3,tracecontext", "tracecontext,b3"] {
        let read = |b3: &str| Propagators::parse(list).0.extract(&headers(b3));
        let incoming = read(&format!("{TRACE}-{SPAN}-d"));
        let span = incoming.span_context();
        assert!(span.is_debug() && span.is_sampled(), "{list}");
        assert_eq!((span.flags().0, span.trace_state()), (3, "a=1"), "{list}");
        let incoming = read(&format!("{TRACE}-{}-d", SPAN.replace('b', "c")));
        let other = incoming.span_context();
        assert!(other.is_debug() != (other.trace_state() == "a=1"), "{list}: two spans");
    }
}

#[test]
fn names_keep_their_case_although_one_format_does_not() {
    let mut baggage = Baggage::new();
    assert!(baggage.insert("userId", "alice"));
    let mut headers: Vec<(String, String)> = Vec::new();
    all().inject(&SpanContext::NONE, &baggage, &mut headers);
    assert_eq!(text(&headers), "baggage: userId=alice\nuberctx-userid: alice");
    assert_eq!(all().extract(&headers).baggage(), &baggage);
}

#[test]
fn the_process_reads_and_writes_what_it_was_told_to() {
    let told = Propagators::of(&[Propagator::B3, Propagator::TraceContext]);
    let session = Session::with(|config| config.propagators(told));
    assert_eq!(propagate::propagators(), told);
    let mut headers = BTreeMap::new();
    {
        let _client = SCOPE.build("call").kind(Kind::Client).enter();
        propagate::inject_into(&mut headers);
    }
    let names: Vec<_> = headers.keys().map(String::as_str).collect();
    assert_eq!(names, ["b3", "traceparent"]);
    headers.remove("traceparent");
    {
        let caller = propagate::extract_from(&headers);
        let _here = context::with_parent(caller.span_context()).attach();
        SCOPE.build("serve").kind(Kind::Server).start().end();
    }
    propagate::set(Propagators::NONE);
    let before = headers.clone();
    {
        let caller = all().extract(&headers);
        let _here = caller.attach();
        propagate::inject_into(&mut headers);
    }
    assert_eq!(headers, before, "nothing is written");
    assert!(!propagate::extract_from(&headers).span_context().is_valid(), "nor read");
    propagate::set(told);
    insta::assert_snapshot!(session.tree(), @r"
    it: call (client)
      it: serve (server)
    ");
}

#[test]
fn the_debug_flag_goes_on_through_our_spans_and_into_no_record() {
    let session = Session::start();
    let caller = all().extract(&[("b3", format!("{TRACE}-{SPAN}-d"))]);
    let mut headers: Vec<(String, String)> = Vec::new();
    {
        let _here = context::with_parent(caller.span_context()).attach();
        let mut server = SCOPE.build("serve").kind(Kind::Server).enter();
        server.add_link(caller.span_context(), &[]);
        let client = SCOPE.enter("call");
        let own = client.context();
        assert!(own.is_debug() && own.is_sampled() && !own.is_remote());
        Propagators::of(&[Propagator::B3Multi]).inject(&own, &Baggage::new(), &mut headers);
        assert_ne!(own.span_id().to_string(), SPAN, "the caller's id is not taken over");
    }
    let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["x-b3-traceid", "x-b3-spanid", "x-b3-flags"], "and no parent's id");
    insta::assert_snapshot!(session.tree(), @r"
    it: serve (server) (parent missing)
      → elsewhere
      it: call (internal)
    ");
    let spans = session.receiver.spans();
    let flags: Vec<_> = spans.iter().map(|record| record.span.flags).collect();
    assert_eq!(flags, [0x101, 0x301]);
    let server = &spans[1].span;
    assert_eq!(server.links[0].flags, 0x301);
}

#[test]
fn a_child_process_takes_its_place_from_its_environment() {
    let session = Session::start();
    let span = SCOPE.enter("starts a process");
    let mut child = Command::new("env");
    child.env_clear();
    propagate::inject_into(&mut child);
    let output = child.output().expect("env runs");
    let output = String::from_utf8(output.stdout).expect("text");
    let variables: Variables = output.lines().filter_map(|line| line.split_once('=')).collect();
    let caller = propagate::extract_from(&variables);
    assert_eq!(caller.span_context().span_id(), span.context().span_id());
    assert!(caller.span_context().is_remote());
    drop(span);
    insta::assert_snapshot!(session.tree(), @"it: starts a process (internal)");
}

fn spans() -> impl Strategy<Value = SpanContext> {
    (1_u128.., 1_u64.., any::<bool>()).prop_map(|(trace, span, sampled)| {
        let (trace, span) = (trace.to_be_bytes(), span.to_be_bytes());
        let flags = TraceFlags(u8::from(sampled));
        SpanContext::remote(TraceId::from_bytes(trace), SpanId::from_bytes(span), flags, None)
    })
}

fn baggage() -> impl Strategy<Value = Baggage> {
    prop::collection::vec(("[a-z][a-z0-9.-]{0,5}", ".{0,20}"), 0..10).prop_map(|entries| {
        let mut baggage = Baggage::new();
        for (name, value) in entries {
            assert!(baggage.insert(name, value), "there is room");
        }
        baggage
    })
}

fn propagators() -> impl Strategy<Value = Propagators> {
    let names = vec!["tracecontext", "baggage", "b3", "b3multi", "jaeger"];
    prop::sample::subsequence(names, 1..=5)
        .prop_shuffle()
        .prop_map(|names| Propagators::parse(&names.join(",")).0)
}

/// Baggage without its order, which headers of their own cannot keep.
fn sorted(baggage: &Baggage) -> Vec<(String, String)> {
    let pair = |(name, value, _): (&str, &str, &str)| (name.to_owned(), value.to_owned());
    let mut entries: Vec<_> = baggage.iter().map(pair).collect();
    entries.sort();
    entries
}

proptest! {
    #[test]
    fn what_one_process_writes_the_next_reads_in_any_order_and_case(
        (propagators, span, baggage) in (propagators(), spans(), baggage()),
        (seed, shout) in (any::<prop::sample::Index>(), any::<bool>()),
    ) {
        let mut headers: Vec<(String, String)> = Vec::new();
        propagators.inject(&span, &baggage, &mut headers);
        let incoming = propagators.extract(&headers);
        let has = |wanted: &[Propagator]| propagators.iter().any(|own| wanted.contains(&own));
        let expected = if propagators == Propagators::of(&[Propagator::Baggage]) {
            &SpanContext::NONE
        } else {
            &span
        };
        prop_assert_eq!(incoming.span_context(), expected);
        let travels = has(&[Propagator::Baggage, Propagator::Jaeger]);
        let expected = if travels { sorted(&baggage) } else { Vec::new() };
        prop_assert_eq!(sorted(incoming.baggage()), expected.clone());

        let middle = if headers.is_empty() { 0 } else { seed.index(headers.len()) };
        headers.rotate_left(middle);
        for (name, _) in headers.iter_mut().filter(|_| shout) {
            name.make_ascii_uppercase();
        }
        let again = propagators.extract(&headers);
        prop_assert_eq!(again.span_context(), incoming.span_context());
        prop_assert_eq!(sorted(again.baggage()), expected);
    }

    #[test]
    fn every_carrier_carries_the_same((span, baggage) in (spans(), baggage())) {
        let propagators = all();
        let mut list: Vec<(String, String)> = Vec::new();
        let mut record: Vec<(String, Vec<u8>)> = Vec::new();
        let (mut map, mut tree) = (HashMap::new(), BTreeMap::new());
        let mut carriers: [&mut dyn Inject; 4] = [&mut list, &mut record, &mut map, &mut tree];
        for carrier in &mut carriers {
            propagators.inject(&span, &baggage, &mut **carrier);
        }
        let carriers: [&dyn Extract; 4] = [&list, &record, &map, &tree];
        for carrier in carriers {
            let incoming = propagators.extract(carrier);
            prop_assert_eq!(incoming.span_context(), &span);
            prop_assert_eq!(incoming.baggage(), &baggage);
        }
    }
}
