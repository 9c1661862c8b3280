//! The page for Prometheus on a server of the program's own, and what it is told about names.

use crate::session::{PATIENCE, Session, turn};
use http::{Method, Request};
use oxitel::config::Temporality;
use oxitel::metrics::{Meter, PageError, PrometheusPage, Translation};
use oxitel::middleware::MetricsPage;
use oxitel::testing::proto::metrics::v1::{
    NumberDataPoint, ResourceMetrics, metric::Data, number_data_point,
};
use oxitel::{Config, Scope};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tower::ServiceExt;

static SHOP: Scope = Scope::new("shop");

/// The least that a program has to say.
fn served_by_the_program() -> Config {
    Config::default().service_name("shop").own_prometheus_page()
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().build().expect("a runtime").block_on(future)
}

fn page() -> String {
    PrometheusPage::collect_blocking("").expect("a page").text
}

#[test]
fn a_program_serves_the_page_itself() {
    let _turn = turn();
    let guard = oxitel::init(served_by_the_program()).expect("telemetry starts");
    Meter::of(&SHOP).u64_counter("orders.served").build().add(3, &[]);
    let text = block_on(PrometheusPage::collect("text/plain")).expect("a page");
    assert_eq!(text.content_type, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
    assert!(text.text.contains("service_name=\"shop\""), "{text:?}");
    assert!(text.text.contains("orders_served_total{otel_scope_name=\"shop\"} 3\n"), "{text:?}");
    let open = PrometheusPage::collect_blocking("application/openmetrics-text").expect("a page");
    assert!(open.content_type.starts_with("application/openmetrics-text; version=1.0.0"));
    assert!(open.text.ends_with("# EOF\n"), "{open:?}");
    drop(guard);
    assert!(matches!(PrometheusPage::collect_blocking(""), Err(PageError::Off)));
}

#[test]
fn a_service_answers_scrapers_at_any_path() {
    let _turn = turn();
    let ask = |method: Method| {
        let request = Request::builder().method(method).uri("/any").body(()).expect("a request");
        let response = block_on(MetricsPage::new().oneshot(request)).expect("an answer");
        (response.status().as_u16(), response.into_body())
    };
    assert_eq!(ask(Method::GET).0, 503, "telemetry does not run");
    let _guard = oxitel::init(served_by_the_program()).expect("telemetry starts");
    Meter::of(&SHOP).u64_counter("orders.answered").build().add(1, &[]);
    let (status, body) = ask(Method::GET);
    assert!(status == 200 && body.contains("orders_answered_total"), "{status} {body}");
    assert_eq!(ask(Method::POST).0, 405);
}

#[test]
fn metrics_that_are_not_for_prometheus_are_not_shown() {
    let _session = Session::start();
    assert!(matches!(PrometheusPage::collect_blocking(""), Err(PageError::Off)));
}

#[test]
fn a_callback_that_takes_its_time_holds_up_no_task_of_the_program() {
    static IS_OPEN: AtomicBool = AtomicBool::new(false);
    let _turn = turn();
    let _guard = oxitel::init(served_by_the_program()).expect("telemetry starts");
    let slow = Meter::of(&SHOP).u64_observable_gauge("slow").callback(|it| {
        let begun = Instant::now();
        while !IS_OPEN.load(Ordering::Relaxed) && begun.elapsed() < PATIENCE {
            std::thread::yield_now();
        }
        it.observe(7, &[]);
    });
    let slow = slow.build();
    let text = block_on(async {
        // On one thread: the second is polled only if the first does not wait.
        let page = PrometheusPage::collect("");
        let open = async { IS_OPEN.store(true, Ordering::Relaxed) };
        let (page, ()) = tokio::join!(page, open);
        page.expect("a page").text
    });
    slow.stop();
    assert!(text.contains("slow{otel_scope_name=\"shop\"} 7\n"), "{text}");
}

#[test]
fn a_page_beside_a_push_of_delta_takes_nothing_away_from_it() {
    let session = Session::with(|config| {
        let mut config = config.own_prometheus_page();
        config.metric_reader.temporality = Temporality::Delta;
        config.metric_reader.interval = Duration::from_secs(60);
        config
    });
    let orders = Meter::of(&SHOP).u64_counter("orders.both").build();
    for round in 1..=3 {
        orders.add(2, &[]);
        let line = format!("orders_both_total{{otel_scope_name=\"shop\"}} {}\n", 2 * round);
        assert!(page().contains(&line), "{}", page());
        oxitel::flush(PATIENCE).expect("everything is delivered");
    }
    let pushed: Vec<_> = session.receiver.metrics().iter().flat_map(numbers).collect();
    assert_eq!(pushed, [2, 2, 2], "each push has what came since the one before");
}

/// The values of all sums of a request.
fn numbers(request: &ResourceMetrics) -> Vec<i64> {
    let metrics = request.scope_metrics.iter().flat_map(|scope| &scope.metrics);
    let sums = metrics.filter_map(|metric| match &metric.data {
        Some(Data::Sum(sum)) => Some(&sum.data_points),
        _ => None,
    });
    let number = |point: &NumberDataPoint| match point.value {
        Some(number_data_point::Value::AsInt(number)) => number,
        ref other => panic!("{other:?}"),
    };
    sums.flatten().map(number).collect()
}

#[test]
fn names_and_scope_labels_are_as_the_program_says() {
    let _turn = turn();
    for (translation, scope_labels, expected) in [
        (Translation::default(), true, "bytes_sent_bytes_total{otel_scope_name=\"shop\"} 1\n"),
        (Translation::default(), false, "\nbytes_sent_bytes_total 1\n"),
        (Translation::UnderscoreEscapingWithoutSuffixes, false, "\nbytes_sent 1\n"),
        (Translation::NoTranslation, false, "\n{\"bytes.sent\"} 1\n"),
    ] {
        let mut config = served_by_the_program();
        config.metric_reader.prometheus_translation = translation;
        config.metric_reader.prometheus_scope_labels = scope_labels;
        let _guard = oxitel::init(config).expect("telemetry starts");
        Meter::of(&SHOP).u64_counter("bytes.sent").unit("By").build().add(1, &[]);
        let accept = "text/plain; version=1.0.0; escaping=allow-utf-8";
        let page = PrometheusPage::collect_blocking(accept).expect("a page").text;
        assert!(page.contains(expected), "{translation}: {page}");
    }
}

/// Kind, name, unit and name for Prometheus, as the guide has them.
fn names_of_the_guide() -> Vec<[&'static str; 4]> {
    let guide = include_str!("../../../../docs/guide/metrics.md");
    let rows = guide.lines().filter_map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [kind @ ("counter" | "histogram" | "gauge"), name, unit, shown] = cells[..] else {
            return None;
        };
        Some([kind, name, unit, shown].map(|cell| cell.trim_matches('`')))
    });
    rows.collect()
}

#[test]
fn names_for_prometheus_are_those_of_the_guide() {
    let _turn = turn();
    let _guard = oxitel::init(served_by_the_program()).expect("telemetry starts");
    let meter = Meter::of(&SHOP);
    let names = names_of_the_guide();
    assert_eq!(names.len(), 7);
    for [kind, name, unit, _] in &names {
        let unit = if *unit == "–" { "" } else { unit };
        match *kind {
            "counter" => meter.u64_counter(name).unit(unit).build().add(1, &[]),
            "histogram" => meter.f64_histogram(name).unit(unit).build().record(1.0, &[]),
            _ => meter.f64_gauge(name).unit(unit).build().record(1.0, &[]),
        }
    }
    let page = page();
    for [kind, _, _, shown] in names {
        let line = format!("# TYPE {shown} {kind}");
        assert!(page.lines().any(|it| it == line), "{line} is missing:\n{page}");
    }
}

#[test]
fn points_have_exactly_the_labels_of_their_attributes_and_the_usual_bounds() {
    let _turn = turn();
    let mut config = served_by_the_program();
    config.metric_reader.prometheus_scope_labels = false;
    let _guard = oxitel::init(config).expect("telemetry starts");
    let meter = Meter::of(&SHOP);
    let pair = [("status", "200".into()), ("method", "POST".into())];
    meter.u64_counter("requests_total").build().add(1234, &pair);
    let took = meter.f64_histogram("request_duration_ms").build();
    took.record(100.0, &[]);
    took.record(500.0, &[]);
    let page = page();
    for line in [
        "requests_total{method=\"POST\",status=\"200\"} 1234",
        "request_duration_ms_bucket{le=\"100\"} 1",
        "request_duration_ms_bucket{le=\"500\"} 2",
        "request_duration_ms_sum 600",
        "request_duration_ms_count 2",
    ] {
        assert!(page.lines().any(|it| it == line), "{line} is missing:\n{page}");
    }
}
