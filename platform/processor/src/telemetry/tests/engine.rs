//! What the engine is told.

use super::super::engine;
use super::super::{MetricsConfig, OtlpProtocol, TelemetryConfig, Temporality, TraceConfig};
use oxitel::Protocol;
use oxitel::config;
use std::time::Duration;

/// What the engine is told, for a configuration in this environment.
fn told(wanted: &TelemetryConfig, variables: &[(&str, &str)]) -> oxitel::Config {
    let given = oxitel::Config::from_lookup(|name| value(variables, name));
    engine::engine(wanted, &given)
}

fn value(variables: &[(&str, &str)], name: &str) -> Option<String> {
    let found = variables.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| (*value).to_owned())
}

/// The same for spans alone.
fn engine(tracing: &TraceConfig, variables: &[(&str, &str)]) -> oxitel::Config {
    let wanted = TelemetryConfig { tracing: tracing.clone(), ..TelemetryConfig::default() };
    told(&wanted.with_metrics_enabled(false), variables)
}

/// Each setting and its value, whoever said it.
fn settings(config: &oxitel::Config) -> Vec<String> {
    let resolved = config.resolved();
    resolved.iter().map(|setting| format!("{} = {}", setting.name, setting.value)).collect()
}

#[test]
fn a_configuration_is_followed_whatever_the_environment_says() {
    let variables = [
        ("OTEL_SERVICE_NAME", "other"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://other:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "other=1"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("OTEL_BSP_SCHEDULE_DELAY", "1"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "2"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "3"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "3"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "4"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "other=2"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://other:4318/own"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "other=3"),
        ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "5"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "6"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "7"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=streams"),
    ];
    let wanted = TelemetryConfig::default().with_service_version("1");
    let with_team = told(&wanted, &variables);
    let mut without = told(&wanted, &[]);
    without.resource_attributes.insert(0, ("team".to_owned(), "streams".to_owned()));
    assert_eq!(settings(&with_team), settings(&without));
}

#[test]
fn where_it_runs_is_said_unless_the_environment_says_it() {
    let said = |environment: Option<&str>, variable: &str| {
        let environment = environment.map(str::to_owned);
        let tracing = TraceConfig { environment, ..TraceConfig::default() };
        let config = engine(&tracing, &[("OTEL_RESOURCE_ATTRIBUTES", variable)]);
        let said = config.resource_attributes.into_iter().map(|(key, value)| key + "=" + &value);
        said.collect::<Vec<_>>().join(",")
    };
    assert_eq!(said(Some("production"), ""), "deployment.environment.name=production");
    assert_eq!(said(None, ""), "");
    for variable in ["deployment.environment=staging", "deployment.environment.name=staging"] {
        assert_eq!(said(Some("production"), variable), variable, "never overwritten");
    }
}

#[test]
fn the_path_is_added_to_a_base_and_to_nothing_else() {
    let exact = |endpoint: &str, variables: &[(&str, &str)]| {
        let tracing = TraceConfig { otlp_endpoint: endpoint.to_owned(), ..TraceConfig::default() };
        engine(&tracing, variables).traces.endpoint
    };
    let own = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:4318/own")];
    assert_eq!(exact("http://c:4318", &[]), None);
    assert_eq!(exact("http://c:4318/own", &[]), None);
    assert_eq!(exact("http://c:4318/other", &own), None, "the configuration goes elsewhere");
    assert_eq!(exact("http://c:4318/own", &own).as_deref(), Some("http://c:4318/own"));
    let whole = "http://c:4318/v1/traces";
    assert_eq!(exact(whole, &[]).as_deref(), Some(whole), "people write it so");
}

/// Where metrics go.
fn way(config: &oxitel::Config) -> String {
    let endpoint = config.metrics.endpoint.as_deref();
    let protocol = config.metrics.protocol.map(Protocol::as_str);
    format!("{} {}", endpoint.unwrap_or("-"), protocol.unwrap_or("-"))
}

/// The way of metrics with an endpoint of their own beside spans.
fn beside(spans: (&str, OtlpProtocol), metrics: &str) -> String {
    let mut wanted =
        TelemetryConfig::default().with_otlp_endpoint(spans.0).with_otlp_protocol(spans.1);
    wanted.metrics.otlp_endpoint = metrics.to_owned();
    way(&told(&wanted, &[]))
}

#[test]
fn metrics_go_the_way_of_spans_unless_their_port_says_otherwise() {
    use OtlpProtocol::{Grpc, Http};
    let same = "http://c:9";
    assert_eq!(beside((same, Grpc), same), "http://c:9 grpc");
    assert_eq!(beside((same, Http), same), "http://c:9/v1/metrics http/protobuf");
    let odd = "http://c:4317";
    assert_eq!(beside((odd, Http), odd), "http://c:4317/v1/metrics http/protobuf", "it was said");
    assert_eq!(beside((odd, Grpc), "http://m:9"), "http://m:9 grpc");
    assert_eq!(beside((odd, Grpc), "http://m:4318"), "http://m:4318/v1/metrics http/protobuf");
    assert_eq!(beside(("http://c:4318", Http), "http://m:4317"), "http://m:4317 grpc");
}

#[test]
fn the_path_of_metrics_is_added_once_and_before_the_query() {
    let http = |endpoint| beside((endpoint, OtlpProtocol::Http), endpoint);
    for endpoint in [
        "http://c:4318",
        " http://c:4318/ ",
        "http://c:4318/v1/metrics",
        "http://c:4318/v1/metrics/",
        "http://c:4318/v1/traces",
    ] {
        assert_eq!(http(endpoint), "http://c:4318/v1/metrics http/protobuf", "{endpoint}");
    }
    assert_eq!(http("http://c/own?k=v"), "http://c/own/v1/metrics?k=v http/protobuf");
    assert_eq!(http("c:4318"), "c:4318/v1/metrics http/protobuf");
}

#[test]
fn what_the_environment_says_of_metrics_alone_is_followed_as_it_stands() {
    let of_environment = |variables: &[(&str, &str)]| {
        let wanted = TelemetryConfig::from_lookup(|name| value(variables, name));
        way(&told(&wanted, variables))
    };
    let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317");
    let endpoint = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m:4318/own");
    let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:4318/v1/traces");
    let http = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf");
    let json = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json");
    assert_eq!(of_environment(&[]), "http://localhost:4317 grpc");
    assert_eq!(of_environment(&[general]), "http://c:4317 grpc");
    assert_eq!(of_environment(&[general, endpoint]), "http://m:4318/own http/protobuf");
    assert_eq!(of_environment(&[general, http]), "http://c:4317/v1/metrics http/protobuf");
    assert_eq!(of_environment(&[endpoint, json]), "http://m:4318/own http/json");
    assert_eq!(of_environment(&[http]), "http://localhost:4318/v1/metrics http/protobuf");
    assert_eq!(of_environment(&[traces]), "http://localhost:4317 grpc", "not where spans go");
}

#[test]
fn json_is_what_the_environment_chooses_of_the_ways_over_http() {
    let said = [("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")];
    let protocols = |protocol| {
        let config = told(&TelemetryConfig::default().with_otlp_protocol(protocol), &said);
        (config.protocol, config.metrics.protocol)
    };
    let json = Some(Protocol::HttpJson);
    assert_eq!(protocols(OtlpProtocol::Http), (json, json));
    let grpc = Some(Protocol::Grpc);
    assert_eq!(protocols(OtlpProtocol::Grpc), (grpc, grpc), "it was said");
}

#[test]
fn reports_of_metrics_come_when_and_how_they_are_asked_for() {
    let mut wanted = TelemetryConfig::default();
    wanted.metrics.temporality = Temporality::Delta;
    wanted.metrics.export_config.export_interval = Duration::from_secs(7);
    wanted.metrics.export_config.export_timeout = Duration::from_secs(3);
    let config = told(&wanted, &[]);
    assert_eq!(config.metric_reader.interval, Duration::from_secs(7));
    assert_eq!(config.metric_reader.timeout, Duration::from_secs(3));
    assert_eq!(config.metrics.timeout, Some(Duration::from_secs(3)));
    assert_eq!(config.metric_reader.temporality, config::Temporality::Delta);

    let low = [("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "lowmemory")];
    let temporality = |wanted: &TelemetryConfig| told(wanted, &low).metric_reader.temporality;
    assert_eq!(temporality(&wanted), config::Temporality::LowMemory, "a kind of delta");
    wanted.metrics.temporality = Temporality::Cumulative;
    assert_eq!(temporality(&wanted), config::Temporality::Cumulative);
}

#[test]
fn a_page_for_prometheus_is_the_environments_and_metrics_that_are_wanted_have_an_exporter() {
    let exporters = |name| {
        told(&TelemetryConfig::default(), &[("OTEL_METRICS_EXPORTER", name)]).metrics.exporters
    };
    assert_eq!(exporters("prometheus").to_string(), "prometheus");
    assert_eq!(exporters("none").to_string(), "otlp", "the configuration is followed");
    let unwanted = TelemetryConfig::default().with_metrics_enabled(false);
    assert_eq!(told(&unwanted, &[]).metrics.exporters.to_string(), "none");
}

/// Name, version and environment of the process.
fn identity(wanted: &TelemetryConfig) -> String {
    let config = told(wanted, &[]);
    let name = config.service_name.unwrap_or_default();
    let rest = config.resource_attributes.into_iter().map(|(_, value)| value);
    std::iter::once(name).chain(rest).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_process_is_one_service() {
    let spans = TraceConfig {
        service_name: "spans".to_owned(),
        environment: Some("production".to_owned()),
        ..TraceConfig::default()
    };
    let metrics = MetricsConfig {
        service_name: "metrics".to_owned(),
        service_version: "2".to_owned(),
        ..MetricsConfig::default()
    };
    let wanted = TelemetryConfig { tracing: spans, metrics };
    assert_eq!(identity(&wanted), "spans production 2", "what one does not say, the other does");
    assert!(engine::are_two_services(&wanted), "of two names");
    let metrics_alone = wanted.clone().with_tracing_enabled(false);
    assert_eq!(identity(&metrics_alone), "metrics 2");
    let spans_alone = wanted.clone().with_metrics_enabled(false);
    assert_eq!(identity(&spans_alone), "spans production");
    assert!(![metrics_alone, spans_alone].iter().any(engine::are_two_services));

    let mut agreed = wanted;
    agreed.metrics.service_name = MetricsConfig::default().service_name;
    assert!(!engine::are_two_services(&agreed), "the default is nobody's wish");
    agreed.metrics.environment = Some("staging".to_owned());
    assert!(engine::are_two_services(&agreed));
    assert!(!engine::are_two_services(&agreed.with_environment("both")));
}
