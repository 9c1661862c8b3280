//! What a process measures arrives: its own metrics and the engine's, by the clock, at a flush and
//! at the end.

use crate::session::{PATIENCE, Session, run_example_with, turn};
use oxitel::metrics::Meter;
use oxitel::testing::proto::common::v1::{KeyValue, any_value::Value};
use oxitel::testing::proto::metrics::v1::{Metric, metric::Data, number_data_point};
use oxitel::testing::{Answer, Receiver};
use oxitel::{Config, LogRecord, Scope, Severity, SignalKind};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

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
    assert_eq!(sums["otel.sdk.exporter.span.exported"], 5, "of this session alone");
    assert_eq!(sums["otel.sdk.exporter.span.exported/rejected"], 1);
    assert_eq!(sums["otel.sdk.span.live"], 1);
    assert!(sums["otel.sdk.log.created"] >= 1);
    assert!(sums["otel.sdk.span.started"] >= 7);
    assert_eq!(sums["otel.sdk.processor.span.queue.size"], 0);
}

#[test]
fn queues_requests_and_collections_are_told_as_metrics() {
    let of_spans = Receiver::start();
    let session = Session::with(|mut config| {
        config.traces.endpoint = Some(format!("{}/v1/traces", of_spans.endpoint()));
        config.max_queue_size = 700;
        config.metric_reader.interval = Duration::from_millis(30);
        config.own_metrics(true)
    });
    of_spans.script([Answer::Accept, Answer::Status(400), Answer::Hang]);
    drop(SCOPE.span("sent"));
    oxitel::flush(PATIENCE).expect("delivered");
    drop(SCOPE.span("refused"));
    oxitel::flush(PATIENCE).expect_err("refused");
    (0..3).for_each(|_| drop(SCOPE.span("under way")));
    oxitel::flush(Duration::from_millis(100)).expect_err("nobody answers");
    let until = Instant::now() + PATIENCE;
    let in_flight = || sums(&session.receiver).get("otel.sdk.exporter.span.inflight").copied();
    while in_flight() != Some(3) {
        assert!(Instant::now() < until, "{:?}", sums(&session.receiver));
        std::thread::sleep(Duration::from_millis(10));
    }
    let sums = sums(&session.receiver);
    assert_eq!(sums["otel.sdk.processor.span.queue.capacity"], 700);
    assert!(!sums.contains_key("otel.sdk.processor.log.queue.capacity"), "bytes alone limit it");

    let requests = durations(&session.receiver, "otel.sdk.exporter.operation.duration");
    let of_spans: BTreeSet<_> = requests.iter().filter(|it| it.contains("span")).collect();
    let port = session.receiver.endpoint().rsplit_once(':').map(|(_, port)| port.to_owned());
    assert_eq!(of_spans.len(), 2, "one that was delivered, one that was refused: {requests:?}");
    assert!(of_spans.iter().any(|it| it.contains("error.type=rejected")), "{requests:?}");
    let of_points = format!("server.address=127.0.0.1 server.port={}", port.expect("a port"));
    assert!(requests.iter().any(|it| it.contains(&of_points)), "{requests:?}");
    let collections = durations(&session.receiver, "otel.sdk.metric_reader.collection.duration");
    let reader = "otel.component.name=periodic_metric_reader/0";
    assert!(!collections.is_empty() && collections.iter().all(|it| it.contains(reader)));
}

/// The attributes of each point of a histogram, sorted.
fn durations(receiver: &Receiver, name: &str) -> BTreeSet<String> {
    let requests = receiver.metrics();
    let scopes = requests.iter().flat_map(|resource| &resource.scope_metrics);
    let metrics = scopes.flat_map(|scope| &scope.metrics).filter(|metric| metric.name == name);
    let points = metrics.flat_map(|metric| match &metric.data {
        Some(Data::Histogram(histogram)) if metric.unit == "s" => &histogram.data_points[..],
        _ => &[],
    });
    let shown = |pair: &KeyValue| match pair.value.as_ref().and_then(|it| it.value.as_ref()) {
        Some(Value::StringValue(text)) => format!("{}={text}", pair.key),
        Some(Value::IntValue(number)) => format!("{}={number}", pair.key),
        other => panic!("{other:?}"),
    };
    points
        .map(|point| {
            let mut all: Vec<_> = point.attributes.iter().map(shown).collect();
            all.sort();
            all.join(" ")
        })
        .collect()
}

#[test]
fn a_forked_child_that_does_nothing_but_measure_sends_it_too() {
    let receiver = Receiver::start();
    let (output, _) = run_example_with("forks", &["measuring"], &receiver.endpoint(), &[]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Ok(())\n");
    let requests = receiver.metrics();
    let metrics = requests.iter().flat_map(|resource| &resource.scope_metrics);
    let points = metrics.flat_map(|scope| &scope.metrics).flat_map(points);
    let counted: BTreeSet<_> =
        points.filter(|(name, _)| name == "forks.counted").map(|(_, count)| count).collect();
    assert_eq!(counted, BTreeSet::from([1, 10, 110]), "each process from zero");
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

/// What a scraper gets from this address.
fn scraped(address: SocketAddr) -> String {
    let give_up = Instant::now() + PATIENCE;
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            // The page is opened beside the program, which does not wait for it.
            Err(error) if Instant::now() > give_up => panic!("{address}: {error}"),
            Err(_) => std::thread::yield_now(),
        }
    };
    let request = "GET /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it takes the request");
    let mut page = String::new();
    stream.read_to_string(&mut page).expect("a page");
    page
}

#[test]
fn a_page_for_prometheus_needs_no_endpoint() {
    let _turn = turn();
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let variables = [
        ("OTEL_METRICS_EXPORTER", "prometheus".to_owned()),
        ("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1".to_owned()),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", port.port().to_string()),
        ("OTEL_SERVICE_NAME", "shop".to_owned()),
    ];
    let config = Config::from_lookup(|name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    });
    assert_eq!(config.warnings(), Vec::<String>::new());
    let guard = oxitel::init(config).expect("telemetry starts");
    assert!(guard.is_recording());
    let orders = Meter::named("shop").u64_counter("shop.orders.seen").unit("{order}").build();
    orders.add(3, &[("kind", "cash".into())]);
    let page = scraped(port);
    assert!(page.contains("shop_orders_seen_total{kind=\"cash\""), "{page}");
    assert!(page.contains("target_info{") && page.contains("shop"), "{page}");
    orders.add(4, &[("kind", "cash".into())]);
    assert!(scraped(port).contains("} 7"), "cumulative");
    drop(guard);
    assert!(TcpStream::connect(port).is_err(), "it is closed with the engine");
}

#[test]
fn a_port_that_is_taken_is_said_and_the_rest_works() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let receiver = Receiver::start();
    let variables = [
        ("OTEL_METRICS_EXPORTER", "otlp,prometheus"),
        ("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", &port),
    ];
    let (output, _) = run_example_with("leaves", &["guard"], &receiver.endpoint(), &variables);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(&format!("metrics are not served at 127.0.0.1:{port}")), "{said}");
    assert_eq!((receiver.spans().len(), receiver.metrics().is_empty()), (100, false));
}
