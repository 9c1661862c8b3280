//! What a process measures arrives: its own metrics and the engine's, by the clock, at a flush and
//! at the end.

use crate::session::{PATIENCE, Session, run_example_with};
use oxitel::metrics::Meter;
use oxitel::testing::proto::common::v1::any_value::Value;
use oxitel::testing::proto::metrics::v1::{Metric, metric::Data, number_data_point};
use oxitel::testing::{Answer, Receiver};
use oxitel::{LogRecord, Scope, Severity, SignalKind};
use std::collections::BTreeMap;
use std::time::Duration;

static SCOPE: Scope = Scope::new("own metrics");

/// The last value of each sum, by name and, behind a `/`, `error.type`.
fn sums(receiver: &Receiver) -> BTreeMap<String, i64> {
    let requests = receiver.metrics();
    let scopes = requests.iter().flat_map(|resource| &resource.scope_metrics);
    scopes.flat_map(|scope| &scope.metrics).flat_map(points).collect()
}

fn points(metric: &Metric) -> Vec<(String, i64)> {
    let Some(Data::Sum(sum)) = &metric.data else { return Vec::new() };
    let point = |point: &oxitel::testing::proto::metrics::v1::NumberDataPoint| {
        let error = point.attributes.iter().find(|pair| pair.key == "error.type");
        let error = error.and_then(|pair| pair.value.as_ref()?.value.as_ref());
        let name = match error {
            Some(Value::StringValue(error)) => format!("{}/{error}", metric.name),
            _ => metric.name.clone(),
        };
        match point.value {
            Some(number_data_point::Value::AsInt(number)) => Some((name, number)),
            _ => None,
        }
    };
    sum.data_points.iter().filter_map(point).collect()
}

#[test]
fn a_flush_collects_what_was_measured_and_the_end_the_rest() {
    let session = Session::start();
    let counter = Meter::named("shop").u64_counter("shop.orders").unit("{order}").build();
    counter.add(3, &[]);
    oxitel::flush(PATIENCE).expect("delivered");
    assert_eq!(sums(&session.receiver)["shop.orders"], 3);
    counter.add(4, &[]);
    oxitel::shutdown(PATIENCE).expect("delivered");
    assert_eq!(sums(&session.receiver)["shop.orders"], 7, "cumulative");
    let metrics = session.receiver.metrics();
    let resource = metrics[0].resource.as_ref().expect("it says who");
    assert!(resource.attributes.iter().any(|pair| pair.key == "service.instance.id"));
    let ledger = oxitel::stats_of(SignalKind::Metrics);
    assert!(ledger.is_balanced() && ledger.delivered >= 2, "{ledger}");
}

#[test]
fn what_is_measured_leaves_by_itself_after_the_interval() {
    let session = Session::with(|mut config| {
        config.metric_reader.interval = Duration::from_millis(30);
        config
    });
    let meter = Meter::named("shop");
    meter.u64_counter("shop.by_the_clock").build().add(1, &[]);
    let gauge = meter.i64_observable_gauge("shop.asked").callback(|it| it.observe(5, &[])).build();
    let requests = session.receiver.wait_for_requests(2, PATIENCE);
    assert!(requests.iter().all(|request| request.path == "/v1/metrics"), "{requests:?}");
    assert_eq!(sums(&session.receiver)["shop.by_the_clock"], 1);
    let all = format!("{:?}", session.receiver.metrics());
    assert!(all.contains("shop.asked"), "callbacks are asked: {all}");
    gauge.stop();
}

#[test]
fn the_ledger_is_told_as_metrics() {
    let session = Session::with(|config| config.own_metrics(true));
    let before = oxitel::stats_of(SignalKind::Traces);
    for _ in 0..5 {
        drop(SCOPE.span("sent"));
    }
    SCOPE.log(&LogRecord::new(Severity::INFO, "sent"));
    oxitel::flush(PATIENCE).expect("delivered");
    session.receiver.answer(Answer::Status(400));
    drop(SCOPE.span("refused"));
    oxitel::flush(PATIENCE).expect_err("refused");
    session.receiver.answer(Answer::Accept);
    let _alive = SCOPE.span("alive");
    oxitel::flush(PATIENCE).expect("delivered");
    let sums = sums(&session.receiver);
    let since = |name: &str, was: u64| sums[name] - was as i64;
    assert_eq!(since("otel.sdk.exporter.span.exported", before.delivered), 5);
    assert_eq!(since("otel.sdk.exporter.span.exported/rejected", before.rejected), 1);
    assert_eq!(sums["otel.sdk.span.live"], 1);
    assert!(sums["otel.sdk.log.created"] >= 1);
    assert!(sums["otel.sdk.span.started"] >= 7);
    assert_eq!(sums["otel.sdk.processor.span.queue.size"], 0);
}

#[test]
fn metrics_that_are_off_send_nothing() {
    let session = Session::with(|config| config.own_metrics(true).metrics(false));
    Meter::named("shop").u64_counter("shop.nobody").build().add(1, &[]);
    drop(SCOPE.span("goes on"));
    oxitel::flush(PATIENCE).expect("delivered");
    assert!(session.receiver.metrics().is_empty());
    assert_eq!(session.receiver.spans().len(), 1);
}

#[test]
fn a_program_that_measures_nothing_tells_its_health_at_its_end() {
    let receiver = Receiver::start();
    let (output, _) = run_example_with("leaves", &["guard"], &receiver.endpoint(), &[]);
    assert!(output.status.success(), "{output:?}");
    let sums = sums(&receiver);
    assert_eq!(sums["otel.sdk.span.started"], 100, "{sums:?}");
    let receiver = Receiver::start();
    let none = [("OTEL_METRICS_EXPORTER", "none")];
    let (output, _) = run_example_with("leaves", &["guard"], &receiver.endpoint(), &none);
    assert!(output.status.success() && receiver.metrics().is_empty(), "{output:?}");
}
