//! What the engine is told.

use super::super::TraceConfig;
use super::super::init;

/// What the engine is told, for a configuration in this environment.
fn engine(tracing: &TraceConfig, variables: &[(&str, &str)]) -> oxitel::Config {
    let given = oxitel::Config::from_lookup(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    });
    init::engine(tracing, given)
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
        ("OTEL_RESOURCE_ATTRIBUTES", "team=streams"),
    ];
    let tracing = TraceConfig { service_version: "1".to_owned(), ..TraceConfig::default() };
    let with_team = engine(&tracing, &variables);
    let mut without = engine(&tracing, &[]);
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
