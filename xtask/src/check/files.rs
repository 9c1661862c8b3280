//! Rules about the files of the repository: every module says what it is for, none grows too big.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::verdict::Verdict;
use crate::cargo;

/// A file beyond this is read by nobody in one go.
const MOST_LINES: usize = 800;
/// A file beyond this does not belong into a repository of text.
const MOST_BYTES: u64 = 1024 * 1024;

/// Every Rust file starts with a `//!` line.
pub(super) fn modules(root: &Path) -> anyhow::Result<Verdict> {
    let files = files(root, &["*.rs"])?;
    let mut faults = Vec::new();
    for file in &files {
        if !read(root, file)?.starts_with("//!") {
            faults.push(file.display().to_string());
        }
    }
    let kept = format!("{} Rust files start by saying what they are for", files.len());
    let mend = "start these files with a `//!` line: what it is for, where it sits in the flow";
    Ok(Verdict::from(faults, kept, mend))
}

/// Files that became too big are a remark, not a fault.
pub(super) fn sizes(root: &Path) -> anyhow::Result<Verdict> {
    let mut remarks = Vec::new();
    for file in files(root, &["*.rs"])? {
        let lines = read(root, &file)?.lines().count();
        if lines > MOST_LINES {
            remarks.push(format!("{}: {lines} lines; split it by noun", file.display()));
        }
    }
    for file in files(root, &[])? {
        let bytes = fs::metadata(root.join(&file)).with_context(|| in_words(&file))?.len();
        if bytes > MOST_BYTES {
            remarks.push(format!("{}: {bytes} bytes; can it be made smaller?", file.display()));
        }
    }
    let said = format!("no Rust file over {MOST_LINES} lines, no file over {MOST_BYTES} bytes");
    if remarks.is_empty() {
        return Ok(Verdict::Kept(said));
    }
    Ok(Verdict::Warned { said: format!("{} big files", remarks.len()), remarks })
}

/// The files that git knows or would add, by path inside the repository.
fn files(root: &Path, patterns: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let mut command = Command::new("git");
    command.current_dir(root).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
    ]);
    let said = cargo::output(command.args(patterns))?;
    let mut files: Vec<PathBuf> = said.lines().map(PathBuf::from).collect();
    // A file that was deleted and not yet committed is still listed.
    files.retain(|file| root.join(file).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}

fn read(root: &Path, file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(root.join(file)).with_context(|| in_words(file))
}

fn in_words(file: &Path) -> String {
    format!("could not read {}", file.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_this_package_are_found_and_start_as_they_should() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = files(package, &["*.rs"]).unwrap();
        assert!(found.contains(&PathBuf::from("src/main.rs")), "{found:?}");
        assert!(matches!(modules(package).unwrap(), Verdict::Kept(_)));
    }
}
