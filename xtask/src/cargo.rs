//! How cargo is called from here, and what it says about the workspace.
//!
//! One selection of packages serves `up`, `test` and the front door itself: the default members,
//! chosen by naming no package. Cargo unifies features over the selected packages, so any other
//! selection would compile third-party crates a second time with other features; `check` proves
//! that the selections agree.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::environment;

/// A call of cargo in the folder of the workspace, with a clean environment.
pub(crate) fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    environment::clean(&mut command).current_dir(root).stdin(Stdio::null());
    forget_package(&mut command);
    command
}

/// Takes away what `cargo run` says about the package of this program. Build scripts of others look
/// at the same names, and would run anew whenever a person and this program take turns.
fn forget_package(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let is_of_package = |name: &str| {
            ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|prefix| name.starts_with(prefix))
        };
        if name.to_str().is_some_and(is_of_package) {
            command.env_remove(name);
        }
    }
}

/// What `cargo metadata --no-deps` says.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    /// The members of the workspace.
    pub(crate) packages: Vec<Package>,
    /// The ids of those that a newcomer builds.
    #[serde(default)]
    pub(crate) workspace_default_members: Vec<String>,
    /// Where builds go.
    pub(crate) target_directory: PathBuf,
}

/// One member of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One dependency as written in a manifest.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` for a normal one, else `dev` or `build`.
    pub(crate) kind: Option<String>,
    /// Set when it lies in this repository.
    pub(crate) path: Option<PathBuf>,
}

impl Metadata {
    /// Asks cargo.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Metadata> {
        let said = output(cargo(root).args(["metadata", "--no-deps", "--format-version", "1"]))?;
        serde_json::from_str(&said).context("cargo metadata answers in a form not known here")
    }

    /// The members that are not built when no package is named.
    pub(crate) fn other_members(&self) -> impl Iterator<Item = &str> {
        let is_other = |package: &&Package| !self.workspace_default_members.contains(&package.id);
        self.packages.iter().filter(is_other).map(|package| package.name.as_str())
    }

    /// The version of the member called `name`.
    pub(crate) fn version_of(&self, name: &str) -> anyhow::Result<String> {
        let package = self.packages.iter().find(|package| package.name == name);
        let version = package.map(|package| package.version.clone());
        version.with_context(|| format!("the workspace has no package {name:?}"))
    }

    /// Whether the workspace has a member called `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.packages.iter().any(|package| package.name == name)
    }
}

/// Builds the program `name` of one of the default members; returns where it is.
pub(crate) fn program(root: &Path, name: &str) -> anyhow::Result<PathBuf> {
    built(root, name, &[])
}

/// The same of a member that a newcomer does not build.
pub(crate) fn program_of(root: &Path, package: &str, name: &str) -> anyhow::Result<PathBuf> {
    built(root, name, &["--package", package])
}

fn built(root: &Path, name: &str, selection: &[&str]) -> anyhow::Result<PathBuf> {
    let mut command = cargo(root);
    command.args(["build", "--bin", name, "--message-format=json-render-diagnostics"]);
    command.args(selection);
    let output = command.stderr(Stdio::inherit()).output().context("could not start cargo")?;
    if !output.status.success() {
        bail!("{name:?} does not build; cargo says why above");
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| built_program(line).filter(|path| path.file_stem() == Some(name.as_ref())))
        .with_context(|| format!("cargo built no program {name:?}"))
}

/// The program that a line of cargo's JSON messages speaks of.
pub(crate) fn built_program(line: &str) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        executable: Option<PathBuf>,
    }
    let message: Message = serde_json::from_str(line).ok()?;
    message.executable.filter(|_| message.reason == "compiler-artifact")
}

/// Builds the shared library of `package`; returns where it is.
pub(crate) fn library(root: &Path, package: &str, options: &[&str]) -> anyhow::Result<PathBuf> {
    let mut command = cargo(root);
    command.args(["build", "--package", package, "--message-format=json-render-diagnostics"]);
    let output = command.args(options).stderr(Stdio::inherit()).output();
    let output = output.context("could not start cargo")?;
    if !output.status.success() {
        bail!("{package:?} does not build; cargo says why above");
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .rev()
        .find_map(built_library)
        .with_context(|| format!("cargo built no shared library of {package:?}"))
}

/// The shared library that a line of cargo's JSON messages speaks of.
fn built_library(line: &str) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        #[serde(default)]
        filenames: Vec<PathBuf>,
        target: Option<Target>,
    }
    #[derive(Deserialize)]
    struct Target {
        crate_types: Vec<String>,
    }
    let Message { reason, filenames, target } = serde_json::from_str(line).ok()?;
    let is_library = target?.crate_types.iter().any(|kind| kind == "cdylib");
    (reason == "compiler-artifact" && is_library).then(|| filenames.into_iter().next())?
}

/// The lines of `cargo tree`, one crate each, without repeats.
pub(crate) fn tree(root: &Path, arguments: &[&str]) -> anyhow::Result<BTreeSet<String>> {
    let said = output(cargo(root).args(["tree", "--prefix", "none"]).args(arguments))?;
    Ok(said
        .lines()
        .map(|line| line.trim_end_matches(" (*)").trim())
        .filter(|line| !line.is_empty() && !line.starts_with('['))
        .map(str::to_owned)
        .collect())
}

/// The standard output of a command that must succeed.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let name = describe(command);
    let output = command.output().with_context(|| format!("could not start `{name}`"))?;
    if !output.status.success() {
        bail!("`{name}` failed:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A command as one would type it.
pub(crate) fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_hears_nothing_of_the_package_that_called_it() {
        let command = cargo(Path::new("."));
        let forgotten: Vec<_> = command.get_envs().filter(|(_, value)| value.is_none()).collect();
        assert!(forgotten.iter().any(|(name, _)| *name == "CARGO_MANIFEST_DIR"), "{forgotten:?}");
    }

    #[test]
    fn a_shared_library_is_found_among_what_cargo_says() {
        let line = r#"{"reason":"compiler-artifact","target":{"crate_types":["cdylib"]},
            "filenames":["/target/debug/lib_native.so"]}"#;
        assert_eq!(built_library(line), Some(PathBuf::from("/target/debug/lib_native.so")));
        assert_eq!(built_library(&line.replace("cdylib", "lib")), None);
        assert_eq!(built_library("{\"reason\":\"build-finished\",\"success\":true}"), None);
    }
}
