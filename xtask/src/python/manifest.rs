//! What `python/pyproject.toml` says, as far as an installation needs it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

/// The manifest of the package.
#[derive(Debug, Deserialize)]
pub(super) struct Manifest {
    pub(super) project: Project,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Project {
    pub(super) name: String,
    pub(super) requires_python: String,
    pub(super) dependencies: Vec<String>,
    #[serde(default)]
    pub(super) optional_dependencies: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) entry_points: BTreeMap<String, BTreeMap<String, String>>,
}

impl Manifest {
    /// Reads it from the folder of the package.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Manifest> {
        let file = folder.join("pyproject.toml");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        toml::from_str(&text).with_context(|| file.display().to_string())
    }
}

impl Project {
    /// The text of `METADATA`, without what only people read.
    pub(super) fn metadata(&self, version: &str) -> String {
        let mut lines = vec![
            "Metadata-Version: 2.4".to_owned(),
            format!("Name: {}", self.name),
            format!("Version: {version}"),
            format!("Requires-Python: {}", self.requires_python),
        ];
        lines.extend(self.dependencies.iter().map(|wanted| format!("Requires-Dist: {wanted}")));
        for (extra, wanted) in &self.optional_dependencies {
            lines.push(format!("Provides-Extra: {extra}"));
            let wanted = wanted.iter();
            lines.extend(wanted.map(|it| format!("Requires-Dist: {it} ; extra == '{extra}'")));
        }
        lines.join("\n") + "\n"
    }

    /// The text of `entry_points.txt`.
    pub(super) fn entry_points(&self) -> String {
        let mut lines = Vec::new();
        for (group, entries) in &self.entry_points {
            lines.push(format!("[{group}]\n"));
            lines.extend(entries.iter().map(|(name, object)| format!("{name} = {object}\n")));
        }
        lines.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        [project]
        name = "oxitel"
        requires-python = ">=3.10"
        dependencies = ["opentelemetry-api>=1.30,<2"]
        dynamic = ["version"]
        [project.optional-dependencies]
        httpx = ["opentelemetry-instrumentation-httpx"]
        [project.entry-points.opentelemetry_distro]
        oxitel = "oxitel._entry:Distro"
    "#;

    #[test]
    fn an_installation_says_what_the_manifest_says() {
        let project = toml::from_str::<Manifest>(TEXT).unwrap().project;
        assert_eq!(
            project.metadata("0.1.0"),
            "Metadata-Version: 2.4\nName: oxitel\nVersion: 0.1.0\nRequires-Python: >=3.10\n\
             Requires-Dist: opentelemetry-api>=1.30,<2\nProvides-Extra: httpx\n\
             Requires-Dist: opentelemetry-instrumentation-httpx ; extra == 'httpx'\n"
        );
        assert_eq!(
            project.entry_points(),
            "[opentelemetry_distro]\noxitel = oxitel._entry:Distro\n"
        );
    }
}
