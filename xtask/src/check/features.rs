//! Tests and programs build third-party crates with the same features.
//!
//! Cargo adds the features that dev-dependencies ask for when it builds tests. A crate that both
//! need would then be compiled twice, and `test` after `up` would make a newcomer wait again.

use std::collections::BTreeSet;
use std::path::Path;

use super::verdict::Verdict;
use crate::cargo;

/// Runs the rule.
pub(super) fn judge(root: &Path) -> anyhow::Result<Verdict> {
    let programs = cargo::tree(root, &["--edges", "normal,build", "--format", "{p} [{f}]"])?;
    let tests = cargo::tree(root, &["--edges", "normal,build,dev", "--format", "{p} [{f}]"])?;
    let programs = third_party(&programs, root);
    let faults = differing(&programs, &tests);
    let kept = format!("{} crates serve programs and tests alike", programs.len());
    let mend =
        "give the crate in the root [workspace.dependencies] the features that the tests need";
    Ok(Verdict::from(faults, kept, mend))
}

fn third_party(tree: &BTreeSet<String>, root: &Path) -> BTreeSet<String> {
    let ours = format!("({}", root.display());
    tree.iter().filter(|line| !line.contains(&ours)).cloned().collect()
}

fn differing(programs: &BTreeSet<String>, tests: &BTreeSet<String>) -> Vec<String> {
    let in_tests = |line: &str| {
        let name = line.split(" [").next().unwrap_or(line);
        let same: Vec<&str> = tests
            .iter()
            .filter(|other| other.starts_with(&format!("{name} [")))
            .map(String::as_str)
            .collect();
        same.join(" and ")
    };
    programs
        .difference(tests)
        .map(|line| format!("programs build {line}, tests build {}", in_tests(line)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(lines: &[&str]) -> BTreeSet<String> {
        lines.iter().map(|&line| line.to_owned()).collect()
    }

    #[test]
    fn crates_that_only_tests_need_are_no_fault() {
        let programs = tree(&["bytes v1.0.0 [std]"]);
        assert!(differing(&programs, &tree(&["bytes v1.0.0 [std]", "insta v1.0.0 []"])).is_empty());
    }

    #[test]
    fn a_crate_that_tests_build_with_other_features_is_named() {
        let faults = differing(&tree(&["libc v0.2.0 [std]"]), &tree(&["libc v0.2.0 [extra,std]"]));
        assert_eq!(
            faults,
            ["programs build libc v0.2.0 [std], tests build libc v0.2.0 [extra,std]"]
        );
    }
}
