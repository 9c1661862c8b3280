//! Generated files are what their generator makes of today's sources.

use std::fs;
use std::path::Path;

use super::verdict::Verdict;

/// A file in the repository that a program writes.
struct Generated {
    /// Where it lies in the repository.
    file: &'static str,
    /// The word that writes it anew.
    word: &'static str,
    /// What it should hold.
    make: fn(&Path) -> anyhow::Result<String>,
}

/// One entry per generated file.
const GENERATED: &[Generated] = &[];

/// Runs the rule.
pub(super) fn judge(root: &Path) -> anyhow::Result<Verdict> {
    compare(root, GENERATED)
}

fn compare(root: &Path, all: &[Generated]) -> anyhow::Result<Verdict> {
    let mut faults = Vec::new();
    for Generated { file, word, make } in all {
        let wanted = make(root)?;
        // A file that is not there is as wrong as one that is out of date.
        if fs::read_to_string(root.join(file)).ok().as_deref() != Some(&wanted) {
            faults.push(format!("{file}: write it anew with `cargo xtask {word}`"));
        }
    }
    let kept = format!("{} generated files are current", all.len());
    Ok(Verdict::from(faults, kept, "run the words below and commit what they write"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_that_differs_from_its_generator_is_a_fault() {
        let current = Generated {
            file: "Cargo.toml",
            word: "gen",
            make: |root| Ok(fs::read_to_string(root.join("Cargo.toml"))?),
        };
        let stale = Generated { file: "Cargo.toml", word: "gen", make: |_| Ok(String::new()) };
        let absent = Generated { file: "absent", word: "gen", make: |_| Ok(String::new()) };
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(matches!(compare(package, &[current]).unwrap(), Verdict::Kept(_)));
        let Verdict::Broken { faults, .. } = compare(package, &[stale, absent]).unwrap() else {
            panic!("two files differ");
        };
        assert_eq!(faults[0], "Cargo.toml: write it anew with `cargo xtask gen`");
        assert_eq!(faults.len(), 2);
    }
}
