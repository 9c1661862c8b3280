//! The files of the repository as git sees them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo;

/// The files that git knows or would add, by their path inside `root`; all, or those that match
/// one of `patterns`.
pub(crate) fn files(root: &Path, patterns: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let mut command = Command::new("git");
    command.current_dir(root).args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let said = cargo::output(command.arg("--").args(patterns))?;
    let mut files: Vec<PathBuf> = said.lines().map(PathBuf::from).collect();
    // A file that was deleted and not yet committed is still listed.
    files.retain(|file| root.join(file).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_choose_among_the_files() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let all = files(package, &[]).unwrap();
        let rust = files(package, &["*.rs"]).unwrap();
        assert!(all.contains(&PathBuf::from("Cargo.toml")), "{all:?}");
        assert!(rust.contains(&PathBuf::from("src/main.rs")), "{rust:?}");
        assert!(!rust.contains(&PathBuf::from("Cargo.toml")), "{rust:?}");
    }
}
