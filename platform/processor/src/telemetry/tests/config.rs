//! What a configuration says: by default, by calls, by the environment; and what it may not say.

use super::super::{
    BatchConfiguration, ExportConfig, OtlpProtocol, SamplingStrategy, TelemetryConfig,
    TelemetryError, Temporality, TraceConfig, init_telemetry,
};
use super::turn;
use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

fn from_variables(variables: &[(&str, &str)]) -> TelemetryConfig {
    TelemetryConfig::from_lookup(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn without_a_variable_the_defaults_hold() {
    assert_eq!(from_variables(&[]), TelemetryConfig::default());
    let TraceConfig { otlp_endpoint, otlp_protocol, batch_config, .. } = TraceConfig::default();
    assert_eq!(otlp_endpoint, "http://localhost:4317");
    assert_eq!(otlp_protocol, OtlpProtocol::Grpc);
    let BatchConfiguration { max_queue_size, max_export_batch_size, .. } = batch_config;
    assert_eq!((max_queue_size, max_export_batch_size), (2048, 512));
    assert_eq!(batch_config.scheduled_delay, Duration::from_secs(5));
    assert_eq!(batch_config.export_timeout, Duration::from_secs(30));
    let ExportConfig { export_interval, export_timeout } = ExportConfig::default();
    assert_eq!((export_interval.as_secs(), export_timeout.as_secs()), (60, 30));
}

#[test]
fn the_standard_variables_are_read() {
    let config = from_variables(&[
        ("OTEL_SERVICE_NAME", "my-processor"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.version=1.2.3,deployment.environment=staging"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cret"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"),
        ("OTEL_BSP_SCHEDULE_DELAY", "250"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "4096"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1024"),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.1"),
    ]);
    insta::assert_debug_snapshot!(config.tracing, @r#"
    TraceConfig {
        enabled: true,
        service_name: "my-processor",
        service_version: "1.2.3",
        otlp_endpoint: "http://collector:4317",
        otlp_protocol: Grpc,
        sampling: TraceIdRatio {
            ratio: 0.1,
        },
        batch_config: BatchConfiguration {
            max_queue_size: 4096,
            max_export_batch_size: 1024,
            scheduled_delay: 250ms,
            export_timeout: 1.5s,
        },
        headers: {
            "api-key": "…",
        },
        environment: Some(
            "staging",
        ),
    }
    "#);
    assert_eq!(config.tracing.headers["api-key"], "s3cret");
    assert_eq!(config.metrics.service_name, "my-processor");
    assert_eq!(config.metrics.otlp_endpoint, "http://collector:4317");
    assert_eq!(config.metrics.environment.as_deref(), Some("staging"));
}

#[test]
fn metrics_have_variables_of_their_own() {
    let TelemetryConfig { tracing, metrics } = from_variables(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://metrics:4318/own"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "k=metrics"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "500"),
        ("OTEL_TRACES_EXPORTER", "none"),
    ]);
    assert!(metrics.enabled && !tracing.enabled);
    assert_eq!(tracing.otlp_endpoint, "http://collector:4318");
    assert_eq!(metrics.otlp_endpoint, "http://metrics:4318/own");
    assert_eq!(metrics.headers["k"], "metrics");
    assert_eq!(metrics.temporality, Temporality::Delta);
    let ExportConfig { export_interval, export_timeout } = metrics.export_config;
    assert_eq!((export_interval.as_millis(), export_timeout.as_millis()), (1000, 500));
    assert!(!from_variables(&[("OTEL_METRICS_EXPORTER", "none")]).metrics.enabled);
}

#[test]
fn a_request_is_bounded_by_the_exporters_variable_and_by_the_batchs() {
    let timeout = |variables: &[(&str, &str)]| {
        from_variables(variables).tracing.batch_config.export_timeout.as_millis()
    };
    let general = ("OTEL_EXPORTER_OTLP_TIMEOUT", "1");
    let own = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2");
    let batch = ("OTEL_BSP_EXPORT_TIMEOUT", "3");
    assert_eq!(timeout(&[]), 30_000);
    assert_eq!(timeout(&[batch]), 3);
    assert_eq!(timeout(&[batch, general]), 1);
    assert_eq!(timeout(&[batch, general, own]), 2);
    assert_eq!(timeout(&[batch, ("OTEL_EXPORTER_OTLP_TIMEOUT", "4")]), 3, "the shorter one");
    assert_eq!(timeout(&[batch, ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0")]), 3, "0 is no limit");
    let report = |variables: &[(&str, &str)]| {
        from_variables(variables).metrics.export_config.export_timeout.as_millis()
    };
    let own = ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "2");
    let interval = ("OTEL_METRIC_EXPORT_TIMEOUT", "3");
    assert_eq!(report(&[batch]), 30_000);
    assert_eq!(report(&[interval]), 3);
    assert_eq!(report(&[interval, own]), 2);
    assert_eq!(report(&[interval, general]), 1);
}

#[test]
fn endpoint_and_protocol_travel_together() {
    let destination = |variables: &[(&str, &str)]| {
        let TraceConfig { otlp_endpoint, otlp_protocol, .. } = from_variables(variables).tracing;
        format!("{otlp_endpoint} {otlp_protocol:?}")
    };
    let endpoint = |url| ("OTEL_EXPORTER_OTLP_ENDPOINT", url);
    let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:4318/own");
    let http = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    let own_http = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf");
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    assert_eq!(destination(&[endpoint("http://c:4317")]), "http://c:4317 Grpc");
    assert_eq!(destination(&[endpoint("http://c:4318")]), "http://c:4318 Http");
    assert_eq!(destination(&[endpoint("http://c")]), "http://c Http", "the standard's default");
    assert_eq!(destination(&[http]), "http://localhost:4318 Http");
    assert_eq!(destination(&[grpc]), "http://localhost:4317 Grpc");
    assert_eq!(destination(&[endpoint("http://c:4317"), http]), "http://c:4317 Http");
    assert_eq!(destination(&[endpoint("http://c:9"), grpc, own_http]), "http://c:9 Http");
    assert_eq!(destination(&[endpoint("http://c:4317"), traces]), "http://t:4318/own Http");
}

#[test]
fn what_is_called_wins_over_the_environment_and_over_what_was_called_before() {
    let config = from_variables(&[
        ("OTEL_SERVICE_NAME", "from the environment"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ]);
    let config = config.with_service_name("shop").with_otlp_endpoint("http://c:4318/");
    assert_eq!(config.tracing.service_name, "shop");
    assert_eq!(config.tracing.otlp_protocol, OtlpProtocol::Http, "by the port");
    let config = config.with_otlp_protocol(OtlpProtocol::Grpc);
    assert_eq!(config.tracing.otlp_protocol, OtlpProtocol::Grpc);
    let config = config.with_otlp_endpoint("http://user:4318@c");
    assert_eq!(config.tracing.otlp_protocol, OtlpProtocol::Grpc, "no port, no change");
    assert_eq!(config.metrics.otlp_endpoint, "http://user:4318@c");
}

#[test]
fn each_setting_reaches_both_parts() {
    let config = TelemetryConfig::default()
        .with_service_name("n")
        .with_service_version("1")
        .with_environment("e")
        .with_otlp_endpoint("http://c:4317")
        .with_header("k", "v");
    let TelemetryConfig { tracing, metrics } = config;
    assert_eq!(tracing.service_name, metrics.service_name);
    assert_eq!(tracing.service_version, metrics.service_version);
    assert_eq!(tracing.environment, metrics.environment);
    assert_eq!(tracing.otlp_endpoint, metrics.otlp_endpoint);
    assert_eq!(tracing.headers, metrics.headers);
    assert_eq!(tracing.headers, HashMap::from([("k".to_owned(), "v".to_owned())]));
    assert_eq!(tracing.environment.as_deref(), Some("e"));
}

#[test]
fn all_samplers_of_the_standard_are_known_and_others_are_the_default() {
    let sampling = |name| {
        from_variables(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", "0.25")])
            .tracing
            .sampling
    };
    let tenth = SamplingStrategy::TraceIdRatio { ratio: 0.25 };
    assert_eq!(sampling("always_on"), SamplingStrategy::AlwaysOn);
    assert_eq!(sampling(" ALWAYS_OFF "), SamplingStrategy::AlwaysOff);
    assert_eq!(sampling("traceidratio"), tenth, "it stays without a parent");
    assert_eq!(sampling("parentbased_traceidratio"), tenth.parent_based());
    assert_eq!(sampling("parentbased_always_off"), SamplingStrategy::AlwaysOff.parent_based());
    assert_eq!(sampling("parentbased_always_on"), SamplingStrategy::default());
    assert_eq!(sampling("sometimes"), SamplingStrategy::default());
    let bare = SamplingStrategy::TraceIdRatio { ratio: 0.5 }.parent_based();
    assert_eq!(sampling("0.5"), bare, "a common mistake");
}

#[test]
fn what_cannot_be_followed_is_said_with_its_place_and_its_cure() {
    let fault = |change: &dyn Fn(&mut TelemetryConfig)| {
        let mut config = TelemetryConfig::default();
        change(&mut config);
        config.check().expect_err("a fault").to_string()
    };
    let batches = |queue, batch| {
        move |config: &mut TelemetryConfig| {
            config.tracing.batch_config.max_queue_size = queue;
            config.tracing.batch_config.max_export_batch_size = batch;
        }
    };
    let ratio = |ratio| SamplingStrategy::TraceIdRatio { ratio };
    let faults = [
        fault(&|config| config.tracing.service_name = " ".to_owned()),
        fault(&|config| config.tracing.otlp_endpoint.clear()),
        fault(&|config| config.tracing.sampling = ratio(1.5)),
        fault(&|config| config.tracing.sampling = ratio(f64::NAN).parent_based()),
        fault(&batches(0, 0)),
        fault(&batches(10, 0)),
        fault(&|config| config.metrics.export_config.export_interval = Duration::ZERO),
    ];
    insta::assert_snapshot!(faults.join("\n"), @r#"
    tracing.service_name is " ": name the service, such as "my-processor"
    tracing.otlp_endpoint is "": write where the receiver is, such as "http://localhost:4317"; to record nothing set `enabled` to false
    tracing.sampling.ratio is 1.5: write a share between 0 and 1, such as 0.1 for a tenth of all traces
    tracing.sampling.root.ratio is NaN: write a share between 0 and 1, such as 0.1 for a tenth of all traces
    tracing.batch_config.max_queue_size is 0: a queue needs room for one span at least; 2048 is usual
    tracing.batch_config.max_export_batch_size is 0: a request has one span at least; 512 is usual
    metrics.export_config.export_interval is 0ns: metrics need time between two reports; 60 s is usual
    "#);
}

#[test]
fn a_part_that_is_not_enabled_may_say_anything() {
    let mut config = TelemetryConfig::default().with_otlp_endpoint("");
    config.tracing.enabled = false;
    config.metrics.enabled = false;
    assert_eq!(config.check(), Ok(()));
    let providers = init_telemetry(config).expect("no error");
    assert!(!providers.is_recording());
}

#[test]
fn errors_can_be_sent_and_shared_and_endpoints_that_cannot_work_are_among_them() {
    fn is_an_error(_: &(impl Error + Send + Sync + 'static)) {}
    let _turn = turn();
    let refused = |endpoint| {
        let config = TelemetryConfig::default()
            .with_metrics_enabled(false)
            .with_otlp_endpoint(endpoint)
            .with_otlp_protocol(OtlpProtocol::Http);
        let error = init_telemetry(config).expect_err("an endpoint that cannot work");
        is_an_error(&error);
        assert!(matches!(error, TelemetryError::Start(_)), "{error:?}");
        assert!(error.source().is_some());
        error.to_string()
    };
    insta::assert_snapshot!(
        [refused("http://a b:1"), refused("ftp://c:21")].join("\n"),
        @r#"
        telemetry does not start: endpoint "http://a b:1" is no URL; write it like "http://localhost:4318"
        telemetry does not start: endpoint "ftp://c:21" has a scheme that OTLP does not use; write "http://…" or "https://…"
        "#
    );
}

#[test]
fn secrets_are_not_shown() {
    let mut config = TelemetryConfig::default()
        .with_header("authorization", "hunter2")
        .with_otlp_endpoint("http://user:pass/word@c:4318/p?token=hunter2");
    config.metrics.otlp_endpoint = "user:hunter2@c".to_owned();
    let shown = format!("{config:?} {config:#?}");
    for secret in ["hunter2", "word", "user"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(shown.contains("http://…@c:4318/p?…") && shown.contains("authorization"), "{shown}");
}
