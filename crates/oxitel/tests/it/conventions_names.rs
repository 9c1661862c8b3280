//! The page of names against what is sent, and against the code.

use crate::session::{PATIENCE, turn};
use oxitel::conventions::rpc::{self, Call, Direction, Mode, Side};
use oxitel::conventions::service::{self, Container, of_class};
use oxitel::conventions::stream::metric_attributes::{
    DROP_REASON, EVENT_TYPE, OPERATION_TYPE, PARTITION_ID,
};
use oxitel::conventions::{
    BackgroundJobType, DbOperation, background, background_span, db, db_query_span, db_span,
    record_background_metrics, record_db_metrics, stream,
};
use oxitel::testing::Receiver;
use oxitel::testing::proto::common::v1::KeyValue;
use oxitel::testing::proto::metrics::v1::{Metric, metric::Data};
use oxitel::testing::proto::trace::v1::span::SpanKind;
use oxitel::{Config, Guard, LogRecord, Scope, Severity, SpanContext};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::MutexGuard;
use std::time::Duration;

const PAGE: &str = include_str!("../../../../docs/reference/names.md");
static SCOPE: Scope = Scope::new("names");

/// The rows of the table below this heading, without their backticks.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let section = PAGE.split(&format!("# {heading}\n")).nth(1).expect("the page has the heading");
    let section = section.split("\n#").next().expect("its text");
    let cells = |row: &str| -> Vec<String> {
        let row = row.trim_matches('|').replace('`', "");
        row.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    section.lines().filter(|line| line.starts_with('|')).skip(2).map(cells).collect()
}

fn firsts(heading: &str) -> BTreeSet<String> {
    rows(heading).into_iter().map(|mut row| row.swap_remove(0)).collect()
}

fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// An engine that sends to a receiver and serves its metrics.
struct Both {
    _guard: Guard,
    receiver: Receiver,
    page: SocketAddr,
    _turn: MutexGuard<'static, ()>,
}

impl Both {
    fn start() -> Self {
        let turn = turn();
        let receiver = Receiver::start();
        let port = TcpListener::bind("127.0.0.1:0").expect("a port");
        let page = port.local_addr().expect("its address");
        drop(port);
        let config = Config::from_lookup(|name| match name {
            "OTEL_METRICS_EXPORTER" => Some("otlp,prometheus".to_owned()),
            "OTEL_EXPORTER_PROMETHEUS_HOST" => Some("127.0.0.1".to_owned()),
            "OTEL_EXPORTER_PROMETHEUS_PORT" => Some(page.port().to_string()),
            "OTEL_SEMCONV_STABILITY_OPT_IN" => Some("rpc/dup".to_owned()),
            // A queue that is limited by number tells its capacity.
            "OTEL_BSP_MAX_QUEUE_SIZE" | "OTEL_BLRP_MAX_QUEUE_SIZE" => Some("5000".to_owned()),
            _ => None,
        });
        let config = config.endpoint(receiver.endpoint()).schedule_delay(PATIENCE);
        let guard = oxitel::init(config).expect("telemetry starts");
        Self { _guard: guard, receiver, page, _turn: turn }
    }

    fn scrape(&self) -> String {
        let mut connection = TcpStream::connect(self.page).expect("it is served");
        connection.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let request = "GET /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
        connection.write_all(request.as_bytes()).expect("it is read");
        let mut page = String::new();
        connection.read_to_string(&mut page).expect("the page");
        page
    }
}

fn spans_of_the_conventions() {
    let collection = Some("{collection}");
    for operation in DbOperation::ALL {
        let whole = *operation != DbOperation::BatchWrite;
        let span = db_span(*operation, collection.filter(|_| whole), Some("tenant"));
        let _span = span.stored_at("/store").batch_size(2).entered();
        record_db_metrics(Some(1), Some(1));
    }
    drop(db_query_span("SELECT 1", "{collection}", None));
    for job in BackgroundJobType::ALL {
        let _job = background_span(*job, "{target}").entered();
        record_background_metrics(None, None, "started");
        record_background_metrics(Some(1), Some(1), "success");
    }
    drop(rpc::dispatch_span(&SpanContext::NONE));
    let call = Call::new("m", "c").on(1);
    drop(call.span());
    rpc::handle_sync(call, || Ok::<_, std::fmt::Error>(())).expect("it works");
}

#[test]
fn the_page_has_all_services_spans_and_attributes_of_the_conventions() {
    let both = Both::start();
    spans_of_the_conventions();
    oxitel::flush(PATIENCE).expect("delivered");
    let (mut spans, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let mut scopes = BTreeSet::new();
    for record in both.receiver.spans() {
        let kind = match record.span.kind() {
            SpanKind::Internal => "internal",
            SpanKind::Server => "server",
            SpanKind::Client => "client",
            other => panic!("{other:?}"),
        };
        spans.insert(vec![record.span.name.clone(), kind.to_owned()]);
        keys.extend(record.span.attributes.iter().map(|pair| pair.key.clone()));
        scopes.insert(record.scope.name.clone());
        let events = record.span.events.iter();
        assert!(events.clone().all(|it| PAGE.contains(&format!("`{}`", it.name))), "{record:?}");
    }
    let told = rows("Spans of the conventions").into_iter();
    assert_eq!(spans, told.map(|row| row[..2].to_vec()).collect());
    assert_eq!(keys, firsts("Attributes of the conventions"));
    let declared = [db::ATTRIBUTES, background::ATTRIBUTES, rpc::ATTRIBUTES].concat();
    assert_eq!(keys, set(declared), "what spans get later is declared, too");
    scopes.insert("processor".to_owned());
    assert_eq!(scopes, firsts("Scopes"));

    let containers = [Container::Function, Container::Odgm].map(|it| of_class("{class}", it));
    let services = service::ALL.iter().map(|name| (*name).to_owned()).chain(containers);
    let services = services.chain(["{class}-fn-{place}".to_owned()]);
    assert_eq!(services.collect::<BTreeSet<_>>(), firsts("Services"));
}

fn metrics_of_the_conventions() {
    let call = Call::new("m", "c");
    for side in [Side::Client, Side::Server] {
        call.record(side, Duration::from_millis(3), Ok(()));
        call.record(side, Duration::from_millis(3), Err("timeout"));
    }
    rpc::record_payload(Direction::In, 1);
    rpc::record_python_log(20);
    rpc::record_storage_operation("get", Duration::from_millis(1));
    drop((rpc::active_session(), rpc::active_handler(Mode::Sync)));
    let stream = stream::instruments();
    let event = (EVENT_TYPE, "metric".into());
    stream.events_processed.add(1, &[event]);
    stream.events_dropped.add(1, &[event, (DROP_REASON, "late".into())]);
    stream.window_triggers.add(1, &[]);
    stream.deduplication_count.add(1, &[event]);
    let operation = [(OPERATION_TYPE, "aggregation".into())];
    stream.processing_duration.record(123.45, &operation);
    stream.aggregation_duration.record(1.0, &operation);
    stream.state_operation_duration.record(0.1, &operation);
    stream.watermark_lag.record(1000, &[(PARTITION_ID, "0".into())]);
}

/// Kind, unit, bounds and labels, as the page writes them.
fn described(metric: &Metric) -> [String; 4] {
    let keys = |attributes: Vec<&Vec<KeyValue>>| -> String {
        let keys = attributes.into_iter().flatten().map(|pair| pair.key.as_str());
        keys.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
    };
    let (kind, bounds, labels) = match metric.data.as_ref().expect("data") {
        Data::Sum(data) => {
            let kind = if data.is_monotonic { "counter" } else { "up/down counter" };
            (kind, "", keys(data.data_points.iter().map(|it| &it.attributes).collect()))
        }
        Data::Gauge(data) => {
            ("gauge", "", keys(data.data_points.iter().map(|it| &it.attributes).collect()))
        }
        Data::Histogram(data) => {
            let bounds = data.data_points[0].explicit_bounds.iter().map(f64::to_string);
            let bounds = bounds.collect::<Vec<_>>().join(", ");
            let labels = keys(data.data_points.iter().map(|it| &it.attributes).collect());
            return ["histogram".to_owned(), metric.unit.clone(), bounds, labels];
        }
        other => panic!("{other:?}"),
    };
    [kind.to_owned(), metric.unit.clone(), bounds.to_owned(), labels]
}

/// What arrived under these scopes, by name.
fn arrived(receiver: &Receiver, scopes: &[&str]) -> BTreeMap<String, [String; 4]> {
    let requests = receiver.metrics();
    let all = requests.iter().flat_map(|request| &request.scope_metrics);
    let ours = all.filter(|it| it.scope.as_ref().is_some_and(|it| scopes.contains(&&*it.name)));
    ours.flat_map(|it| &it.metrics).map(|it| (it.name.clone(), described(it))).collect()
}

#[test]
fn the_page_has_all_metrics_with_their_kinds_units_bounds_labels_and_other_names() {
    let both = Both::start();
    metrics_of_the_conventions();
    oxitel::flush(PATIENCE).expect("delivered");
    let arrived = arrived(&both.receiver, &["oxitel.rpc", "processor"]);
    let page = rows("Metrics of the conventions");
    let told: BTreeMap<_, _> =
        page.iter().map(|row| (row[0].clone(), [1, 2, 3, 4].map(|at| row[at].clone()))).collect();
    assert_eq!(arrived, told);

    let declared = [rpc::METRICS, rpc::STANDARD_METRICS, stream::METRICS].concat();
    for metric in &declared {
        let mut labels = metric.labels.to_vec();
        labels.sort_unstable();
        let [_, unit, _, told_labels] = &arrived[metric.name];
        assert_eq!((metric.unit, labels.join(", ")), (unit.as_str(), told_labels.clone()));
    }
    assert_eq!(declared.len(), arrived.len());

    let scraped = both.scrape();
    for row in &page {
        let (kind, name) = (row[1].replace("up/down counter", "gauge"), &row[5]);
        assert!(scraped.contains(&format!("# TYPE {name} {kind}\n")), "{name}: {scraped}");
        let words = row[0].replace('.', "_");
        assert!(name.starts_with(words.trim_end_matches("_total")), "{name}");
    }
    for bound in ["100", "500"] {
        let bucket = scraped.lines().find(|line| {
            line.starts_with("rpc_request_duration_ms_bucket{")
                && [format!("le=\"{bound}\""), format!("le=\"{bound}.0\"")]
                    .iter()
                    .any(|label| line.contains(label))
        });
        assert!(bucket.is_some(), "{scraped}");
    }
}

#[test]
fn the_page_has_all_metrics_of_the_engine() {
    let both = Both::start();
    drop(SCOPE.span("span"));
    SCOPE.log(&LogRecord::new(Severity::INFO, "record"));
    for _ in 0..2 {
        // What is told of a request is in the one after it.
        oxitel::flush(PATIENCE).expect("delivered");
    }
    let arrived = arrived(&both.receiver, &["oxitel"]);
    let page = rows("Metrics of the engine");
    assert_eq!(arrived.keys().cloned().collect::<BTreeSet<_>>(), firsts("Metrics of the engine"));
    for row in page {
        let [kind, unit, _, labels] = &arrived[&row[0]];
        assert_eq!((kind, unit), (&row[1], &row[2]), "{}", row[0]);
        let known: Vec<_> = row[3].split(", ").collect();
        assert!(labels.split(", ").all(|label| known.contains(&label)), "{labels} of {}", row[0]);
    }
}

/// The words with dots that the code of these files has as texts: its attributes.
fn words_of_code(places: &[&str]) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for place in places {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(place);
        collect_words(&path, &mut words);
    }
    words
}

fn collect_words(path: &Path, words: &mut BTreeSet<String>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder") {
            collect_words(&entry.expect("an entry").path(), words);
        }
        return;
    }
    if path.ends_with("tests.rs") {
        return;
    }
    let text = fs::read_to_string(path).expect("code");
    let code = text.split("#[cfg(test)]").next().expect("its beginning");
    for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
        words.extend(line.split('"').skip(1).step_by(2).filter(|it| is_key(it)).map(str::to_owned));
    }
}

fn is_key(text: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_alphanumeric())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    text.contains('.') && text.split('.').all(is_word) && !text.starts_with(char::is_numeric)
}

#[test]
fn the_page_has_all_attributes_of_middleware_tracing_and_resource() {
    let middleware = words_of_code(&["middleware"]);
    assert_eq!(middleware, firsts("Attributes of the middleware"));
    let tracing = words_of_code(&["bridge/tracing/entry.rs", "bridge/tracing/fields.rs"]);
    // Those are read, and never sent.
    let sent = tracing.into_iter().filter(|key| !key.starts_with("otel."));
    assert_eq!(sent.collect::<BTreeSet<_>>(), firsts("Attributes of `tracing`"));
    let mut resource = words_of_code(&["resource"]);
    let set_by_programs = words_of_code(&["config/setters.rs"]).into_iter();
    let is_attribute = |key: &String| key.starts_with("service.") || key.starts_with("deployment.");
    resource.extend(set_by_programs.filter(is_attribute));
    assert_eq!(resource, firsts("Attributes of the resource"));
}
