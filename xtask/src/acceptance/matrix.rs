//! The failure matrix names a test for each fault: does every one of them exist?

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::packages::Package;
use super::reference::Reference;
use super::{MATRIX, check};

/// Adds what is wrong to `problems`. A checkout without the page has no matrix.
pub(super) fn check(root: &Path, packages: &BTreeMap<String, Package>, problems: &mut Vec<String>) {
    let Ok(page) = fs::read_to_string(root.join(MATRIX)) else { return };
    let mut count = 0;
    for name in names(&page) {
        count += 1;
        let found = Reference::parse(name)
            .and_then(|reference| check::find(root, packages, &reference.test).map(drop));
        if let Err(reason) = found {
            problems.push(format!("{MATRIX}: test \"{name}\" {reason}"));
        }
    }
    if count == 0 {
        problems.push(format!("{MATRIX}: names no test; write them as `package::path::test`"));
    }
}

/// Everything in backticks that is written as the name of a test.
fn names(page: &str) -> impl Iterator<Item = &str> {
    let quoted = page.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted.filter(|text| text.matches("::").count() >= 2)
}

#[cfg(test)]
mod tests {
    use super::super::packages;
    use super::super::scratch::Scratch;
    use super::*;

    fn problems(page: &str) -> Vec<String> {
        let root = Scratch::new()
            .file("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n")
            .file("crates/a/Cargo.toml", "[package]\nname = \"a\"\n")
            .file("crates/a/tests/it.rs", "#[test]\nfn it_holds() {}\n")
            .file(MATRIX, page);
        let packages = packages::read(root.path()).expect("readable");
        let mut problems = Vec::new();
        check(root.path(), &packages, &mut problems);
        problems
    }

    #[test]
    fn a_test_that_is_named_and_not_there_is_told() {
        assert_eq!(problems("| 1 | `a::it::it_holds` |\n"), Vec::<String>::new());
        let told = problems("| 1 | `a::it::it_holds` `a::it::gone` |\n");
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("\"a::it::gone\" does not exist"), "{told:?}");
    }

    #[test]
    fn a_page_without_any_test_is_told() {
        assert_eq!(problems("| 1 | `a::b` |\n").len(), 1);
    }
}
