//! Versions and features of third-party crates live in the root manifest, and only there.
//!
//! A member that adds a feature would make another build of the crate out of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context;
use toml::{Table, Value};

use super::verdict::Verdict;
use crate::cargo::Metadata;

const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Runs the rule.
pub(super) fn judge(root: &Path) -> anyhow::Result<Verdict> {
    let metadata = Metadata::read(root)?;
    let ours: BTreeSet<&str> =
        metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let mut faults = root_faults(&read(&root.join("Cargo.toml"))?, &ours);
    for package in &metadata.packages {
        faults.extend(member_faults(&package.name, &read(&package.manifest_path)?, &ours));
    }
    let kept = format!("{} members take versions, features and lints from the root", ours.len());
    let mend =
        "write `NAME.workspace = true` in the member, version and features in the root Cargo.toml";
    Ok(Verdict::from(faults, kept, mend))
}

fn read(manifest: &Path) -> anyhow::Result<Table> {
    let text = fs::read_to_string(manifest).with_context(|| manifest.display().to_string())?;
    text.parse().with_context(|| manifest.display().to_string())
}

fn root_faults(manifest: &Table, ours: &BTreeSet<&str>) -> Vec<String> {
    let dependencies = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(Value::as_table);
    let third_party =
        dependencies.into_iter().flatten().filter(|(name, _)| !ours.contains(name.as_str()));
    third_party
        .filter(|(_, wanted)| wanted.get("default-features") != Some(&Value::Boolean(false)))
        .map(|(name, _)| format!("the root takes `{name}` without `default-features = false`"))
        .collect()
}

fn member_faults(member: &str, manifest: &Table, ours: &BTreeSet<&str>) -> Vec<String> {
    let mut faults = Vec::new();
    if manifest.get("lints").and_then(|lints| lints.get("workspace")) != Some(&Value::Boolean(true))
    {
        faults.push(format!("`{member}` has no `lints.workspace = true`"));
    }
    for (name, wanted) in dependencies(manifest).filter(|(name, _)| !ours.contains(name.as_str())) {
        if wanted.get("workspace") != Some(&Value::Boolean(true)) {
            faults.push(format!("`{member}` takes `{name}` past the root"));
        }
        for key in ["features", "default-features"] {
            if wanted.get(key).is_some() {
                faults.push(format!("`{member}` sets `{key}` on `{name}`"));
            }
        }
    }
    faults
}

/// All dependencies of a member: of every kind, also those for some targets only.
fn dependencies(manifest: &Table) -> impl Iterator<Item = (&String, &Value)> {
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flatten();
    let tables = targets.filter_map(|(_, target)| target.as_table()).chain([manifest]);
    tables.flat_map(|table| {
        KINDS.iter().filter_map(|kind| table.get(*kind)).filter_map(Value::as_table).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(manifest: &str) -> Vec<String> {
        member_faults("desk", &manifest.parse().unwrap(), &BTreeSet::from(["oxitel"]))
    }

    #[test]
    fn a_member_that_takes_everything_from_the_root_has_no_faults() {
        let manifest = "
            [dependencies]
            bytes = { workspace = true, optional = true }
            oxitel = { workspace = true, features = [\"testing\"] }
            [lints]
            workspace = true";
        assert_eq!(faults(manifest), Vec::<String>::new());
    }

    #[test]
    fn own_versions_and_features_are_faults_wherever_they_stand() {
        let manifest = "
            [target.'cfg(unix)'.dependencies]
            libc = \"0.2\"
            [dev-dependencies]
            tokio = { workspace = true, features = [\"full\"] }
            [lints]
            workspace = true";
        assert_eq!(
            faults(manifest),
            ["`desk` takes `libc` past the root", "`desk` sets `features` on `tokio`"]
        );
    }

    #[test]
    fn a_member_without_the_common_lints_is_a_fault() {
        assert_eq!(faults(""), ["`desk` has no `lints.workspace = true`"]);
    }

    #[test]
    fn the_root_switches_default_features_off() {
        let manifest = "
            [workspace.dependencies]
            oxitel = { path = \"crates/oxitel\" }
            bytes = { version = \"1\", default-features = false }
            http = \"1\"";
        assert_eq!(
            root_faults(&manifest.parse().unwrap(), &BTreeSet::from(["oxitel"])),
            ["the root takes `http` without `default-features = false`"]
        );
    }
}
