//! The table itself, and every variable with everything that people write into variables.

use super::{Kind, OBSOLETE, UNUSED, Variable, all};
use crate::config::{Config, settings};
use crate::record::Sampler;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn the_table_has_the_live_names_of_the_specification_and_no_others() {
    let names: BTreeSet<_> = all().map(|variable| variable.name).collect();
    assert_eq!((names.len(), all().count()), (75, 75));
    assert!(names.iter().all(|name| name.starts_with("OTEL_")));
    for variable in all() {
        for setting in variable.feeds {
            assert!(settings::named(setting).is_some(), "{} feeds {setting}", variable.name);
        }
    }
}

/// The names as the specification's pages have them: the general ones, those of the SDK's parts,
/// those of the exporters, and the two of the semantic conventions.
const STANDARD: &str = "
    SDK_DISABLED ENTITIES RESOURCE_ATTRIBUTES SERVICE_NAME LOG_LEVEL PROPAGATORS
    TRACES_SAMPLER TRACES_SAMPLER_ARG CONFIG_FILE
    BSP_SCHEDULE_DELAY BSP_EXPORT_TIMEOUT BSP_MAX_QUEUE_SIZE BSP_MAX_EXPORT_BATCH_SIZE
    BLRP_SCHEDULE_DELAY BLRP_EXPORT_TIMEOUT BLRP_MAX_QUEUE_SIZE BLRP_MAX_EXPORT_BATCH_SIZE
    ATTRIBUTE_VALUE_LENGTH_LIMIT ATTRIBUTE_COUNT_LIMIT
    SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT SPAN_ATTRIBUTE_COUNT_LIMIT SPAN_EVENT_COUNT_LIMIT
    SPAN_LINK_COUNT_LIMIT EVENT_ATTRIBUTE_COUNT_LIMIT LINK_ATTRIBUTE_COUNT_LIMIT
    LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT LOGRECORD_ATTRIBUTE_COUNT_LIMIT
    TRACES_EXPORTER METRICS_EXPORTER LOGS_EXPORTER METRICS_EXEMPLAR_FILTER
    METRIC_EXPORT_INTERVAL METRIC_EXPORT_TIMEOUT EXPORTER_PROMETHEUS_HOST EXPORTER_PROMETHEUS_PORT
    EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE
    EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION
    SEMCONV_STABILITY_OPT_IN SEMCONV_EXCEPTION_SIGNAL_OPT_IN";

/// Those that the OTLP exporter has four times: in general, and for each signal.
const STANDARD_OTLP: [&str; 9] = [
    "ENDPOINT",
    "PROTOCOL",
    "HEADERS",
    "TIMEOUT",
    "COMPRESSION",
    "CERTIFICATE",
    "CLIENT_KEY",
    "CLIENT_CERTIFICATE",
    "INSECURE",
];

fn standard() -> BTreeSet<String> {
    let signals = ["", "TRACES_", "METRICS_", "LOGS_"];
    let otlp = signals.iter().flat_map(|signal| {
        STANDARD_OTLP.map(|setting| format!("OTEL_EXPORTER_OTLP_{signal}{setting}"))
    });
    STANDARD.split_whitespace().map(|name| format!("OTEL_{name}")).chain(otlp).collect()
}

#[test]
fn every_name_in_the_table_is_the_specifications() {
    let names: BTreeSet<_> = all().map(|variable| variable.name.to_owned()).collect();
    assert_eq!(names, standard());
}

/// The sources of this platform's programs and libraries.
fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).expect("a folder of the repository") {
            let path = entry.expect("its entry").path();
            if path.is_dir() && !path.ends_with("target") {
                walk(&path, found);
            } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "py") {
                let text = fs::read_to_string(&path).expect("a text");
                found.push((path, text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for folder in ["crates", "platform"] {
        walk(&root.join(folder), &mut found);
    }
    found
}

/// The names that begin so, with the file of each.
fn names_in_sources(beginning: &str) -> BTreeMap<String, BTreeSet<PathBuf>> {
    let is_of_a_name =
        |letter: char| letter.is_ascii_uppercase() || matches!(letter, '0'..='9' | '_');
    let mut names: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
    for (path, text) in sources() {
        for name in text.split(|letter: char| !is_of_a_name(letter)) {
            if name.starts_with(beginning) {
                names.entry(name.to_owned()).or_default().insert(path.clone());
            }
        }
    }
    names
}

#[test]
fn no_source_names_a_variable_that_the_specification_does_not_have() {
    let known = standard();
    let is_known = |name: &str| {
        let is_obsolete = OBSOLETE.iter().any(|(obsolete, _)| *obsolete == name);
        // `OTEL_BSP_…` and the like stand for a group.
        let is_group = name.ends_with('_') && known.iter().any(|known| known.starts_with(name));
        known.contains(name) || is_obsolete || is_group
    };
    let found = names_in_sources("OTEL_");
    assert!(found.len() > known.len() / 2, "the search finds what is there: {found:?}");
    let invented: BTreeMap<_, _> = found.iter().filter(|(name, _)| !is_known(name)).collect();
    assert!(invented.is_empty(), "{invented:#?}");
}

#[test]
fn names_that_were_never_introduced_stand_in_the_warning_table_only() {
    let found = names_in_sources(concat!("OAAS", "_"));
    let names: Vec<_> = found.keys().map(String::as_str).collect();
    let mut expected = UNUSED.map(|(name, _)| name);
    expected.sort_unstable();
    assert_eq!(names, expected);
    for (name, files) in found {
        assert!(
            files.iter().all(|file| file.ends_with("config/variables.rs")),
            "{name}: {files:?}"
        );
    }
}

#[test]
fn the_reference_page_lists_every_variable() {
    let page = include_str!("../../../../../docs/reference/configuration.md");
    let rows: Vec<_> = all()
        .map(|Variable { name, kind, default, feeds, .. }| {
            let (kind, feeds) = (kind.described(), feeds.join("`, `"));
            let is_a_value = !default.contains(' ') && *default != "none";
            let default = if is_a_value { format!("`{default}`") } else { (*default).to_owned() };
            format!("| `{name}` | {kind} | {default} | `{feeds}` |\n")
        })
        .collect();
    let rows = rows.concat();
    assert!(page.contains(&rows), "the page should have these rows:\n{rows}");
}

#[test]
fn the_reference_page_recommends_the_default_sampler() {
    let page = include_str!("../../../../../docs/reference/configuration.md");
    let (_, samplers) = page.split_once("\n## Samplers\n").expect("a section");
    let (samplers, _) = samplers.split_once("\n## ").expect("another one behind it");
    assert!(samplers.contains("The default, `parentbased_always_on`, is what we recommend"));
    assert_eq!(with("OTEL_TRACES_SAMPLER", "parentbased_always_on").sampler, Sampler::default());
}

/// What stands in a variable, and how it is called in the snapshot.
fn values(variable: &Variable) -> [(&'static str, String); 6] {
    let good = good_value(variable);
    [
        ("empty", "  ".to_owned()),
        ("garbage", "¿qué?".to_owned()),
        ("negative", "-1".to_owned()),
        ("huge", "9".repeat(30)),
        ("spaces", format!(" {good}\t")),
        ("other case", good.to_uppercase()),
    ]
}

fn good_value(variable: &Variable) -> &'static str {
    match (variable.kind, variable.name) {
        (Kind::Boolean, _) => "true",
        (Kind::Text, _) => "text",
        (Kind::Url, _) => "http://host:4318",
        (Kind::Path, _) => "/a/file",
        (Kind::Pairs | Kind::SecretPairs, _) => "key=hunter2",
        (Kind::Milliseconds | Kind::Timeout | Kind::Count, _) => "300",
        (Kind::Ratio, _) => "0.5",
        (Kind::Words, "OTEL_PROPAGATORS") => "tracecontext,baggage",
        (Kind::Words, "OTEL_SEMCONV_STABILITY_OPT_IN") => "http,rpc/dup,http",
        (Kind::Words, _) => "otlp,otlp",
        (Kind::Word, name) if name.ends_with("_PROTOCOL") => "http/protobuf",
        (Kind::Word, name) if name.ends_with("_COMPRESSION") => "gzip",
        (Kind::Word, "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN") => "logs/dup",
        (Kind::Word, "OTEL_LOG_LEVEL") => "error",
        (Kind::Word, "OTEL_TRACES_SAMPLER") => "always_off",
        (Kind::Word, "OTEL_METRICS_EXEMPLAR_FILTER") => "always_on",
        (Kind::Word, "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE") => "delta",
        (Kind::Word, "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION") => {
            "base2_exponential_bucket_histogram"
        }
        (Kind::Word, name) => panic!("no value for {name}"),
    }
}

/// The environment of one variable; one that works with another has it.
fn with(name: &str, value: &str) -> Config {
    Config::from_lookup(|asked| match asked {
        _ if asked == name => Some(value.to_owned()),
        "OTEL_TRACES_SAMPLER" if name == "OTEL_TRACES_SAMPLER_ARG" => Some("traceidratio".into()),
        _ => None,
    })
}

/// One line each: what the settings became, and what `init` says of it.
#[test]
fn every_variable_with_everything_that_people_write() {
    let mut lines = Vec::new();
    for variable in all() {
        lines.push(variable.name.to_owned());
        for (case, value) in values(variable) {
            let config = with(variable.name, &value);
            let shown: BTreeSet<_> = variable
                .feeds
                .iter()
                .filter_map(|name| settings::named(name))
                .map(|setting| (setting.shown)(&config))
                .collect();
            let mut line = format!("  {case}: {}", Vec::from_iter(shown).join(" / "));
            let said = config.warnings();
            assert!(said.len() <= 1, "at most one line: {said:?}");
            if case == "empty" {
                assert!(said.is_empty(), "empty is unset: {said:?}");
            }
            for warning in said {
                assert!(!warning.contains("hunter2") || variable.kind != Kind::SecretPairs);
                line = format!("{line} ! {warning}");
            }
            lines.push(line);
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[-+0-9.]{0,30}",
        "([a-z]+[=,;:/@ %]){0,8}",
        Just("none,otlp,none".to_owned()),
        Just("http://u:hunter2@h:1/?hunter2".to_owned()),
    ]
}

proptest! {
    #[test]
    fn no_environment_panics_or_shows_a_header(
        values in proptest::collection::vec(proptest::option::weighted(0.3, text()), 75),
    ) {
        let named = all().map(|variable| variable.name).zip(values);
        let mut environment: BTreeMap<_, _> =
            named.filter_map(|(name, value)| Some((name, value?))).collect();
        environment.insert("OTEL_EXPORTER_OTLP_HEADERS", "key=sesame".to_owned());
        let config = Config::from_lookup(|name| environment.get(name).cloned());
        let (shown, debug) = (config.resolved().to_string(), format!("{config:?}"));
        let warnings = config.warnings().join("\n");
        prop_assert!(![&shown, &debug, &warnings].iter().any(|text| text.contains("sesame")));
        for line in shown.lines().filter(|line| line.contains("endpoint =")) {
            prop_assert!(!line.contains("hunter2"), "{line}");
        }
        prop_assert_eq!(config.resolved().iter().count(), settings::all().count());
        let twice = Config::from_lookup(|name| environment.get(name).cloned());
        prop_assert!(twice == config, "the same environment gives the same");
    }
}
