//! What the environment says, and what is said about it.

use crate::config::variables::UNUSED;
use crate::config::{Config, Exporters, LogLevel, Origin, Protocol};
#[cfg(feature = "otel")]
use crate::export::SignalKind;
use crate::record::{Limits, Sampler};
use std::time::Duration;

fn read(variables: &[(&str, &str)]) -> Config {
    Config::from_lookup(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

fn warnings(variables: &[(&str, &str)]) -> String {
    read(variables).warnings().join("\n")
}

#[test]
fn an_empty_environment_is_the_default() {
    assert_eq!(read(&[]), Config::default());
    let empty = ["OTEL_SDK_DISABLED", "OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER"];
    assert_eq!(read(&empty.map(|name| (name, " "))), Config::default());
}

#[test]
fn service_endpoints_and_protocol_are_read() {
    let config = read(&[
        ("OTEL_SDK_DISABLED", "TRUE"),
        ("OTEL_SERVICE_NAME", "shop"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://base:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:4318/exactly"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/protobuf"),
        ("OTEL_BSP_SCHEDULE_DELAY", "250"),
    ]);
    assert!(config.disabled);
    assert_eq!(config.service_name.as_deref(), Some("shop"));
    assert_eq!(config.endpoint.as_deref(), Some("http://base:4318"));
    assert_eq!(config.traces.endpoint.as_deref(), Some("http://traces:4318/exactly"));
    assert_eq!(config.protocol, Some(Protocol::HttpProtobuf));
    assert_eq!(config.schedule_delay, Duration::from_millis(250));
    assert_eq!(config.warnings(), [""; 0]);
    let explicit = config.endpoint("http://explicit:4318");
    assert_eq!(explicit.traces.endpoint, None, "the argument wins over both variables");
}

#[cfg(feature = "otel")]
#[test]
fn resource_attributes_are_shown_without_secrets() {
    let config = read(&[("OTEL_RESOURCE_ATTRIBUTES", "db.password=hunter2,team=a")]);
    let shown = format!("{config:?}{}", config.resolved());
    assert!(shown.contains("db.password=[redacted],team=a"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(
        warnings(&[("OTEL_RESOURCE_ATTRIBUTES", "db.password=hunter2,team")]),
        "OTEL_RESOURCE_ATTRIBUTES=\"db.password=[redacted],team\" is ignored as a whole: \
         \"team\" is no key=value"
    );
}

#[test]
fn resource_attributes_are_percent_decoded() {
    let config = read(&[("OTEL_RESOURCE_ATTRIBUTES", "a=1, b%20c=%C3%BC%2C ,,d=")]);
    let expected = [("a", "1"), ("b c", "ü,"), ("d", "")];
    assert_eq!(config.resource_attributes, expected.map(|(k, v)| (k.into(), v.into())));
    assert!(config.warnings().is_empty());
}

#[test]
fn one_wrong_resource_attribute_discards_them_all() {
    for wrong in ["a=1,b", "a=1,=x", "a=%zz", "a=%ff", "a=%2"] {
        let config = read(&[("OTEL_RESOURCE_ATTRIBUTES", wrong)]);
        assert!(config.resource_attributes.is_empty(), "{wrong}");
        assert_eq!(config.warnings().len(), 1, "{wrong}");
    }
}

#[test]
fn all_six_samplers_are_known() {
    let sampler =
        |name| read(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", "0.25")]).sampler;
    let ratio = Sampler::ratio(0.25);
    assert_eq!(sampler("always_on"), Sampler::always_on());
    assert_eq!(sampler("ALWAYS_OFF"), Sampler::always_off());
    assert_eq!(sampler("traceidratio"), ratio);
    assert_eq!(sampler("parentbased_always_on"), Sampler::default());
    assert_eq!(sampler("parentbased_always_off"), Sampler::always_off().parent_based());
    assert_eq!(sampler("parentbased_traceidratio"), ratio.parent_based());
}

#[test]
fn what_makes_no_sense_is_said_in_the_users_words() {
    insta::assert_snapshot!(
        warnings(&[
            ("OTEL_SDK_DISABLED", "yes"),
            ("OTEL_TRACES_SAMPLER", "Sometimes"),
            ("OTEL_BSP_SCHEDULE_DELAY", "-1"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization Bearer hunter2"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team"),
        ]),
        @r#"
    OTEL_SDK_DISABLED="yes" is neither true nor false; taken as false
    OTEL_RESOURCE_ATTRIBUTES="team" is ignored as a whole: "team" is no key=value
    OTEL_TRACES_SAMPLER="Sometimes" is no known sampler; parentbased_always_on is used
    OTEL_BSP_SCHEDULE_DELAY="-1" is no number of milliseconds; 5000 is used
    OTEL_EXPORTER_OTLP_HEADERS is ignored as a whole: it is no list of key=value
    OTEL_EXPORTER_OTLP_TIMEOUT="10s" is no number of milliseconds; 10000 is used
    "#
    );
    let ratio = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "10%")];
    insta::assert_snapshot!(
        warnings(&ratio),
        @r#"OTEL_TRACES_SAMPLER_ARG="10%" is no ratio between 0 and 1; 1 is used"#
    );
}

#[cfg(feature = "otel")]
#[test]
fn the_signals_own_variable_comes_before_the_general_one() {
    let config = read(&[
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "k=general"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "k=own%3D1"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf"),
    ]);
    let traces = config.otlp(SignalKind::Traces);
    assert_eq!(traces.timeout, Duration::ZERO);
    assert_eq!(traces.headers.0, [("k".to_owned(), "own=1".to_owned())]);
    assert_eq!(traces.protocol, Some(Protocol::Grpc));
    let metrics = config.otlp(SignalKind::Metrics);
    assert_eq!(metrics.timeout, Duration::from_millis(1));
    assert_eq!(metrics.headers.0, [("k".to_owned(), "general".to_owned())]);
    assert_eq!(metrics.protocol, Some(Protocol::HttpProtobuf));
}

#[cfg(feature = "otel")]
#[test]
fn arguments_win_over_the_variables_of_every_signal() {
    let config = read(&[
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "k=variable"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc"),
    ]);
    let config = config.export_timeout(Duration::from_secs(7)).header("k", "argument");
    let config = config.protocol(Protocol::HttpProtobuf);
    for signal in SignalKind::ALL {
        let otlp = config.otlp(signal);
        assert_eq!(otlp.timeout, Duration::from_secs(7));
        assert_eq!(otlp.protocol, Some(Protocol::HttpProtobuf));
        let last = otlp.headers.0.last().map(|(_, value)| value.as_str());
        assert_eq!(last, Some("argument"));
    }
}

/// Each line is what one environment, one variable or two, makes `init` say.
#[test]
fn what_has_no_effect_is_said_once_for_each_cause() {
    let said: Vec<_> = [
        "OTEL_METRICS_EXPORTER=otlp OTEL_METRIC_EXPORT_INTERVAL=1000",
        "OTEL_METRICS_EXPORTER=none OTEL_METRIC_EXPORT_INTERVAL=1000",
        "OTEL_EXPORTER_OTLP_METRICS_HEADERS=key=hunter2",
        "OTEL_LOGS_EXPORTER=console OTEL_BLRP_MAX_QUEUE_SIZE=9",
        "OTEL_TRACES_EXPORTER=console",
        "OTEL_TRACES_EXPORTER=console,otlp OTEL_EXPORTER_OTLP_ENDPOINT=http://h:4318",
        "OTEL_TRACES_EXPORTER=otlp",
        "OTEL_CONFIG_FILE=/etc/otel.yaml",
        "OTEL_ENTITIES=service{a=b}",
        "OTEL_SEMCONV_STABILITY_OPT_IN=http",
        "OTEL_SEMCONV_STABILITY_OPT_IN=rpc/dup",
        "OTEL_BSP_MAX_QUEUE_SIZE=100",
        "OTEL_EXPORTER_OTLP_SPAN_INSECURE=true",
        "OTEL_EXPORTER_OTLP_METRIC_INSECURE=true OTEL_METRICS_EXPORTER=none",
        "OTEL_TRACES_SAMPLER=0.1",
        "OTEL_TRACES_SAMPLER_ARG=0.1",
        "OTEL_TRACES_SAMPLER=xray",
        "OTEL_TRACES_EXPORTER=zipkin",
        "OTEL_TRACES_EXPORTER=none,otlp",
        "OTEL_SDK_DISABLED=true OTEL_EXPORTER_OTLP_COMPRESSION=gzip",
    ]
    .iter()
    .map(|line| {
        let variables: Vec<_> =
            line.split(' ').filter_map(|variable| variable.split_once('=')).collect();
        format!("{line}\n  {}", warnings(&variables).replace('\n', "\n  "))
    })
    .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    OTEL_METRICS_EXPORTER=otlp OTEL_METRIC_EXPORT_INTERVAL=1000
      
    OTEL_METRICS_EXPORTER=none OTEL_METRIC_EXPORT_INTERVAL=1000
      
    OTEL_EXPORTER_OTLP_METRICS_HEADERS=key=hunter2
      
    OTEL_LOGS_EXPORTER=console OTEL_BLRP_MAX_QUEUE_SIZE=9
      
    OTEL_TRACES_EXPORTER=console
      
    OTEL_TRACES_EXPORTER=console,otlp OTEL_EXPORTER_OTLP_ENDPOINT=http://h:4318
      
    OTEL_TRACES_EXPORTER=otlp
      OTEL_TRACES_EXPORTER=otlp sends nothing: there is no OTEL_EXPORTER_OTLP_ENDPOINT
    OTEL_CONFIG_FILE=/etc/otel.yaml
      OTEL_CONFIG_FILE="/etc/otel.yaml" has no effect: configuration files are not read; variables and arguments count
    OTEL_ENTITIES=service{a=b}
      OTEL_ENTITIES="service{a=b}" has no effect: entities are not supported
    OTEL_SEMCONV_STABILITY_OPT_IN=http
      OTEL_SEMCONV_STABILITY_OPT_IN="http" has no effect: this build has one form of the conventions, but that rpc adds metrics
    OTEL_SEMCONV_STABILITY_OPT_IN=rpc/dup
      
    OTEL_BSP_MAX_QUEUE_SIZE=100
      
    OTEL_EXPORTER_OTLP_SPAN_INSECURE=true
      OTEL_EXPORTER_OTLP_SPAN_INSECURE is obsolete; set OTEL_EXPORTER_OTLP_TRACES_INSECURE
    OTEL_EXPORTER_OTLP_METRIC_INSECURE=true OTEL_METRICS_EXPORTER=none
      OTEL_EXPORTER_OTLP_METRIC_INSECURE is obsolete; set OTEL_EXPORTER_OTLP_METRICS_INSECURE
    OTEL_TRACES_SAMPLER=0.1
      OTEL_TRACES_SAMPLER="0.1" is a number, which belongs into OTEL_TRACES_SAMPLER_ARG; taken as the share of parentbased_traceidratio
    OTEL_TRACES_SAMPLER_ARG=0.1
      OTEL_TRACES_SAMPLER_ARG="0.1" has no effect: OTEL_TRACES_SAMPLER names no sampler with a share
    OTEL_TRACES_SAMPLER=xray
      OTEL_TRACES_SAMPLER="xray" is a sampler that this build does not have; parentbased_always_on is used
    OTEL_TRACES_EXPORTER=zipkin
      OTEL_TRACES_EXPORTER="zipkin" names no exporter that this build knows; otlp is used
    OTEL_TRACES_EXPORTER=none,otlp
      OTEL_TRACES_EXPORTER="none,otlp" says none next to others; nothing is exported
    OTEL_SDK_DISABLED=true OTEL_EXPORTER_OTLP_COMPRESSION=gzip
    "#);
}

#[test]
fn names_of_this_platform_that_were_never_introduced_change_nothing() {
    for (name, instead) in UNUSED {
        let config = read(&[(name, "http://elsewhere:4318")]);
        assert_eq!(config.warnings(), [format!("{name} is not used; set {instead}")]);
        assert_eq!(config.resolved(), Config::default().resolved());
    }
}

#[test]
fn a_number_for_a_sampler_is_a_share_of_traces() {
    let config = read(&[("OTEL_TRACES_SAMPLER", "0.25")]);
    assert_eq!(config.sampler, Sampler::ratio(0.25).parent_based());
    let out_of_range = read(&[("OTEL_TRACES_SAMPLER", "25")]);
    assert_eq!(out_of_range.sampler, Sampler::default());
    assert_eq!(out_of_range.warnings().len(), 1);
}

#[test]
fn limits_of_spans_come_before_limits_of_everything() {
    let config = read(&[
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "10"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "20"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "11"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "12"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "13"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "14"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "0"),
    ]);
    let expected = Limits {
        attributes: 11,
        events: 12,
        links: 13,
        attributes_per_event: 14,
        attributes_per_link: 0,
        value_length: 20,
    };
    assert_eq!(config.limits, expected);
    assert_eq!((config.log_records.attributes, config.log_records.value_length), (10, 20));
}

#[test]
fn headers_that_http_does_not_allow_are_refused_and_never_shown() {
    for wrong in ["a=hun;ter2", "a b=hunter2", "a=hunter2%0d%0a", "a=hunter2%7f", "hunter2"] {
        let config = read(&[("OTEL_EXPORTER_OTLP_HEADERS", wrong)]);
        assert!(config.headers.0.is_empty(), "{wrong}");
        let warnings = config.warnings();
        assert_eq!(warnings.len(), 1, "{wrong}");
        assert!(!warnings[0].contains("ter2"), "{}", warnings[0]);
    }
}

/// Argument, then variable, then default, for each setting that has all three.
#[test]
fn an_argument_wins_over_a_variable_and_a_variable_over_the_default() {
    type Argument = fn(Config) -> Config;
    let table: [(&str, &str, &str, Argument); 17] = [
        ("service_name", "OTEL_SERVICE_NAME", "shop", |config| config.service_name("given")),
        ("resource_attributes", "OTEL_RESOURCE_ATTRIBUTES", "a=1", |config| {
            config.resource_attribute("a", "2")
        }),
        ("endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://h", |c| c.endpoint("http://given")),
        ("protocol", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", |config| {
            config.protocol(Protocol::HttpProtobuf)
        }),
        ("headers", "OTEL_EXPORTER_OTLP_HEADERS", "a=1", |config| config.header("a", "2")),
        ("export_timeout", "OTEL_EXPORTER_OTLP_TIMEOUT", "1000", |config| {
            config.export_timeout(Duration::from_secs(2))
        }),
        ("sampler", "OTEL_TRACES_SAMPLER", "always_off", |c| c.sampler(Sampler::always_on())),
        ("limits.attributes", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1", |config| {
            config.limits(Limits { attributes: 2, ..Limits::default() })
        }),
        ("schedule_delay", "OTEL_BSP_SCHEDULE_DELAY", "1000", |config| {
            config.schedule_delay(Duration::from_secs(2))
        }),
        ("batch_timeout", "OTEL_BSP_EXPORT_TIMEOUT", "1000", |mut config| {
            config.batch_timeout = Duration::from_secs(2);
            config
        }),
        ("max_queue_size", "OTEL_BSP_MAX_QUEUE_SIZE", "1", |c| c.max_queue_size(2)),
        ("max_export_batch_size", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1", |config| {
            config.max_export_batch_size(2)
        }),
        ("traces.exporters", "OTEL_TRACES_EXPORTER", "console", |config| config.traces(false)),
        ("metrics.exporters", "OTEL_METRICS_EXPORTER", "console", |config| config.metrics(false)),
        ("logs.exporters", "OTEL_LOGS_EXPORTER", "console", |config| config.logs(false)),
        ("log_level", "OTEL_LOG_LEVEL", "debug", |config| config.log_level(LogLevel::Error)),
        ("disabled", "OTEL_SDK_DISABLED", "true", |mut config| {
            config.disabled = false;
            config
        }),
    ];
    for (name, variable, text, argument) in table {
        let setting = |config: &Config| {
            let resolved = config.resolved();
            let found = resolved.iter().find(|setting| setting.name == name);
            found.cloned().unwrap_or_else(|| panic!("{name} is a setting"))
        };
        let [default, read, given] =
            [Config::default(), read(&[(variable, text)]), argument(read(&[(variable, text)]))]
                .map(|config| setting(&config));
        assert_eq!(default.origin, Origin::Default, "{name}");
        assert_eq!(read.origin, Origin::Variable(variable), "{name}");
        assert_ne!(read.value, default.value, "{name}");
        assert_eq!(given.origin, Origin::Argument, "{name}");
        let given_alone = setting(&argument(Config::default()));
        let is_list = ["resource_attributes", "headers"].contains(&name);
        assert!(is_list || given.value == given_alone.value, "{name}: nothing of the variable");
    }
}

#[test]
fn a_wanted_signal_stays_as_the_environment_has_it() {
    let config = read(&[("OTEL_TRACES_EXPORTER", "none")]).traces(true).metrics(true).logs(true);
    assert_eq!(config.traces.exporters, Exporters::NONE);
    assert_eq!(config.metrics.exporters, Exporters::default());
}

#[test]
fn item_limits_count_only_when_somebody_asks_for_them() {
    let asks = |config: &Config| config.is_asked_for("max_queue_size");
    assert!(!asks(&Config::default()));
    assert!(!asks(&Config::default().max_queue_size(2048)));
    assert!(asks(&Config::default().max_queue_size(2047)));
    assert!(asks(&read(&[("OTEL_BSP_MAX_QUEUE_SIZE", "2048")])));
}
