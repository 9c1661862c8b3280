//! Hundreds of forks, from any thread, while others hold every lock there is.

use crate::session::run_example_with;
use oxitel::testing::{Receiver, SpanRecord};
use std::collections::BTreeSet;
use std::time::Duration;

const CHILDREN: usize = 200;

#[test]
fn forks_from_all_threads_while_others_record_flush_start_and_end_lose_nothing() {
    for protocol in ["http/protobuf", "grpc"] {
        let receiver = Receiver::start();
        let variables = [("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)];
        let (output, took) =
            run_example_with("forks", &["storm"], &receiver.endpoint(), &variables);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{protocol}: {words}");
        assert!(took < Duration::from_secs(120), "{protocol}: {took:?}");
        let spans = receiver.spans();
        let children = spans.iter().filter(|record| record.span.name == "in the child").count();
        assert_eq!(children, CHILDREN * 3, "{protocol}: {words}");
        let unique: BTreeSet<_> = spans.iter().map(SpanRecord::span_id).collect();
        assert_eq!(unique.len(), spans.len(), "{protocol}: no span twice");
    }
}
