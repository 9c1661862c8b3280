//! A fork at any moment: each process sends its own spans, once.

use crate::session::run_example;
use oxitel::testing::{Receiver, SpanRecord};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

#[test]
fn each_process_sends_its_own_spans_once() {
    let receiver = Receiver::start();
    let (output, took) = run_example("forks", &["8"], &receiver.endpoint());
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert!(took < Duration::from_secs(20), "{took:?}");

    let spans = receiver.spans();
    let mut by_name = BTreeMap::new();
    let counted = |record: &&SpanRecord| record.span.name != "busy thread";
    for record in spans.iter().filter(counted) {
        *by_name.entry(record.span.name.clone()).or_insert(0) += 1;
    }
    let told: Vec<_> = by_name.iter().map(|(name, count)| format!("{name} × {count}")).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    before a fork × 8
    begun before the forks × 1
    in the child × 8
    in the child, delivered at its exit × 8
    open across the forks × 1
    ");

    let unique: BTreeSet<_> = spans.iter().map(SpanRecord::span_id).collect();
    assert_eq!(unique.len(), spans.len(), "no span twice");
    let resource = |record: &SpanRecord, key: &str| {
        let attributes = &record.resource.attributes;
        let found = attributes.iter().find(|pair| pair.key == key);
        format!("{:?}", found.and_then(|pair| pair.value.clone()))
    };
    let instance = |record| resource(record, "service.instance.id");
    let instances: BTreeSet<_> = spans.iter().map(instance).collect();
    assert_eq!(instances.len(), 9, "the parent and eight children are instances of their own");
    let pairs: BTreeSet<_> =
        spans.iter().map(|record| (instance(record), resource(record, "process.pid"))).collect();
    let ids: BTreeSet<_> = pairs.iter().map(|(_, id)| id).collect();
    assert_eq!((pairs.len(), ids.len()), (9, 9), "each with its own process id: {pairs:?}");
}

/// Only the first fork of a process meets a thread that is just recording its first span.
#[test]
fn fresh_processes_that_fork_while_another_thread_starts_to_record_never_hang() {
    let receiver = Receiver::start();
    for round in 0..40 {
        let (output, took) = run_example("forks", &["racing"], &receiver.endpoint());
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "round {round}: {words}");
        assert!(took < Duration::from_secs(15), "round {round}: {took:?}");
    }
    let children = receiver.spans().iter().filter(|r| r.span.name == "in the child").count();
    assert_eq!(children, 40);
}

#[test]
fn a_child_that_gets_no_thread_says_that_nothing_was_sent() {
    let receiver = Receiver::start();
    let (output, _) = run_example("forks", &["starved"], &receiver.endpoint());
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let told = "Err(FlushError { lost: 0, queued: 1, timed_out: false })\n";
    assert_eq!(words, told, "and not that all was well");
    let names: Vec<_> = receiver.spans().into_iter().map(|record| record.span.name).collect();
    assert_eq!(names, ["in the parent"]);
}
