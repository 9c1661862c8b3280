//! OTLP over gRPC: what arrives, and what the receiver may answer.

use crate::session::{PATIENCE, Session, printed_ledger, run_example_with};
use oxitel::testing::{Answer, Receiver, judge};
use oxitel::{Config, FlushError, Protocol, Scope};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};
use tokio::runtime::Builder;

static SCOPE: Scope = Scope::new("grpc");

/// Sends over gRPC, whatever the port.
pub(crate) fn over_grpc(mut config: Config) -> Config {
    config.protocol = Some(Protocol::Grpc);
    config
}

pub(crate) fn record(count: usize) {
    for _ in 0..count {
        drop(SCOPE.span("record"));
    }
}

/// What a flush says: lost, and still queued.
pub(crate) fn flushed() -> (u64, u64) {
    lost(oxitel::flush(PATIENCE))
}

pub(crate) fn lost(result: Result<(), FlushError>) -> (u64, u64) {
    result.map_or_else(|error| (error.lost, error.queued), |()| (0, 0))
}

/// With the protocol from the environment.
const GRPC: &[(&str, &str)] = &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];

#[test]
fn the_same_traces_arrive_by_the_call_that_the_standard_names() {
    let session = Session::with(|config| over_grpc(config).header("X-Key", "value"));
    {
        let mut order = SCOPE.enter("order");
        order.set_attribute("text", "x".repeat(200_000).as_str());
        drop(SCOPE.span("price"));
        order.set_attribute("text", "short");
    }
    insta::assert_snapshot!(session.tree(), @r"
    it: order (internal) text=short
      it: price (internal)
    ");
    let request = session.receiver.requests().remove(0);
    assert!(request.grpc);
    let timeout = request.headers["grpc-timeout"].to_str().expect("text");
    let milliseconds: u64 = timeout.strip_suffix('m').and_then(|t| t.parse().ok()).expect("…m");
    assert!((1..=10_000).contains(&milliseconds), "the export timeout is 10 s: {timeout}");
    let differs = |name: &str| ["grpc-timeout", "oxitel-batch-id"].contains(&name);
    let said = request.headers.iter().filter(|(name, _)| !differs(name.as_str()));
    let mut said: Vec<_> = said.map(|(name, value)| format!("{name}: {value:?}")).collect();
    said.sort();
    let version = env!("CARGO_PKG_VERSION");
    insta::assert_snapshot!(
        format!("{}\n{}", request.path, said.join("\n")).replace(version, "VERSION"),
        @r#"
    /opentelemetry.proto.collector.trace.v1.TraceService/Export
    content-type: "application/grpc"
    te: "trailers"
    user-agent: "OTel-OTLP-Exporter-Rust/VERSION (oxitel)"
    x-key: "value"
    "#
    );
}

#[test]
fn a_request_of_megabytes_arrives_whole() {
    let session = Session::with(over_grpc);
    let text = "x".repeat(1_000_000);
    for _ in 0..5 {
        SCOPE.span("large").set_attribute("text", &text);
    }
    assert_eq!(flushed(), (0, 0));
    assert_eq!(session.receiver.spans().len(), 5);
    session.verify();
}

#[test]
fn port_4317_means_grpc_unless_something_else_is_asked_for() {
    // An address of this process's own: another test run may use the port of 127.0.0.1.
    let [.., low, high] = std::process::id().to_be_bytes();
    let address = SocketAddr::from((Ipv4Addr::new(127, 43, low, high.max(1)), 4317));
    let receiver = Receiver::listen(&[address]).expect("the port is free");
    for (protocol, grpc) in [(None, true), (Some(Protocol::HttpProtobuf), false)] {
        let _session = Session::with(|mut config| {
            config.protocol = protocol;
            config.endpoint(address.to_string())
        });
        record(1);
        assert_eq!(flushed(), (0, 0));
        let requests = receiver.requests();
        assert_eq!(requests.last().map(|request| request.grpc), Some(grpc), "{protocol:?}");
    }
}

#[test]
fn each_code_is_tried_again_or_not_as_the_standard_says() {
    let session = Session::with(over_grpc);
    let delay = Some(Duration::from_millis(1));
    let cases = (1..=17).map(|code| (code, None)).chain([(8, delay), (13, delay), (14, delay)]);
    let mut table = Vec::new();
    for (code, retry_delay) in cases {
        let before = (session.receiver.requests().len(), session.ledger());
        session.receiver.script([Answer::Code { code, message: String::new(), retry_delay }]);
        record(1);
        let lost = flushed();
        let attempts = session.receiver.requests().len() - before.0;
        let outcome = match (attempts, lost, session.ledger().rejected - before.1.rejected) {
            (2, (0, 0), 0) => "tried again",
            (1, (1, 0), 1) => "rejected",
            other => panic!("{code}: {other:?}"),
        };
        let info = if retry_delay.is_some() { " with RetryInfo" } else { "" };
        table.push(format!("{code}{info}: {outcome}"));
    }
    session.verify();
    insta::assert_snapshot!(table.join("\n"), @r"
    1: tried again
    2: rejected
    3: rejected
    4: tried again
    5: rejected
    6: rejected
    7: rejected
    8: rejected
    9: rejected
    10: tried again
    11: tried again
    12: rejected
    13: rejected
    14: tried again
    15: tried again
    16: rejected
    17: rejected
    8 with RetryInfo: tried again
    13 with RetryInfo: rejected
    14 with RetryInfo: tried again
    ");
}

#[test]
fn retry_info_is_obeyed() {
    let session = Session::with(over_grpc);
    let wait = Duration::from_millis(900);
    for code in [8, 14] {
        let message = "come back".to_owned();
        session.receiver.script([Answer::Code { code, message, retry_delay: Some(wait) }]);
        record(1);
        assert_eq!(flushed(), (0, 0));
        let [.., first, second] = &session.receiver.requests()[..] else { panic!("two attempts") };
        let waited = second.arrived - first.arrived;
        // The upper bound is that of a machine under heavy load.
        assert!(waited >= wait && waited < wait * 4, "{code}: {waited:?}");
    }
    session.verify();
}

#[test]
fn a_silence_beyond_the_export_timeout_holds_for_the_next_batches_too() {
    let timeout = Duration::from_millis(100);
    let session = Session::with(|config| over_grpc(config).export_timeout(timeout));
    let retry_delay = Some(Duration::from_secs(60));
    session.receiver.answer(Answer::Code { code: 14, message: String::new(), retry_delay });
    for _ in 0..3 {
        record(1);
        assert_eq!(flushed(), (1, 0));
    }
    assert_eq!(session.receiver.requests().len(), 1, "silence was asked for");
    assert_eq!(session.ledger().dropped.unreachable, 3);
}

#[test]
fn partial_success_is_counted_and_not_sent_again() {
    for (answered, counted) in [(0, 0), (3, 3), (1_000, 10), (-5, 0)] {
        let session = Session::with(over_grpc);
        let message = "some".to_owned();
        session.receiver.answer(Answer::PartialSuccess { rejected: answered, message });
        record(10);
        assert_eq!(flushed(), (counted, 0), "{answered}");
        assert_eq!(session.receiver.requests().len(), 1, "{answered}");
        assert_eq!(session.ledger().rejected, counted, "{answered}");
        assert!(session.ledger().is_balanced());
    }
}

#[test]
fn an_answer_of_more_than_4_mib_is_not_read_and_counts_as_refused() {
    let session = Session::with(over_grpc);
    let message = "x".repeat(5 << 20);
    session.receiver.script([Answer::PartialSuccess { rejected: 0, message }]);
    record(3);
    assert_eq!(flushed(), (3, 0));
    assert_eq!(session.ledger().rejected, 3);
    assert_eq!(session.receiver.requests().len(), 1);
    record(3);
    assert_eq!(flushed(), (0, 0), "the next batch goes its way");
}

#[test]
fn a_receiver_that_never_answers_costs_the_export_timeout_and_not_more() {
    let timeout = Duration::from_millis(300);
    for silent in [Answer::Hang, Answer::Slow { bytes_per_second: 1 }] {
        let session = Session::with(|config| over_grpc(config).export_timeout(timeout));
        session.receiver.script([silent.clone()]);
        record(5);
        let begun = Instant::now();
        assert_eq!(flushed(), (5, 0), "{silent:?}");
        assert!(begun.elapsed() < timeout * 3, "{silent:?}: {:?}", begun.elapsed());
        assert_eq!(session.ledger().dropped.unreachable, 5, "{silent:?}");
        record(5);
        assert_eq!(flushed(), (0, 0), "{silent:?}: the next batch is tried");
        assert!(session.ledger().is_balanced());
    }
}

#[test]
fn flush_and_shutdown_obey_their_deadlines_when_the_receiver_hangs() {
    let session = Session::with(over_grpc);
    session.receiver.answer(Answer::Hang);
    record(7);
    let begun = Instant::now();
    assert_eq!(lost(oxitel::flush(Duration::from_millis(200))), (0, 7));
    assert!(begun.elapsed() < Duration::from_millis(600), "{:?}", begun.elapsed());
    let begun = Instant::now();
    assert_eq!(lost(oxitel::shutdown(Duration::from_millis(300))), (7, 0));
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
    assert_eq!(session.ledger().dropped.shutdown_deadline, 7);
    assert!(session.ledger().is_balanced());
}

#[test]
fn on_a_current_thread_runtime_a_flush_and_a_shutdown_deliver_100_of_100() {
    let session = Session::with(over_grpc);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        record(100);
        assert_eq!(flushed(), (0, 0));
        record(100);
        assert_eq!(oxitel::shutdown(PATIENCE), Ok(()));
    });
    assert_eq!(session.receiver.spans().len(), 200);
    session.verify();
}

#[test]
fn a_program_delivers_at_its_end_however_it_ends() {
    for way in ["guard", "exit", "forget"] {
        let receiver = Receiver::start();
        let (output, _) = run_example_with("leaves", &[way], &receiver.endpoint(), GRPC);
        assert!(output.status.success(), "{way}: {output:?}");
        assert!(receiver.requests().iter().all(|request| request.grpc), "{way}");
        assert_eq!(receiver.spans().len(), 100, "{way}");
        if way == "guard" {
            judge(&receiver, &[printed_ledger(&output)]).expect_clean();
        }
    }
}

#[test]
fn a_program_whose_receiver_is_absent_or_hangs_ends_in_time_and_says_it_once() {
    let absent = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let absent = format!("http://{}", absent.expect("an address where nobody listens"));
    let (output, took) = run_example_with("leaves", &["guard"], &absent, GRPC);
    assert!(output.status.success() && took < Duration::from_secs(2), "{took:?}: {output:?}");
    assert_eq!(printed_ledger(&output).dropped.unreachable, 100);
    let words = String::from_utf8_lossy(&output.stderr).replace(&absent, "http://ABSENT");
    insta::assert_snapshot!(words, @"oxitel: 100 records could not be sent to http://ABSENT over gRPC: Connection refused (os error 111)");

    let receiver = Receiver::start();
    receiver.answer(Answer::Hang);
    let (output, took) = run_example_with("leaves", &["guard"], &receiver.endpoint(), GRPC);
    assert!(took < Duration::from_secs(6), "2 s by default, with slack: {took:?}");
    assert_eq!(printed_ledger(&output).dropped.shutdown_deadline, 100);
}

#[test]
fn forked_children_send_on_their_own() {
    let receiver = Receiver::start();
    let (output, _) = run_example_with("forks", &["4"], &receiver.endpoint(), GRPC);
    assert!(output.status.success(), "{output:?}");
    let children = receiver.spans().into_iter().filter(|r| r.span.name == "in the child");
    assert_eq!(children.count(), 4);
}

#[test]
fn the_sending_itself_is_not_recorded() {
    let receiver = Receiver::start();
    let (output, _) = run_example_with("chatty", &["layer", "flush"], &receiver.endpoint(), GRPC);
    assert!(output.status.success(), "{output:?}");
    assert!(receiver.tree().starts_with("chatty: span (internal)"), "{}", receiver.tree());
    // The span and three that its values make while they are formatted; HTTP/2 makes more.
    assert_eq!(receiver.spans().len(), 4, "{}", receiver.tree());
}
