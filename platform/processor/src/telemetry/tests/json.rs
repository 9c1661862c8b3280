//! A configuration in JSON.

use super::super::{
    BatchConfiguration, ExportConfig, MetricsConfig, OtlpProtocol, SamplingStrategy,
    TelemetryConfig, Temporality, TraceConfig,
};
use proptest::prelude::*;
use std::collections::HashMap;
use std::time::Duration;

#[test]
fn json_is_what_people_write() {
    let config = TelemetryConfig {
        tracing: TraceConfig {
            sampling: SamplingStrategy::TraceIdRatio { ratio: 0.1 }.parent_based(),
            headers: HashMap::from([("api-key".to_owned(), "s3cret".to_owned())]),
            environment: Some("production".to_owned()),
            ..TraceConfig::default()
        },
        metrics: MetricsConfig::default(),
    };
    let json = serde_json::to_string_pretty(&config).expect("it has a form in JSON");
    insta::assert_snapshot!(json, @r#"
    {
      "tracing": {
        "enabled": true,
        "service_name": "processor",
        "service_version": "",
        "otlp_endpoint": "http://localhost:4317",
        "otlp_protocol": "grpc",
        "sampling": {
          "type": "parent_based",
          "root": {
            "type": "trace_id_ratio",
            "ratio": 0.1
          }
        },
        "batch_config": {
          "max_queue_size": 2048,
          "max_export_batch_size": 512,
          "scheduled_delay": "5s",
          "export_timeout": "30s"
        },
        "headers": {
          "api-key": "s3cret"
        },
        "environment": "production"
      },
      "metrics": {
        "enabled": true,
        "service_name": "processor",
        "service_version": "",
        "otlp_endpoint": "http://localhost:4317",
        "temporality": "cumulative",
        "export_config": {
          "export_interval": "60s",
          "export_timeout": "30s"
        },
        "headers": {},
        "environment": null
      }
    }
    "#);
    assert_eq!(serde_json::from_str::<TelemetryConfig>(&json).expect("it is read"), config);
}

#[test]
fn json_may_leave_out_what_is_the_default_and_no_more() {
    let read = |json| serde_json::from_str::<TelemetryConfig>(json).map_err(|e| e.to_string());
    assert_eq!(read("{}"), Ok(TelemetryConfig::default()));
    let config = read(
        r#"{"tracing": {"otlp_protocol": "http", "sampling": {"type": "always_off"},
            "batch_config": {"scheduled_delay": 250, "export_timeout": " 2 m "}},
            "metrics": {"temporality": "delta"}}"#,
    );
    let config = config.expect("valid");
    assert_eq!(config.tracing.otlp_protocol, OtlpProtocol::Http);
    assert_eq!(config.tracing.sampling, SamplingStrategy::AlwaysOff);
    assert_eq!(config.tracing.batch_config.scheduled_delay, Duration::from_millis(250));
    assert_eq!(config.tracing.batch_config.export_timeout, Duration::from_secs(120));
    assert_eq!(config.tracing.batch_config.max_queue_size, 2048);
    assert_eq!(config.metrics.temporality, Temporality::Delta);
    let faults = [
        r#"{"tracing": {"endpoint": "http://c:4317"}}"#,
        r#"{"tracing": {"batch_config": {"scheduled_delay": "5"}}}"#,
        r#"{"tracing": {"batch_config": {"scheduled_delay": "5 fortnights"}}}"#,
        r#"{"tracing": {"batch_config": {"scheduled_delay": -1}}}"#,
        r#"{"tracing": {"sampling": {"type": "trace_id_ratio"}}}"#,
        r#"{"tracing": {"otlp_protocol": "smoke"}}"#,
    ];
    let faults = faults.map(|json| read(json).expect_err(json));
    insta::assert_snapshot!(faults.join("\n"), @r#"
    unknown field `endpoint`, expected one of `enabled`, `service_name`, `service_version`, `otlp_endpoint`, `otlp_protocol`, `sampling`, `batch_config`, `headers`, `environment` at line 1 column 23
    invalid value: string "5", expected a time such as "5s" or "250ms", or a number of milliseconds at line 1 column 52
    invalid value: string "5 fortnights", expected a time such as "5s" or "250ms", or a number of milliseconds at line 1 column 63
    invalid value: integer `-1`, expected a time such as "5s" or "250ms", or a number of milliseconds at line 1 column 51
    missing field `ratio` at line 1 column 52
    unknown variant `smoke`, expected one of `grpc`, `http`, `http/protobuf` at line 1 column 37
    "#);
}

#[test]
fn the_guides_example_is_read() {
    let guide = include_str!("../../../../../docs/guide/stream-processing.md");
    let example = guide.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
    let example = example.expect("there is one");
    let config = serde_json::from_str::<TelemetryConfig>(example).expect("it is valid");
    assert_eq!(config.tracing.service_name, "my-processor");
    assert_eq!(config.tracing.batch_config.scheduled_delay, Duration::from_millis(250));
    assert_eq!(config.check(), Ok(()));
}

fn any_sampling() -> impl Strategy<Value = SamplingStrategy> {
    let leaf = prop_oneof![
        Just(SamplingStrategy::AlwaysOn),
        Just(SamplingStrategy::AlwaysOff),
        // What people write; the last bit of other numbers is JSON's affair.
        (0..=1_000_000_u32)
            .prop_map(|share| SamplingStrategy::TraceIdRatio { ratio: f64::from(share) / 1e6 }),
    ];
    leaf.prop_recursive(4, 8, 1, |inner| inner.prop_map(SamplingStrategy::parent_based))
}

fn any_time() -> impl Strategy<Value = Duration> {
    prop_oneof![
        any::<Duration>(),
        any::<u32>().prop_map(|ms| Duration::from_millis(ms.into())),
        any::<u32>().prop_map(|s| Duration::from_secs(s.into())),
        Just(Duration::ZERO),
        Just(Duration::MAX),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_configuration_survives_json(
        sampling in any_sampling(),
        times in [any_time(), any_time(), any_time(), any_time()],
        sizes in any::<[usize; 2]>(),
        texts in any::<[String; 3]>(),
        environment in any::<Option<String>>(),
        headers in any::<HashMap<String, String>>(),
        enabled in any::<bool>(),
    ) {
        let [scheduled_delay, export_timeout, export_interval, report_timeout] = times;
        let [service_name, service_version, otlp_endpoint] = texts;
        let config = TelemetryConfig {
            tracing: TraceConfig {
                enabled,
                service_name: service_name.clone(),
                service_version: service_version.clone(),
                otlp_endpoint: otlp_endpoint.clone(),
                otlp_protocol: if enabled { OtlpProtocol::Grpc } else { OtlpProtocol::Http },
                sampling,
                batch_config: BatchConfiguration {
                    max_queue_size: sizes[0],
                    max_export_batch_size: sizes[1],
                    scheduled_delay,
                    export_timeout,
                },
                headers: headers.clone(),
                environment: environment.clone(),
            },
            metrics: MetricsConfig {
                enabled: !enabled,
                service_name,
                service_version,
                otlp_endpoint,
                temporality: if enabled { Temporality::Delta } else { Temporality::Cumulative },
                export_config: ExportConfig { export_interval, export_timeout: report_timeout },
                headers,
                environment,
            },
        };
        let json = serde_json::to_string(&config).expect("it has a form in JSON");
        prop_assert_eq!(serde_json::from_str::<TelemetryConfig>(&json).expect("it is read"), config);
    }

    #[test]
    fn any_text_for_a_time_is_a_time_or_an_error(text in ".*") {
        let json = format!(r#"{{"export_interval": {}}}"#, serde_json::json!(text));
        let _ = serde_json::from_str::<ExportConfig>(&json);
    }
}
