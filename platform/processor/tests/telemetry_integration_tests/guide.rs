//! What the guide shows is what there is: its paths and literals written out, and its words.

use crate::export::of_resource;
use crate::points::values;
use crate::session::{Session, block_on};
use processor::Span as _;
use processor::telemetry::{
    BatchConfiguration, ExportConfig, MetricsConfig, MetricsRecorder, OtlpProtocol,
    SamplingStrategy, SpanBuilder, TelemetryConfig, Temporality, TraceConfig, extract_from_headers,
    metric_names, record_exception,
};
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::time::Duration;

const GUIDE: &str = include_str!("../../../../docs/guide/stream-processing.md");

#[test]
fn the_quick_start_names_both_parts() {
    let config = TelemetryConfig::new("my-processor")
        .with_otlp_endpoint("http://localhost:4317")
        .with_service_version("1.0.0")
        .with_environment("production");
    let TelemetryConfig { tracing, metrics } = config;
    assert_eq!((tracing.service_name, metrics.service_name), both("my-processor"));
    assert_eq!((tracing.otlp_endpoint, metrics.otlp_endpoint), both("http://localhost:4317"));
    assert_eq!((tracing.service_version, metrics.service_version), both("1.0.0"));
    let environments = (tracing.environment, metrics.environment);
    assert_eq!(environments, (Some("production".to_owned()), Some("production".to_owned())));
}

fn both(text: &str) -> (String, String) {
    (text.to_owned(), text.to_owned())
}

/// The guide's literal: every field, and no other.
fn whole() -> TelemetryConfig {
    TelemetryConfig {
        tracing: TraceConfig {
            enabled: true,
            service_name: "my-processor".to_string(),
            service_version: "1.0.0".to_string(),
            otlp_endpoint: "http://localhost:4317".to_string(),
            otlp_protocol: OtlpProtocol::Grpc,
            sampling: SamplingStrategy::ParentBased {
                root: Box::new(SamplingStrategy::TraceIdRatio { ratio: 0.1 }),
            },
            batch_config: BatchConfiguration {
                max_queue_size: 2048,
                max_export_batch_size: 512,
                scheduled_delay: Duration::from_secs(5),
                export_timeout: Duration::from_secs(30),
            },
            headers: HashMap::new(),
            environment: Some("production".to_string()),
        },
        metrics: MetricsConfig {
            enabled: true,
            service_name: "my-processor".to_string(),
            service_version: "1.0.0".to_string(),
            otlp_endpoint: "http://localhost:4317".to_string(),
            temporality: Temporality::Cumulative,
            export_config: ExportConfig {
                export_interval: Duration::from_secs(60),
                export_timeout: Duration::from_secs(30),
            },
            headers: HashMap::new(),
            environment: Some("production".to_string()),
        },
    }
}

#[test]
fn a_configuration_written_as_a_literal_is_followed() {
    assert_eq!(whole().check(), Ok(()));
    let session = Session::with(OtlpProtocol::Grpc, |receiver| {
        let mut config = whole();
        config.tracing.otlp_endpoint = receiver.tracing.otlp_endpoint;
        config.metrics.otlp_endpoint = receiver.metrics.otlp_endpoint;
        config
    });
    // A caller that keeps its trace: the share is for roots.
    let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
    let caller = extract_from_headers(&HashMap::from([("traceparent".to_owned(), caller)]));
    drop(SpanBuilder::new("process_event").start_with_context(&caller));
    MetricsRecorder::new().record_counter("processor", metric_names::EVENTS_PROCESSED, 1, vec![]);
    let receiver = session.end();
    assert!(receiver.requests().iter().all(|request| request.grpc), "otlp_protocol");
    assert_eq!(values(&receiver, metric_names::EVENTS_PROCESSED), ["1"]);
    let sent = receiver.spans().remove(0);
    assert_eq!(of_resource(&sent, "service.name"), "my-processor");
    assert_eq!(of_resource(&sent, "service.version"), "1.0.0");
    assert_eq!(of_resource(&sent, "deployment.environment"), "production");
}

/// What stands in the example and what is compiled here are the same words.
fn shows(heading: &str, lines: &[&str]) {
    let text = section(heading);
    for line in lines {
        assert!(text.contains(line), "{line:?} is not below {heading:?}:\n{text}");
    }
}

#[test]
fn the_advice_on_configuration_compiles_and_can_be_followed() {
    let config = TraceConfig {
        sampling: SamplingStrategy::TraceIdRatio { ratio: 0.1 },
        ..Default::default()
    };
    let lines =
        ["sampling: SamplingStrategy::TraceIdRatio { ratio: 0.1 },", "..Default::default()"];
    shows("### 1. Sampling Strategy", &lines);

    let batch_config = BatchConfiguration {
        max_queue_size: 4096,
        max_export_batch_size: 1024,
        scheduled_delay: Duration::from_secs(10),
        export_timeout: Duration::from_secs(30),
    };
    let lines = [
        "max_queue_size: 4096,",
        "max_export_batch_size: 1024,",
        "scheduled_delay: Duration::from_secs(10),",
        "export_timeout: Duration::from_secs(30),",
    ];
    shows("### 3. Batch Configuration", &lines);

    let named = TelemetryConfig::new("processor")
        .with_environment("production")
        .with_service_version(env!("CARGO_PKG_VERSION"));
    assert_eq!(named.tracing.service_version, env!("CARGO_PKG_VERSION"));
    let lines = [
        r#"TelemetryConfig::new("processor")"#,
        r#".with_environment("production")"#,
        r#".with_service_version(env!("CARGO_PKG_VERSION"));"#,
    ];
    shows("### 4. Resource Attributes", &lines);

    let config = TelemetryConfig { tracing: config, ..named }.with_batch_config(batch_config);
    assert_eq!(config.check(), Ok(()));
}

#[test]
#[expect(clippy::ignored_unit_patterns, reason = "as the guide has it")]
fn the_advice_on_errors_records_them() {
    struct Event(Result<(), &'static str>);

    async fn process_event(event: &Event) -> Result<(), io::Error> {
        tokio::task::yield_now().await;
        event.0.map_err(io::Error::other)
    }

    async fn handle(event: Event) -> Result<(), io::Error> {
        let mut span = SpanBuilder::new("process_event").start();
        match process_event(&event).await {
            Ok(_) => {
                span.add_event("Event processed successfully".to_string(), vec![]);
            }
            Err(e) => {
                record_exception(&mut span, &e);
                return Err(e);
            }
        }
        Ok(())
    }

    let lines = [
        "match process_event(&event).await {",
        r#"span.add_event("Event processed successfully".to_string(), vec![]);"#,
        "record_exception(&mut span, &e);",
        "return Err(e);",
    ];
    shows("### 5. Error Handling", &lines);
    let session = Session::start(OtlpProtocol::Http);
    assert!(block_on(handle(Event(Ok(())))).is_ok());
    assert!(block_on(handle(Event(Err("the window is closed")))).is_err());
    insta::assert_snapshot!(session.tree(), @r#"
    it: process_event (internal)
      · Event processed successfully
    it: process_event (internal) [error: the window is closed]
      · exception exception.message="the window is closed" exception.type=std::io::error::Error
    "#);
}

/// The lines of the page, each with whether it is inside of an example.
fn lines() -> impl Iterator<Item = (bool, &'static str)> {
    GUIDE.lines().scan(false, |inside, line| {
        let is_fence = line.starts_with("```");
        *inside ^= is_fence;
        Some((*inside || is_fence, line))
    })
}

/// What stands below a heading, up to the next one that is not below it.
fn section(heading: &str) -> String {
    let rank = |line: &str| line.chars().take_while(|letter| *letter == '#').count();
    let below = lines().skip_while(|(_, line)| *line != heading).skip(1);
    let is_over = |inside: bool, line: &str| !inside && (1..=rank(heading)).contains(&rank(line));
    let text: Vec<_> =
        below.take_while(|(inside, line)| !is_over(*inside, line)).map(|(_, line)| line).collect();
    assert!(!text.is_empty(), "the guide has nothing below {heading:?}");
    text.join("\n")
}

#[test]
fn the_guide_has_its_ten_sections() {
    let wanted = [
        "Overview",
        "Architecture",
        "Quick Start",
        "Configuration",
        "Distributed Tracing",
        "Metrics",
        "Context Propagation",
        "Best Practices",
        "Testing",
        "Troubleshooting",
    ];
    let listed: Vec<_> = GUIDE
        .lines()
        .filter_map(|line| line.strip_prefix("- [")?.split_once("](#"))
        .map(|(name, anchor)| (name, anchor.trim_end_matches(')')))
        .take(10)
        .collect();
    let anchor = |name: &str| name.to_lowercase().replace(' ', "-");
    let anchors = wanted.map(anchor);
    let expected: Vec<_> = wanted.into_iter().zip(anchors.iter().map(String::as_str)).collect();
    assert_eq!(listed, expected, "the contents");
    for name in wanted {
        assert!(section(&format!("## {name}")).len() > 100, "{name} says something");
    }
}

#[test]
fn the_guide_draws_where_telemetry_goes() {
    let text = section("## Architecture");
    let drawing = text.split("```").nth(1).expect("a drawing");
    let boxes = [
        "Tracing Provider",
        "Metrics Provider",
        "Context ",
        "Propagation",
        "OTLP Collector",
        "Jaeger (Traces)",
        "Prometheus (Metrics)",
    ];
    let places = boxes.map(|name| drawing.find(name).unwrap_or_else(|| panic!("no {name:?}")));
    assert!(places.is_sorted(), "from top to bottom: {places:?}");
}

/// Asserts that the numbered items below a heading say these words, one each.
fn answers(heading: &str, words: &[&str]) {
    let text = section(heading);
    let mut items: Vec<String> = Vec::new();
    for line in text.lines() {
        let number = format!("{}. ", items.len() + 1);
        match (line.strip_prefix(&number), items.last_mut()) {
            (Some(item), _) => items.push(item.to_owned()),
            (None, Some(item)) => item.extend([" ", line.trim()]),
            (None, None) => {}
        }
    }
    assert_eq!(items.len(), words.len(), "{heading}: {items:#?}");
    for (item, wanted) in items.iter().zip(words) {
        assert!(item.contains(wanted), "{heading}: {wanted:?} is not in {item:?}");
    }
}

#[test]
fn the_guide_answers_what_goes_wrong() {
    answers(
        "### Traces Not Appearing",
        &[
            "`http://localhost:4317`",
            "`AlwaysOff`",
            "`export_timeout` long enough",
            "`docker-compose logs otel-collector`",
            "inside the right context",
        ],
    );
    answers(
        "### High Memory Usage",
        &[
            "Reduce `max_queue_size`",
            "Decrease `scheduled_delay`",
            "Reduce the sampling ratio",
            "spans that never end",
        ],
    );
    answers(
        "### Context Not Propagating",
        &[
            "Attach the context before the child",
            "`traceparent` in what was sent, and in what came in",
            "Is the propagator set?",
            "`propagate_context`",
        ],
    );
    answers(
        "### Metrics Not Updating",
        &[
            "export interval",
            "Prometheus scrape",
            "`docker-compose logs otel-collector`",
            "metric names match",
        ],
    );
    answers(
        "### Connection Refused",
        &[
            "`docker-compose ps`",
            "`http://localhost:4317` is for gRPC",
            "For HTTP, use port `4318`",
            "firewall",
        ],
    );
}

#[test]
fn the_guide_names_more_to_read_and_it_is_there() {
    let resources = section("## Additional Resources");
    let addresses: Vec<_> =
        resources.lines().filter_map(|line| line.split_once("](")?.1.strip_suffix(')')).collect();
    let expected = [
        "https://opentelemetry.io/docs/",
        "https://github.com/open-telemetry/opentelemetry-rust",
        "https://www.w3.org/TR/trace-context/",
        "https://github.com/open-telemetry/opentelemetry-specification/blob/main/specification/protocol/otlp.md",
        "https://github.com/open-telemetry/semantic-conventions",
    ];
    assert_eq!(addresses, expected, "five links");

    let support = section("## Support");
    let guides = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide");
    for file in ["examples/telemetry_demo.rs", "src/telemetry/README.md"] {
        let path = format!("../../platform/processor/{file}");
        assert!(support.contains(&format!("]({path})")), "the support section links {file}");
        assert!(guides.join(&path).is_file(), "{file} is there");
    }
}

/// A program that uses the processor needs the processor, and inside of it nothing is missing.
#[test]
fn the_examples_need_no_other_dependency() {
    assert!(section("### 1. Add Dependencies").trim_start().starts_with("Nothing to do"));
    let rust = lines().scan(false, |rust, (inside, line)| {
        *rust = inside && (line.starts_with("```rust") || *rust);
        Some(if *rust { line } else { "" })
    });
    let demo = include_str!("../../examples/telemetry_demo.rs").lines();
    let code: Vec<_> = rust.chain(demo).collect();
    let used: BTreeSet<_> = code
        .iter()
        .filter_map(|line| line.strip_prefix("use ")?.split([':', ';']).next())
        .collect();
    assert_eq!(used, BTreeSet::from(["processor", "std"]));

    let manifest = include_str!("../../Cargo.toml");
    let table = |name: &str| {
        let (_, behind) = manifest.split_once(&format!("[{name}]\n")).expect("the table");
        let table = behind.split("\n[").next().unwrap_or(behind);
        let names = table.lines().filter_map(|line| line.split(['.', ' ']).next());
        names.collect::<BTreeSet<_>>()
    };
    let code = code.join("\n");
    for name in table("dev-dependencies").difference(&table("dependencies")) {
        assert!(!code.contains(&format!("{name}::")), "{name} is for tests only");
    }
}
