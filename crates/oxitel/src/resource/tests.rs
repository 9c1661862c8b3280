//! Who wins.

use super::detect::Detected;
use super::{Given, Resource};

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// What is said by the variable and by the program, and what becomes of these keys.
fn merged(variable: &[(&str, &str)], arguments: &[(&str, &str)], keys: &[&str]) -> Vec<String> {
    let (variable, arguments) = (owned(variable), owned(arguments));
    let given = Given { variable: &variable, arguments: &arguments, ..Given::default() };
    let detected = Detected {
        attributes: vec![("host.name", "found".to_owned()), ("host.arch", "amd64".to_owned())],
        tells_process: false,
    };
    let resource = Resource::new(given, &detected);
    let value = |key: &&str| resource.attributes.iter().find(|(known, _)| known == key).cloned();
    keys.iter().map(|key| value(key).map_or("–".to_owned(), |(_, value)| value)).collect()
}

#[test]
fn the_program_wins_over_the_variable_and_the_variable_over_what_is_found() {
    let keys = ["host.name", "host.arch", "team"];
    let variable = [("host.name", "variable"), ("team", "a")];
    assert_eq!(merged(&[], &[], &keys), ["found", "amd64", "–"]);
    assert_eq!(merged(&variable, &[], &keys), ["variable", "amd64", "a"]);
    assert_eq!(merged(&variable, &[("host.name", "given")], &keys), ["given", "amd64", "a"]);
}

#[test]
fn whoever_names_the_environment_names_it_by_both_names() {
    let keys = ["deployment.environment.name", "deployment.environment"];
    let (new, old) = (keys[0], keys[1]);
    assert_eq!(merged(&[], &[], &keys), ["–", "–"]);
    assert_eq!(merged(&[(old, "dev")], &[], &keys), ["dev", "dev"]);
    assert_eq!(merged(&[(new, "dev")], &[], &keys), ["dev", "dev"]);
    assert_eq!(merged(&[(new, "a"), (old, "b")], &[], &keys), ["a", "b"], "never overwritten");
    assert_eq!(merged(&[(old, "dev")], &[(new, "prod")], &keys), ["prod", "prod"]);
    assert_eq!(merged(&[(new, "a"), (old, "b")], &[(old, "prod")], &keys), ["prod", "prod"]);
}

#[test]
fn the_service_is_named_by_the_first_who_does() {
    let listed = owned(&[("service.name", "listed")]);
    let argument = owned(&[("service.name", "argument")]);
    let name = |given: Given<'_>| {
        let resource = Resource::new(given, &Detected::default());
        let found = resource.attributes.into_iter().find(|(key, _)| key == "service.name");
        found.map(|(_, value)| value).unwrap_or_default()
    };
    let explicit = Given {
        service_name: Some("explicit"),
        is_name_explicit: true,
        variable: &listed,
        arguments: &argument,
    };
    let by_variable = Given { service_name: Some("variable"), is_name_explicit: false, ..explicit };
    assert_eq!(name(explicit), "explicit");
    assert_eq!(name(by_variable), "argument");
    assert_eq!(name(Given { arguments: &[], ..by_variable }), "variable");
    assert_eq!(name(Given { arguments: &[], service_name: None, ..by_variable }), "listed");
    let unknown = name(Given::default());
    assert!(unknown.starts_with("unknown_service:oxitel-"), "{unknown}");
}
