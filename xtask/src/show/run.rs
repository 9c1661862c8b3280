//! Commands of a list of promises: run to their end, with everything they said.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::{cargo, environment, repository};

/// What a command said, and how it ended.
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) output: String,
    pub(super) time: Duration,
}

impl Ran {
    /// Whether the exit code is 0.
    pub(super) fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// The exit code in words.
    pub(super) fn code(&self) -> String {
        self.code.map_or("ended by a signal".to_owned(), |code| format!("exit code {code}"))
    }

    /// The first line that contains `text`.
    pub(super) fn line(&self, text: &str) -> Option<&str> {
        self.output.lines().map(str::trim).find(|line| line.contains(text))
    }

    /// The last lines of what it said.
    pub(super) fn last_lines(&self, count: usize) -> String {
        let lines: Vec<&str> = self.output.trim_end().lines().collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }

    /// The crates from elsewhere that cargo compiled; our own come with their folder.
    pub(super) fn third_party_compiled(&self) -> Vec<&str> {
        let compiled =
            self.output.lines().filter_map(|line| line.trim().strip_prefix("Compiling "));
        compiled.filter(|line| !line.contains(" (/")).collect()
    }
}

/// Runs `command` to its end and keeps what it says.
pub(super) fn run(command: &mut Command) -> anyhow::Result<Ran> {
    let start = Instant::now();
    let output = environment::clean(command)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start `{}`", cargo::describe(command)))?;
    let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stdout));
    Ok(Ran { code: output.status.code(), output: said, time: start.elapsed() })
}

/// Runs cargo in `root`; `arguments` as one would type them.
pub(super) fn run_cargo(root: &Path, arguments: &str) -> anyhow::Result<Ran> {
    run(cargo::cargo(root).args(arguments.split(' ')))
}

/// Runs this front door on another folder.
pub(super) fn run_on(folder: &Path, arguments: &str) -> anyhow::Result<Ran> {
    let program = std::env::current_exe().context("where is this program?")?;
    let mut command = Command::new(program);
    run(command.args(arguments.split(' ')).env("CARGO_MANIFEST_DIR", folder.join("xtask")))
}

/// A folder that is gone when this is dropped.
pub(super) struct Temporary(PathBuf);

impl Temporary {
    /// An empty folder.
    pub(super) fn new(name: &str) -> anyhow::Result<Temporary> {
        let path = std::env::temp_dir().join(format!("oxitel-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(Temporary(path))
    }

    /// A copy of the repository as it lies there, without anything built.
    pub(super) fn copy_of(root: &Path, name: &str) -> anyhow::Result<Temporary> {
        let copy = Temporary::new(name)?;
        for file in repository::files(root, &[])? {
            let target = copy.0.join(&file);
            if let Some(folder) = target.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::copy(root.join(&file), &target)
                .with_context(|| format!("could not copy {}", file.display()))?;
        }
        Ok(copy)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What stays behind lies in the system's folder for such things.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crates_from_elsewhere_count_as_third_party() {
        let output = "   Compiling serde v1.0.0\n   Compiling oxitel v0.1.0 (/home/me/oxitel/crates/oxitel)\n    Finished `dev`\n";
        let ran = Ran { code: Some(0), output: output.to_owned(), time: Duration::ZERO };
        assert_eq!(ran.third_party_compiled(), ["serde v1.0.0"]);
        assert_eq!(ran.line("Finished"), Some("Finished `dev`"));
        assert_eq!(ran.last_lines(1), "    Finished `dev`");
        assert_eq!(ran.last_lines(9).lines().count(), 3);
    }

    #[test]
    fn a_temporary_folder_is_gone_afterwards() {
        let folder = Temporary::new("gone").unwrap();
        let path = folder.path().to_owned();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists());
    }
}
