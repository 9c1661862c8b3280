//! Programs of their own: the ends of threads, forks, what fills a table for good.

use crate::harness::parents;
use oxitel::testing::{Receiver, SpanRecord};
use std::collections::HashSet;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const FRONT_ENDS: [&str; 2] = ["layer", "subscriber"];

fn run(what: &str, front_end: &str) -> (Receiver, Output) {
    let receiver = Receiver::start();
    let tests = std::env::current_exe().expect("the test program has a path");
    let target = tests.ancestors().nth(2).expect("it lies in target/debug/deps");
    let begun = Instant::now();
    let output = Command::new(target.join("examples/borders"))
        .args([what, front_end])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint())
        .output()
        .expect("the example runs");
    assert!(output.status.success(), "{what}, {front_end}: {output:?}");
    assert!(begun.elapsed() < Duration::from_secs(60), "{what}, {front_end}");
    (receiver, output)
}

#[test]
fn spans_in_destructors_of_thread_locals_are_recorded() {
    for front_end in FRONT_ENDS {
        let (receiver, _) = run("destructors", front_end);
        let spans = receiver.spans();
        // Past its thread-locals a thread has no current span.
        let expected = [
            "all is gone<-",
            "before<-",
            "direct<-",
            "direct<the API's is gone",
            "the API's is gone<-",
        ];
        assert_eq!(parents(&spans), expected, "{front_end}");
    }
}

#[test]
fn a_fork_while_others_change_spans_through_contexts_hangs_nobody() {
    for front_end in FRONT_ENDS {
        let (receiver, _) = run("fork", front_end);
        let spans = receiver.spans();
        let count = |name: &str| spans.iter().filter(|record| record.span.name == name).count();
        for name in [
            "direct",
            "of tracing",
            "in the child",
            "direct in the child",
            "of the API in the child",
        ] {
            assert_eq!(count(name), 20, "{front_end}: {name}, once each");
        }
        let of = |name: &'static str| spans.iter().filter(move |record| record.span.name == name);
        assert!(of("direct").all(|record| record.attribute("whole").is_some()));
        assert!(of("direct").all(|record| record.attribute("in the child").is_none()));
        assert!(of("in the child").all(|record| record.attribute("reached").is_some()));
    }
}

#[test]
fn scopes_without_end_share_one() {
    let (receiver, output) = run("scopes", "subscriber");
    let spans = receiver.spans();
    assert_eq!(spans.len(), 5_001);
    let scope = |record: &SpanRecord| record.scope.name.clone();
    let names: HashSet<_> = spans.iter().map(scope).collect();
    assert_eq!(names.len(), 4_096 + 1);
    let known = spans.iter().find(|record| record.span.name == "known").expect("it arrived");
    assert_eq!(scope(known), "library 7");
    let others = spans.iter().filter(|record| scope(record) == "oxitel.other").count();
    assert_eq!(others, 5_000 - 4_096);
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(words.lines().count(), 1, "one warning: {words}");
}
