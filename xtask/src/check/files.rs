//! Rules about the files of the repository: every module says what it is for, none grows too big.

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::verdict::Verdict;
use crate::repository::files;

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

fn read(root: &Path, file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(root.join(file)).with_context(|| in_words(file))
}

fn in_words(file: &Path) -> String {
    format!("could not read {}", file.display())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::cargo;

    #[test]
    fn a_file_that_does_not_say_what_it_is_for_is_named() {
        let folder = std::env::temp_dir().join(format!("oxitel-modules-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        cargo::output(Command::new("git").args(["init", "--quiet"]).arg(&folder)).unwrap();
        fs::write(folder.join("good.rs"), "//! Says it.\n").unwrap();
        fs::write(folder.join("bad.rs"), "fn main() {}\n").unwrap();
        let verdict = modules(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        let Verdict::Broken { faults, .. } = verdict else { panic!("bad.rs was overlooked") };
        assert_eq!(faults, ["bad.rs"]);
    }
}
