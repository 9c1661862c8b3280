//! Packages of the workspace and the source files their test binaries start from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::Context;
use serde::Deserialize;

/// A workspace member.
#[derive(Debug)]
pub(super) struct Package {
    root: PathBuf,
    /// Below `root`.
    folder: PathBuf,
    manifest: Manifest,
}

#[derive(Debug, Default, Deserialize)]
struct Manifest {
    workspace: Option<Workspace>,
    package: Option<Name>,
    lib: Option<Target>,
    #[serde(default)]
    bin: Vec<Target>,
    #[serde(default)]
    test: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Workspace {
    #[serde(default)]
    members: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Name {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: Option<String>,
    path: Option<PathBuf>,
    /// `false` = the file has a `main` of its own and its `#[test]` functions never run.
    harness: Option<bool>,
    /// `false` = `cargo test` leaves the target out.
    test: Option<bool>,
}

impl Target {
    fn runs_tests(&self) -> bool {
        self.harness.unwrap_or(true) && self.test.unwrap_or(true)
    }

    fn is_named(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }
}

/// Reads the workspace at `root`: its members by package name.
pub(super) fn read(root: &Path) -> anyhow::Result<BTreeMap<String, Package>> {
    let top = manifest(root, Path::new(""))?;
    let members = top.workspace.as_ref().map_or(&[][..], |workspace| &workspace.members);
    let mut folders = vec![PathBuf::new()];
    for member in members {
        match member.strip_suffix("/*") {
            Some(parent) => folders.extend(folders_in(root, Path::new(parent))?),
            None => folders.push(member.into()),
        }
    }
    let mut packages = BTreeMap::new();
    for folder in folders {
        let manifest = manifest(root, &folder)?;
        if let Some(Name { name }) = &manifest.package {
            packages.insert(name.clone(), Package { root: root.to_owned(), folder, manifest });
        }
    }
    Ok(packages)
}

fn manifest(root: &Path, folder: &Path) -> anyhow::Result<Manifest> {
    let file = folder.join("Cargo.toml");
    let text = fs::read_to_string(root.join(&file))
        .with_context(|| format!("cannot read {}", file.display()))?;
    toml::from_str(&text).with_context(|| format!("cannot understand {}", file.display()))
}

fn folders_in(root: &Path, parent: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let reading = || format!("cannot list {}", parent.display());
    let mut folders = Vec::new();
    for entry in fs::read_dir(root.join(parent)).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        if entry.path().join("Cargo.toml").is_file() {
            folders.push(parent.join(entry.file_name()));
        }
    }
    Ok(folders)
}

impl Package {
    /// The files in which the search for `path` may start, each with what is left of the path:
    /// integration tests and further binaries take the first segment as their own name.
    pub(super) fn starts<'path>(&self, path: &'path [String]) -> Vec<(PathBuf, &'path [String])> {
        let (targets, below) = match path {
            [target, below @ ..] if !below.is_empty() => (self.target_files(target), below),
            _ => (Vec::new(), path),
        };
        let within_target = targets.into_iter().map(|file| (file, below));
        let within_crate = self.crate_files().into_iter().map(|file| (file, path));
        within_target.chain(within_crate).filter(|(file, _)| self.has(file)).collect()
    }

    /// Whether `file`, named from the root of the workspace, exists.
    pub(super) fn has(&self, file: &Path) -> bool {
        self.root.join(file).is_file()
    }

    /// The text of `file`, named from the root of the workspace.
    pub(super) fn source(&self, file: &Path) -> io::Result<String> {
        fs::read_to_string(self.root.join(file))
    }

    fn target_files(&self, name: &str) -> Vec<PathBuf> {
        let places = [
            (&self.manifest.test, format!("tests/{name}.rs")),
            (&self.manifest.test, format!("tests/{name}/main.rs")),
            (&self.manifest.bin, format!("src/bin/{name}.rs")),
            (&self.manifest.bin, format!("src/bin/{name}/main.rs")),
        ];
        let mut files = Vec::new();
        for (declared, usual) in places {
            match declared.iter().find(|target| target.is_named(name)) {
                Some(target) if !target.runs_tests() => {}
                Some(Target { path: Some(path), .. }) => files.push(self.folder.join(path)),
                _ => files.push(self.folder.join(usual)),
            }
        }
        files.dedup();
        files
    }

    fn crate_files(&self) -> Vec<PathBuf> {
        let library = self.manifest.lib.as_ref();
        let library_path = library.and_then(|target| target.path.clone());
        let mut files = Vec::new();
        if library.is_none_or(Target::runs_tests) {
            files.push(library_path.unwrap_or_else(|| "src/lib.rs".into()));
        }
        let binaries = self.manifest.bin.iter();
        let is_main = |path: &Path| path == Path::new("src/main.rs");
        let main = binaries.clone().find(|target| target.path.as_deref().is_some_and(is_main));
        if main.is_none_or(Target::runs_tests) {
            files.push("src/main.rs".into());
        }
        files.into_iter().map(|file| self.folder.join(file)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::scratch::Scratch;
    use super::*;

    fn path(segments: &[&str]) -> Vec<String> {
        segments.iter().map(|&segment| segment.to_owned()).collect()
    }

    fn starts(root: &Scratch, package: &str, segments: &[&str]) -> Vec<(String, usize)> {
        let packages = read(root.path()).expect("readable");
        let path = path(segments);
        let starts = packages[package].starts(&path);
        starts.iter().map(|(start, left)| (start.display().to_string(), left.len())).collect()
    }

    fn owned(starts: &[(&str, usize)]) -> Vec<(String, usize)> {
        starts.iter().map(|&(file, left)| (file.to_owned(), left)).collect()
    }

    #[test]
    fn members_are_found_by_name_also_through_a_star() {
        let root = Scratch::new()
            .file("Cargo.toml", "[workspace]\nmembers = [\"xtask\", \"crates/*\"]\n")
            .file("xtask/Cargo.toml", "[package]\nname = \"xtask\"\n")
            .file("crates/a/Cargo.toml", "[package]\nname = \"name-of-a\"\n")
            .file("crates/README.md", "no package");
        let packages = read(root.path()).expect("readable");
        assert_eq!(packages.keys().collect::<Vec<_>>(), ["name-of-a", "xtask"]);
    }

    #[test]
    fn a_search_starts_in_the_target_then_in_the_crate() {
        let root = Scratch::new()
            .file("Cargo.toml", "[package]\nname = \"a\"\n")
            .file("src/lib.rs", "")
            .file("src/main.rs", "")
            .file("src/bin/it.rs", "")
            .file("tests/it/main.rs", "");
        let found = starts(&root, "a", &["it", "works"]);
        let targets = [("tests/it/main.rs", 1), ("src/bin/it.rs", 1)];
        let crates = [("src/lib.rs", 2), ("src/main.rs", 2)];
        assert_eq!(found, owned(&[targets, crates].concat()));
        let function_only = starts(&root, "a", &["it"]);
        assert_eq!(function_only, owned(&[("src/lib.rs", 1), ("src/main.rs", 1)]));
    }

    #[test]
    fn declared_paths_count_and_targets_without_tests_do_not() {
        let root = Scratch::new()
            .file(
                "Cargo.toml",
                "[package]\nname = \"a\"\n[lib]\npath = \"lib.rs\"\n\
                 [[test]]\nname = \"it\"\npath = \"it.rs\"\n\
                 [[test]]\nname = \"own\"\nharness = false\n",
            )
            .file("lib.rs", "")
            .file("it.rs", "")
            .file("tests/own.rs", "");
        assert_eq!(starts(&root, "a", &["it", "b"]), owned(&[("it.rs", 1), ("lib.rs", 2)]));
        assert_eq!(starts(&root, "a", &["own", "b"]), owned(&[("lib.rs", 2)]));
    }
}
