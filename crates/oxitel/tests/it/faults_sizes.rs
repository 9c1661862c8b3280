//! More of everything than anybody has, and strings that are hard to carry.

use crate::session::{PATIENCE, Session, printed_ledger, run_example};
use oxitel::testing::Receiver;
use oxitel::testing::proto::trace::v1::Span;
use oxitel::{Limits, Scope, Value};
use std::process::Output;

static SCOPE: Scope = Scope::new("sizes");

/// The number behind `name=` in what the program printed.
fn printed(output: &Output, name: &str) -> u64 {
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    found.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text:?}"))
}

fn crowd(receiver: &Receiver, what: &str, count: &str) -> Output {
    let (output, _) = run_example("crowd", &[what, count], &receiver.endpoint());
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("balanced=true"), "{output:?}");
    assert_eq!(printed(&output, "queued"), 0, "{output:?}");
    output
}

#[test]
fn a_thousand_threads_at_once_deliver_their_spans() {
    let receiver = Receiver::start();
    let output = crowd(&receiver, "threads", "1000");
    let ledger = printed_ledger(&output);
    assert_eq!((ledger.recorded, ledger.delivered), (1_001, 1_001), "{output:?}");
    assert_eq!(receiver.spans().len(), 1_001);
    // 4 KiB of chunk for each, and what the system wants for a thread.
    assert!(printed(&output, "bytes") < 100 << 20, "{output:?}");
}

#[test]
fn two_hundred_thousand_live_spans_keep_to_the_budget() {
    let receiver = Receiver::start();
    let output = crowd(&receiver, "spans", "200000");
    let ledger = printed_ledger(&output);
    assert_eq!(ledger.recorded, 200_001, "{output:?}");
    assert_eq!(ledger.delivered + ledger.dropped.queue_full, 200_001, "{output:?}");
    assert_eq!(receiver.spans().len() as u64, ledger.delivered);
    // 64 MiB for live spans, and their handles.
    assert!(printed(&output, "bytes") < 130 << 20, "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    let alive: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("while alive: live=")?.parse().ok())
        .expect("it was asked");
    assert!(alive > 50_000 && alive < 200_000, "{output:?}");
}

/// Each span alone keeps to its limits; it is their number that does not.
#[test]
fn large_values_of_many_live_spans_keep_to_the_budget_together() {
    let session = Session::with(|config| config.live_bytes(4 << 20).queue_bytes(16 << 20));
    let text = "x".repeat(200_000);
    let mut spans: Vec<_> = (0..100).map(|_| SCOPE.span("large")).collect();
    for span in &mut spans {
        span.set_attribute("text", &text).add_event("event", &[("text", Value::Str(&text))]);
        span.set_attribute("number", 1);
    }
    drop(spans);
    // Once they have ended, there is room again.
    SCOPE.span("next").set_attribute("text", &text);
    assert_eq!(oxitel::flush(PATIENCE), Ok(()), "no span is lost");
    let spans: Vec<_> = session.receiver.spans().into_iter().map(|record| record.span).collect();
    let events = || spans.iter().flat_map(|span| &span.events);
    let pairs = spans.iter().flat_map(|span| &span.attributes);
    let pairs = pairs.chain(events().flat_map(|event| &event.attributes));
    let kept = pairs.filter(|pair| pair.key == "text").count();
    let of_spans = spans.iter().map(|span| span.dropped_attributes_count);
    let counted: u32 = of_spans.chain(events().map(|event| event.dropped_attributes_count)).sum();
    assert!((5..30).contains(&kept), "{kept} of 200 KB each in 4 MiB");
    assert_eq!(kept + counted as usize, 201, "what was left out is counted in its span");
    let small = |span: &Span| span.attributes.iter().any(|pair| pair.key == "number");
    assert!(spans[..100].iter().all(small), "what is small still fits");
    assert_eq!(spans[100].attributes.len(), 1, "there is room again");
    session.verify();
}

#[test]
fn a_span_that_never_seems_to_end_keeps_to_its_limits() {
    let receiver = Receiver::start();
    let output = crowd(&receiver, "events", "1000000");
    assert_eq!(printed_ledger(&output).delivered, 2, "{output:?}");
    assert!(printed(&output, "bytes") < 4 << 20, "{output:?}");
    let span = receiver.spans().remove(1).span;
    assert_eq!((span.events.len(), span.dropped_events_count), (128, 999_872));
    assert_eq!((span.attributes.len(), span.dropped_attributes_count), (128, 999_872));
}

#[test]
fn an_attribute_of_ten_mebibytes_arrives_whole_or_is_cut_where_the_program_says() {
    let large = "é".repeat(5 << 20);
    let bytes = vec![7_u8; 10 << 20];
    for limit in [usize::MAX, 1_000] {
        let session = Session::with(|config| {
            config.queue_bytes(64 << 20).limits(Limits { value_length: limit, ..Limits::default() })
        });
        let mut span = SCOPE.span("large");
        span.set_attribute("text", &large).set_attribute("bytes", Value::Bytes(&bytes));
        drop(span);
        assert_eq!(oxitel::flush(PATIENCE), Ok(()), "{limit}");
        let span = session.receiver.spans().remove(0).span;
        let texts: Vec<_> =
            span.attributes.iter().map(|pair| format!("{:?}", pair.value)).collect();
        let letters = texts[0].matches('é').count();
        assert_eq!(letters, limit.min(5 << 20));
        session.verify();
    }
}

#[test]
fn a_record_that_no_request_can_carry_is_counted_and_the_next_one_goes_its_way() {
    let session = Session::with(|config| config.queue_bytes(512 << 20).live_bytes(512 << 20));
    let bytes = vec![7_u8; 63 << 20];
    let mut span = SCOPE.span("too large");
    span.set_attribute("first", Value::Bytes(&bytes)).set_attribute("second", Value::Bytes(&bytes));
    span.add_event("event", &[("third", Value::Bytes(&bytes))]);
    drop(span);
    drop(SCOPE.span("next"));
    // The attributes that no record can hold are left out, and the event takes it over the edge.
    let told = oxitel::flush(PATIENCE);
    let ledger = session.ledger();
    assert_eq!((ledger.recorded, ledger.delivered), (2, 1), "{told:?}: {ledger}");
    assert_eq!(ledger.dropped.too_large, 1, "{ledger}");
    assert!(told.is_err() && ledger.is_balanced(), "{told:?}: {ledger}");
    session.verify();
}

/// The whole crowd takes memory and minutes.
#[test]
fn ten_thousand_threads_and_a_million_live_spans_keep_to_the_budgets() {
    let receiver = Receiver::start();
    let output = crowd(&receiver, "threads", "10000");
    let ledger = printed_ledger(&output);
    assert_eq!(ledger.recorded, 10_001, "{output:?}");
    assert_eq!(ledger.delivered + ledger.dropped.queue_full, 10_001, "{output:?}");
    let receiver = Receiver::start();
    let output = crowd(&receiver, "spans", "1000000");
    let ledger = printed_ledger(&output);
    assert_eq!(ledger.recorded, 1_000_001, "{output:?}");
    assert_eq!(ledger.delivered + ledger.dropped.queue_full, 1_000_001, "{output:?}");
    // 64 MiB for live spans, and 16 bytes for each handle.
    assert!(printed(&output, "bytes") < 150 << 20, "{output:?}");
}

#[test]
fn of_a_hundred_thousand_attributes_the_first_are_kept_and_the_others_counted() {
    let session = Session::start();
    let keys: Vec<_> = (0..100_000).map(|number| format!("key {number}")).collect();
    let mut span = SCOPE.span("many");
    for key in &keys {
        span.set_attribute(key, 1);
    }
    drop(span);
    assert_eq!(oxitel::flush(PATIENCE), Ok(()));
    let span = session.receiver.spans().remove(0).span;
    assert_eq!((span.attributes.len(), span.dropped_attributes_count), (128, 99_872));
}

#[test]
fn ten_thousand_lists_inside_of_each_other_are_cut_and_harm_nobody() {
    let session = Session::start();
    let mut value: Value<'static> = Value::I64(1);
    for _ in 0..10_000 {
        // As long as the test program lives.
        value = Value::Array(Box::leak(Box::new([value])));
    }
    SCOPE.span("deep").set_attribute("list", value);
    assert_eq!(oxitel::flush(PATIENCE), Ok(()));
    assert_eq!(session.receiver.spans().len(), 1, "and a real decoder takes it");
    session.verify();
}

#[test]
fn every_string_that_rust_has_arrives_as_it_is() {
    let texts = [
        "",
        "\0",
        "a\0b",
        "\u{feff}with a mark in front",
        "\u{202e}from right to left",
        "four bytes 🦀 \u{10ffff}",
        "\u{fffd}",
        "lines\r\n\tand \u{7f}\u{1b}[31m",
    ];
    let session = Session::start();
    for text in texts {
        let mut span = SCOPE.span(text);
        span.set_attribute(text, text).add_event(text, &[(text, Value::Str(text))]);
        span.set_status(oxitel::Status::Error(text));
    }
    assert_eq!(oxitel::flush(PATIENCE), Ok(()));
    let spans = session.receiver.spans();
    assert_eq!(spans.len(), texts.len());
    for (record, text) in spans.iter().zip(texts) {
        let span = &record.span;
        assert_eq!((span.name.as_str(), span.events[0].name.as_str()), (text, text));
        assert_eq!(span.status.as_ref().map(|status| status.message.as_str()), Some(text));
        let expected = format!("{:?}", Some(text));
        for pair in span.attributes.iter().chain(&span.events[0].attributes) {
            assert_eq!(pair.key, text);
            assert!(format!("{:?}", pair.value).contains(expected.trim_start_matches("Some")));
        }
    }
    session.verify();
}
