//! Who sends: the resource on every request, and when nothing is sent at all.

use crate::session::{PATIENCE, Session, run_example, turn};
use oxitel::testing::Receiver;
use oxitel::{Config, Detector, Scope};
use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;

static SCOPE: Scope = Scope::new("resource");

fn resource(session: &Session) -> BTreeMap<String, String> {
    drop(SCOPE.span("record"));
    oxitel::flush(PATIENCE).expect("delivered");
    let record = session.receiver.spans().remove(0);
    let text = |pair: &oxitel::testing::proto::common::v1::KeyValue| {
        use oxitel::testing::proto::common::v1::any_value::Value;
        match pair.value.as_ref().and_then(|any| any.value.as_ref()) {
            Some(Value::StringValue(text)) => text.clone(),
            Some(Value::IntValue(number)) => format!("number {number}"),
            other => panic!("{other:?} is neither a text nor a number"),
        }
    };
    record.resource.attributes.iter().map(|pair| (pair.key.clone(), text(pair))).collect()
}

/// What is found out about the machine that the test runs on.
fn is_detected(key: &str) -> bool {
    ["process.", "host.", "os.", "container.", "k8s."].iter().any(|group| key.starts_with(group))
}

#[test]
fn the_resource_names_the_service_the_sdk_and_the_instance() {
    let session = Session::with(|config| {
        config.resource_attribute("team", "a").resource_attribute("team", "b")
    });
    let mut resource = resource(&session);
    let instance = resource.remove("service.instance.id").expect("an instance id");
    assert_eq!(instance.len(), 36, "a UUID: {instance}");
    resource.retain(|key, _| !is_detected(key));
    let version = env!("CARGO_PKG_VERSION");
    let expected = [
        ("service.name", "it"),
        ("team", "b"),
        ("telemetry.distro.name", "oxitel"),
        ("telemetry.distro.version", version),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.sdk.name", "oxitel"),
        ("telemetry.sdk.version", version),
    ];
    assert_eq!(resource, expected.map(|(k, v)| (k.into(), v.into())).into());
}

#[test]
fn the_resource_tells_the_process_and_the_system_unless_told_not_to() {
    let session = Session::start();
    let found = resource(&session);
    assert_eq!(found["process.pid"], format!("number {}", std::process::id()));
    assert!(found["process.executable.name"].starts_with("it-"), "{found:?}");
    assert!(found["process.runtime.version"].starts_with("1."), "{found:?}");
    assert_eq!(found["os.type"], std::env::consts::OS.replace("macos", "darwin"));
    assert!(!found.contains_key("process.command_args"), "arguments may be secrets");
    drop(session);
    let session = Session::with(|config| config.detectors(&[]));
    assert_eq!(resource(&session).keys().filter(|key| is_detected(key)).count(), 0);
    drop(session);
    let session = Session::with(|config| config.detectors(&[Detector::Os]));
    let found = resource(&session);
    let groups: BTreeSet<_> =
        found.keys().filter(|key| is_detected(key)).map(|key| key.split('.').next()).collect();
    assert_eq!(groups, [Some("os")].into());
}

#[test]
fn version_namespace_and_environment_have_methods_of_their_own() {
    let session = Session::with(|config| {
        let config = config.service_version("1.2").service_namespace("shops");
        config.deployment_environment("staging")
    });
    let resource = resource(&session);
    for (key, value) in [
        ("service.version", "1.2"),
        ("service.namespace", "shops"),
        ("deployment.environment.name", "staging"),
        ("deployment.environment", "staging"),
    ] {
        assert_eq!(resource[key], value);
    }
}

/// A session that is configured by these variables alone, but for its endpoint.
fn from_variables(variables: &[(&str, &str)], change: impl FnOnce(&mut Config)) -> Session {
    Session::with(|config| {
        let from_env = Config::from_lookup(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        let mut merged = from_env.endpoint(config.endpoint.expect("an endpoint"));
        change(&mut merged);
        merged
    })
}

const ATTRIBUTES: (&str, &str) = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=listed,zone=eu%201");

#[test]
fn an_explicit_service_name_leaves_other_attributes_alone() {
    let explicit = |config: &mut Config| config.service_name = Some("explicit".to_owned());
    let session = from_variables(&[ATTRIBUTES, ("OTEL_SERVICE_NAME", "variable")], explicit);
    let resource = resource(&session);
    assert_eq!(
        (resource["service.name"].as_str(), resource["zone"].as_str()),
        ("explicit", "eu 1")
    );
}

#[test]
fn the_service_name_has_its_own_variable_and_else_comes_from_the_list() {
    let session = from_variables(&[ATTRIBUTES, ("OTEL_SERVICE_NAME", "variable")], |_| {});
    assert_eq!(resource(&session)["service.name"], "variable");
    drop(session);
    let session = from_variables(&[ATTRIBUTES], |_| {});
    assert_eq!(resource(&session)["service.name"], "listed");
}

#[test]
fn a_service_without_a_name_is_named_after_its_program() {
    let session = Session::with(|mut config| {
        config.service_name = None;
        config
    });
    let name = resource(&session)["service.name"].clone();
    assert!(name.starts_with("unknown_service:it-"), "{name}");
}

#[test]
fn without_an_endpoint_nothing_is_recorded_or_dialled() {
    // The port that a default endpoint would mean, if nobody else has it.
    let listener = TcpListener::bind("127.0.0.1:4318").ok();
    let (output, _) = run_example("leaves", &["guard"], "");
    let ledger = crate::session::printed_ledger(&output);
    assert_eq!(ledger, oxitel::Stats::default());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "that is nothing to warn of");
    if let Some(listener) = listener {
        listener.set_nonblocking(true).expect("a socket");
        assert!(listener.accept().is_err(), "somebody dialled");
    }
}

/// Everything but where to send.
#[test]
fn half_a_configuration_is_no_error_and_records_nothing() {
    let _turn = turn();
    for (name, value) in [
        ("OTEL_SERVICE_NAME", "shop"),
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "key=value"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.1"),
    ] {
        let config = Config::from_lookup(|asked| (asked == name).then(|| value.to_owned()));
        let guard = oxitel::init(config).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!guard.is_recording(), "{name}");
        let mut span = SCOPE.enter("used all the same");
        span.set_attribute("key", "value");
        assert!(!span.is_recording(), "{name}");
    }
}

/// Runs in a process of its own, with an endpoint in its environment.
#[test]
#[ignore = "run by telemetry_starts_when_it_is_started_and_not_before"]
fn a_program_that_starts_nothing() {
    use opentelemetry::trace::{Span as _, Tracer as _};
    use tracing_subscriber::layer::SubscriberExt as _;

    assert!(!SCOPE.enter("direct").is_recording());
    assert!(!opentelemetry::global::tracer("api").start("api").is_recording());
    let layered = tracing_subscriber::registry().with(oxitel::bridge::layer());
    tracing::subscriber::with_default(layered, || tracing::info_span!("tracing").in_scope(|| ()));
    assert_eq!(oxitel::flush(PATIENCE), Ok(()));
    assert_eq!(oxitel::stats(), oxitel::Stats::default());
    if cfg!(target_os = "linux") {
        let threads = std::fs::read_dir("/proc/self/task").expect("the threads");
        let names = threads
            .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok());
        let ours: Vec<_> = names.filter(|name| name.starts_with("oxitel")).collect();
        assert!(ours.is_empty(), "{ours:?}");
    }
}

#[test]
fn telemetry_starts_when_it_is_started_and_not_before() {
    let receiver = Receiver::start();
    let run = |test: &str| {
        let program = std::env::current_exe().expect("the test program has a path");
        std::process::Command::new(program)
            .args(["--ignored", "--exact", test])
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint())
            .output()
            .expect("it runs")
    };
    let output = run("resource::a_program_that_starts_nothing");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
    assert!(receiver.requests().is_empty());
    let (output, _) = run_example("leaves", &["guard"], &receiver.endpoint());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(receiver.spans().len(), 100, "the same variable, once somebody calls init");
}

#[test]
fn a_disabled_sdk_records_nothing() {
    let _turn = turn();
    let receiver = Receiver::start();
    let mut config = Config::default().endpoint(receiver.endpoint());
    config.disabled = true;
    let guard = oxitel::init(config).expect("no error");
    assert!(!guard.is_recording());
}

#[test]
fn a_malformed_endpoint_is_told_at_once() {
    let _turn = turn();
    let error = oxitel::init(Config::default().endpoint("gopher://host")).expect_err("no OTLP");
    let expected = r#"endpoint "gopher://host" has a scheme that OTLP does not use; write "http://…" or "https://…""#;
    assert_eq!(error.to_string(), expected);
}

#[test]
fn signals_that_are_all_off_record_nothing_and_dials_nobody() {
    let _turn = turn();
    let receiver = Receiver::start();
    let off = ["OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"];
    let by_variable = Config::from_lookup(|name| off.contains(&name).then(|| "none".to_owned()));
    let by_argument = Config::default().traces(false).metrics(false).logs(false);
    for config in [by_variable, by_argument] {
        let guard = oxitel::init(config.endpoint(receiver.endpoint())).expect("no error");
        assert!(!guard.is_recording());
    }
    assert_eq!(receiver.spans().len(), 0);
}
