//! What the build without the engine brings along, as `cargo tree` tells it.

use std::process::Command;

/// The names of the crates that `oxitel` depends on with these arguments.
fn crates(arguments: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "oxitel", "--edges", "normal", "--prefix", "none"])
        .args(["--format", "{p}"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("names");
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn without_features_there_is_no_opentelemetry_no_runtime_and_no_http() {
    let unwanted = ["opentelemetry", "tokio", "hyper", "http", "tracing", "prost", "tonic"];
    let found: Vec<_> = crates(&["--no-default-features"])
        .into_iter()
        .filter(|name| unwanted.iter().any(|part| name.starts_with(part)))
        .collect();
    assert!(found.is_empty(), "{found:?}");
    let testing = crates(&["--features", "testing"]);
    assert!(testing.iter().any(|name| name == "opentelemetry-proto"), "the search finds them");
}

#[test]
fn the_default_tree_has_no_sdk_no_second_http_or_protobuf_stack_and_no_signal_handlers() {
    // The last one is tokio's feature `signal`: a pipe in every runtime that forked children read.
    let unwanted = [
        "opentelemetry_sdk",
        "opentelemetry-proto",
        "reqwest",
        "tonic",
        "prost",
        "signal-hook-registry",
    ];
    let all = crates(&[]);
    let found: Vec<_> = all.iter().filter(|name| unwanted.contains(&name.as_str())).collect();
    assert!(found.is_empty(), "{found:?}");
    assert!(all.iter().any(|name| name == "hyper"), "the search finds what is there");
}
