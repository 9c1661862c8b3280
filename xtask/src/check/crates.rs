//! What the engine brings with it: crates it must not bring, and how many it may.

use std::collections::BTreeSet;
use std::path::Path;

use super::verdict::Verdict;
use crate::cargo;

/// Crates that must not be in the default tree of `oxitel`, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("reqwest", "the sender speaks HTTP over hyper alone"),
    ("tonic", "gRPC framing is our own over the same HTTP/2 client"),
    ("prost", "records are encoded once, by hand; prost judges them in tests"),
    ("pyo3", "it links once per library and would tie users to our version"),
    ("opentelemetry_sdk", "it is the peer of the benchmarks, not a part"),
    ("tracing-opentelemetry", "our own layer replaces it"),
];

/// More than this and a newcomer waits too long for the first build.
/// Of these, TLS and compression are about a fifth.
const MOST_CRATES: usize = 66;

/// No crate of the list above in the default tree.
pub(super) fn forbidden(root: &Path) -> anyhow::Result<Verdict> {
    let tree = cargo::tree(root, &["--package", "oxitel", "--edges", "normal,build"])?;
    let tree = names(&tree);
    let faults = FORBIDDEN
        .iter()
        .filter(|(name, _)| tree.contains(*name))
        .map(|(name, why)| format!("`oxitel` brings `{name}`: {why}"))
        .collect();
    let kept = format!("oxitel brings none of {} forbidden crates", FORBIDDEN.len());
    let mend = "move it to the dev-dependencies; `cargo tree -p oxitel -e normal -i NAME` says who brings it";
    Ok(Verdict::from(faults, kept, mend))
}

/// A bounded number of crates in the default tree.
pub(super) fn count(root: &Path) -> anyhow::Result<Verdict> {
    let tree = cargo::tree(root, &["--package", "oxitel", "--edges", "normal"])?;
    let crates = tree.len();
    let mut faults = Vec::new();
    if crates > MOST_CRATES {
        faults
            .push(format!("{crates} crates in the default tree of oxitel, {MOST_CRATES} allowed"));
    }
    let kept = format!("{crates} crates in the default tree of oxitel, {MOST_CRATES} allowed");
    Ok(Verdict::from(faults, kept, "`cargo tree -p oxitel -e normal` shows who brings what"))
}

/// Without the feature `otel`, nothing of OpenTelemetry is left.
pub(super) fn off(root: &Path) -> anyhow::Result<Verdict> {
    let tree = cargo::tree(root, &["--package", "oxitel", "--no-default-features"])?;
    let faults: Vec<String> = names(&tree)
        .into_iter()
        .filter(|name| name.contains("opentelemetry"))
        .map(|name| format!("`oxitel` without its features still brings `{name}`"))
        .collect();
    let kept = format!("{} crates without the feature `otel`, none of OpenTelemetry", tree.len());
    let mend =
        "make it optional; `cargo tree --no-default-features -p oxitel -i NAME` says who brings it";
    Ok(Verdict::from(faults, kept, mend))
}

/// The names in lines such as `bytes v1.10.1`.
fn names(tree: &BTreeSet<String>) -> BTreeSet<&str> {
    tree.iter().filter_map(|line| line.split(' ').next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_known_by_its_whole_name() {
        let tree = BTreeSet::from(["prost-derive v0.14.1 (proc-macro)".to_owned()]);
        assert!(names(&tree).contains("prost-derive"));
        assert!(!names(&tree).contains("prost"));
    }
}
