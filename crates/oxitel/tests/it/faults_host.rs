//! A host in trouble: no receiver from start to end, a resolver that hangs, a clock that jumps,
//! nothing left of what a process needs.

use crate::session::{printed_ledger, run_example, run_example_with};
use oxitel::testing::{Answer, Receiver};
use std::net::TcpListener;
use std::process::Output;
use std::time::Duration;

const PROTOCOLS: [&str; 2] = ["http/protobuf", "grpc"];

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The number behind `name=`.
#[track_caller]
fn printed(output: &Output, name: &str) -> u64 {
    let text = told(output);
    let found = text.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    found.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text:?}"))
}

fn under_fire(situation: &[&str], endpoint: &str, protocol: &str) -> (Output, Duration) {
    let variables = [("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)];
    let (output, took) = run_example_with("under_fire", situation, endpoint, &variables);
    assert!(output.status.success(), "{output:?}");
    (output, took)
}

/// An address where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("http://{}", listener.local_addr().expect("its address"))
}

/// Calls, threads and descriptors are those of a program with a receiver, and one line is said.
fn is_harmless(output: &Output) {
    let records = printed(output, "recorded");
    assert!(records > 100, "{output:?}");
    assert!(printed(output, "median_ns") < 50_000, "{output:?}");
    // One thread that sends, one helper for names.
    assert!(printed(output, "threads") <= 2, "{output:?}");
    assert!(printed(output, "descriptors") <= 8, "{output:?}");
    assert!(printed(output, "ms") < 6_000, "2 s by default, with slack: {output:?}");
    assert_eq!(said(output).lines().count(), 1, "one line a minute and cause: {output:?}");
    let ledger = printed_ledger(output);
    assert!(ledger.is_balanced() && ledger.queued == 0, "{ledger}");
}

#[test]
fn a_receiver_that_is_absent_all_along_costs_nothing_but_its_records() {
    for protocol in PROTOCOLS {
        let (output, _) = under_fire(&["steady", "1500"], &nobody(), protocol);
        is_harmless(&output);
        let ledger = printed_ledger(&output);
        assert_eq!(ledger.dropped.unreachable, ledger.recorded, "{output:?}");
        assert!(printed(&output, "ms") < 1_000, "nobody ever answered: {output:?}");
    }
}

#[test]
fn a_receiver_that_refuses_throttles_or_hangs_costs_nothing_but_its_records() {
    let faults = [
        Answer::Status(400),
        Answer::Status(503),
        Answer::Throttle { status: 429, retry_after: "60".to_owned() },
        Answer::Hang,
        Answer::Reset,
        Answer::PartialSuccess { rejected: 1, message: "one is wrong".to_owned() },
    ];
    for protocol in PROTOCOLS {
        for fault in &faults {
            let receiver = Receiver::start();
            receiver.answer(fault.clone());
            let (output, _) = under_fire(&["steady", "700"], &receiver.endpoint(), protocol);
            is_harmless(&output);
        }
    }
}

#[test]
fn names_that_are_unknown_or_fail_are_asked_for_again() {
    for trouble in ["unknown", "failing"] {
        let (output, _) = run_example("names", &[trouble], "");
        let words = told(&output);
        assert!(
            words.contains("first: Err(FlushError { lost: 0, queued: 100, timed_out: true })"),
            "{output:?}"
        );
        assert!(words.contains("second: Ok(())\narrived 0 and 200\n"), "{output:?}");
        assert!(words.contains("balanced true queued 0"), "{output:?}");
    }
}

#[test]
fn a_receiver_that_moves_to_another_address_is_found_there_without_a_start() {
    let (output, _) = run_example("names", &["moving"], "");
    let words = told(&output);
    assert!(words.contains("second: Ok(())\narrived 100 and 100\n"), "{output:?}");
    assert!(words.contains("balanced true queued 0"), "{output:?}");
}

#[test]
fn a_resolver_that_hangs_holds_up_neither_the_program_nor_its_end() {
    let (output, took) = run_example("names", &["hanging"], "");
    let words = told(&output);
    assert!(output.status.success(), "{output:?}");
    assert!(words.contains("recorded in ms=0\n"), "{output:?}");
    assert!(
        words.contains("first: Err(FlushError { lost: 0, queued: 100, timed_out: true })"),
        "{output:?}"
    );
    // The resolver takes 30 s.
    assert!(took < Duration::from_secs(6), "{took:?}");
    assert!(words.contains("balanced true queued 0"), "{output:?}");
}

/// All signals share a thread for names, but not its fate.
#[test]
fn a_name_that_hangs_holds_up_its_own_destination_and_no_other() {
    let (output, _) = run_example("names", &["split"], "");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(printed(&output, "records"), 1, "{output:?}");
    assert!(printed(&output, "ms") < 2_000, "{output:?}");
    // The main thread, the receiver, the sender, a helper for each name.
    assert!(printed(&output, "threads") <= 5, "{output:?}");
}

#[test]
fn a_clock_that_jumps_moves_spans_and_bends_none() {
    for clock in ["", "system"] {
        let receiver = Receiver::start();
        let variables = [("OXITEL_CLOCK", clock)];
        let (output, _) = run_example_with("clock_jumps", &[], &receiver.endpoint(), &variables);
        assert!(output.status.success(), "{output:?}");
        let spans = receiver.spans();
        assert_eq!(spans.len(), 21, "{output:?}");
        for record in &spans {
            let span = &record.span;
            let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
            assert!(end >= start && start > 0, "{clock:?}: {} {start} {end}", span.name);
            let duration = Duration::from_nanos(end - start);
            // The longest is around everything; a day is far beyond it.
            if clock.is_empty() {
                assert!(duration < Duration::from_secs(20), "{}: {duration:?}", span.name);
            }
            let least = match span.name.as_str() {
                "after a jump" => Duration::from_millis(200),
                "across a jump" if clock.is_empty() => Duration::from_millis(100),
                _ => Duration::ZERO,
            };
            assert!(duration >= least, "{clock:?}: {} took {duration:?}", span.name);
        }
        assert_eq!(said(&output), "", "{clock:?}");
    }
}

#[test]
fn without_descriptors_records_wait_and_leave_when_there_are_some_again() {
    for protocol in PROTOCOLS {
        let receiver = Receiver::start();
        let (output, _) = under_fire(&["descriptors"], &receiver.endpoint(), protocol);
        let words = told(&output);
        assert!(
            words.contains("without: Err(FlushError { lost: 0, queued: 100, timed_out: true })"),
            "{output:?}"
        );
        assert!(words.contains("with: Ok(())"), "{output:?}");
        assert_eq!(receiver.spans().len(), 200);
        assert!(said(&output).contains("cannot send yet: Too many open files"), "{output:?}");
        assert_eq!(said(&output).lines().count(), 1, "{output:?}");
    }
}

#[test]
fn without_threads_telemetry_does_not_start_and_does_when_there_are_some_again() {
    let receiver = Receiver::start();
    let (output, _) = under_fire(&["threads"], &receiver.endpoint(), "http/protobuf");
    let words = told(&output);
    assert!(words.contains("without: the system gave no thread to send telemetry"), "{output:?}");
    assert!(words.contains("with: Ok(())"), "{output:?}");
    assert_eq!(receiver.spans().len(), 100);
}

#[test]
fn with_little_memory_the_queue_keeps_to_its_budget() {
    let receiver = Receiver::start();
    receiver.answer(Answer::Hang);
    let (output, _) = under_fire(&["memory"], &receiver.endpoint(), "http/protobuf");
    let ledger = printed_ledger(&output);
    assert!(ledger.is_balanced() && ledger.queued == 0, "{output:?}");
    assert!(ledger.dropped.queue_full > 50_000, "{output:?}");
}

#[test]
fn without_any_file_spans_are_delivered_all_the_same() {
    for protocol in PROTOCOLS {
        let receiver = Receiver::start();
        let (output, _) = under_fire(&["files"], &receiver.endpoint(), protocol);
        let words = told(&output);
        assert!(words.contains("files: Some(2)\nflush: Ok(())"), "{output:?}");
        assert_eq!(receiver.spans().len(), 100);
        let resource = format!("{:?}", receiver.spans()[0].resource);
        assert!(resource.contains("under-fire"), "{resource}");
    }
}

#[test]
fn a_program_without_any_variable_delivers_too() {
    let receiver = Receiver::start();
    let tests = std::env::current_exe().expect("the test program has a path");
    let program = tests.ancestors().nth(2).expect("target/debug").join("examples/under_fire");
    let output = std::process::Command::new(program)
        .arg("hook")
        .env_clear()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint())
        .current_dir("/")
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(receiver.spans().len(), 100);
}

#[test]
fn a_panic_hook_may_shut_down() {
    let receiver = Receiver::start();
    let (output, _) = under_fire(&["hook"], &receiver.endpoint(), "http/protobuf");
    let words = told(&output);
    assert!(words.contains("in the hook: Ok(())\npanicked: true\n"), "{output:?}");
    let ledger = printed_ledger(&output);
    assert_eq!((ledger.delivered, ledger.dropped.already_shutdown), (100, 1), "{output:?}");
}

#[test]
fn a_panic_out_of_main_delivers_what_was_recorded() {
    let receiver = Receiver::start();
    let (output, _) = run_example("under_fire", &["aborted"], &receiver.endpoint());
    assert_eq!(output.status.code(), Some(101), "{output:?}");
    assert_eq!(receiver.spans().len(), 101);
}
