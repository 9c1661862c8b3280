//! The table itself, and every variable with everything that people write into variables.

use super::{Kind, Variable, all};
use crate::config::{Config, settings};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

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
