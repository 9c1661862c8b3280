//! What metrics are called in Prometheus: the guide's table is what a scraper gets.

use super::super::{MetricsRecorder, OtlpProtocol, TelemetryConfig, engine};
use super::turn;
use oxitel::config::Exporters;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

const GUIDE: &str = include_str!("../../../../../docs/guide/stream-processing.md");

/// Name and the name in Prometheus, of each kind.
fn table(kind: &str) -> Vec<(&'static str, &'static str)> {
    let rows = GUIDE.lines().filter_map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [of_kind, name, _, _, in_prometheus] = cells[..] else { return None };
        (of_kind == kind).then(|| (name.trim_matches('`'), in_prometheus.trim_matches('`')))
    });
    rows.collect()
}

/// The page, as soon as it is served.
fn scrape(address: SocketAddr) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Ok(mut connection) = TcpStream::connect(address) {
            let request = "GET /metrics HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n";
            connection.write_all(request.as_bytes()).expect("it reads");
            let mut page = String::new();
            connection.read_to_string(&mut page).expect("it answers");
            return page;
        }
        assert!(Instant::now() < deadline, "no page at {address}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_guides_names_are_what_prometheus_gets() {
    let _turn = turn();
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it");
    let wanted = TelemetryConfig::default()
        .with_otlp_endpoint("http://127.0.0.1:1")
        .with_otlp_protocol(OtlpProtocol::Http)
        .with_tracing_enabled(false);
    let mut config = engine::engine(&wanted, &oxitel::Config::default());
    config.metrics.exporters = Exporters::NONE;
    config.metrics.exporters.prometheus = true;
    config.metric_reader.prometheus_host = free.ip().to_string();
    config.metric_reader.prometheus_port = free.port();
    let guard = oxitel::init(config).expect("telemetry starts");

    let recorder = MetricsRecorder::new();
    let (counters, histograms, gauges) = (table("counter"), table("histogram"), table("gauge"));
    assert_eq!((counters.len(), histograms.len(), gauges.len()), (4, 3, 1), "rows of the guide");
    for (name, _) in &counters {
        recorder.record_counter("processor", name, 1, vec![]);
    }
    for (name, _) in &histograms {
        recorder.record_histogram("processor", name, 1.0, vec![]);
    }
    for (name, _) in &gauges {
        recorder.record_gauge("processor", name, 1, vec![]);
    }
    let page = scrape(free);
    for (kind, names) in [("counter", counters), ("histogram", histograms), ("gauge", gauges)] {
        for (name, in_prometheus) in names {
            let line = format!("# TYPE {in_prometheus} {kind}\n");
            assert!(page.contains(&line), "{name}: no {line:?} in {page}");
        }
    }
    drop(guard);
}
