//! One test for each way in which the map can be wrong.

use super::*;
use crate::acceptance::scratch::Scratch;
use crate::acceptance::{packages, proofs, requirements};

const ROWS: &str = "\
| ID | Kind | Check | What must hold |
| R000-1 | MUST | U | a |
| R000-2 | OPEN | D | decide and say |
| R000-3 | OPEN | U | decide and build |
| R000-4 | NON | - | not built |
";

const SOURCE: &str = "
#[test] fn holds() { assert!(true, \"one label: {x}\"); }
#[test] #[ignore] fn sleeps() {}
fn helper() {}
";

fn checkout() -> Scratch {
    Scratch::new()
        .file("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n")
        .file("crates/a/Cargo.toml", "[package]\nname = \"a\"\n")
        .file("crates/a/tests/it.rs", SOURCE)
        .file("python/tests/test_b.py", "def test_holds():\n    assert x, 'two'\n")
        .file("docs/decisions.md", "# Decisions\n## Logs\n")
}

fn checked_rows(rows: &str, proofs: &str) -> (Vec<String>, Vec<String>) {
    let root = checkout();
    let mut problems = Vec::new();
    let requirements = requirements::parse(rows, &mut problems);
    let entries = proofs::parse(proofs, &mut problems);
    let packages = packages::read(root.path()).expect("readable");
    let proven = check(root.path(), &packages, &requirements, &entries, &mut problems);
    (proven.into_iter().collect(), problems)
}

fn checked(proofs: &str) -> (Vec<String>, Vec<String>) {
    checked_rows(ROWS, proofs)
}

/// The only problem of an entry that must not prove its row.
fn problem_of(proofs: &str) -> String {
    let (proven, mut problems) = checked(proofs);
    assert_eq!((proven.len(), problems.len()), (0, 1), "{proven:?} {problems:?}");
    problems.remove(0)
}

#[test]
fn tests_of_both_languages_prove_a_row() {
    let (proven, problems) = checked(
        "[R000-1]\nproof = [\"a::it::holds#one label\", \"python/tests/test_b.py::test_holds#two\"]",
    );
    assert_eq!((proven, problems), (vec!["R000-1".to_owned()], Vec::new()));
}

#[test]
fn an_unknown_id_is_named() {
    let expected = "tests/acceptance/proofs.toml: R000-9: is no row of \
                    tests/acceptance/requirements.md; correct or remove it";
    assert_eq!(problem_of("[R000-9]\nproof = [\"a::it::holds\"]"), expected);
}

#[test]
fn a_test_that_does_not_exist_is_named() {
    let expected = "tests/acceptance/proofs.toml: R000-1: test \"a::it::gone\" does not exist: \
                    no function `gone` in crates/a/tests/it.rs";
    assert_eq!(problem_of("[R000-1]\nproof = [\"a::it::gone\"]"), expected);
    let package = problem_of("[R000-1]\nproof = [\"b::it::holds\"]");
    assert!(package.ends_with("the workspace has no package \"b\""), "{package}");
    let file = problem_of("[R000-1]\nproof = [\"python/test_c.py::test_holds\"]");
    assert!(file.contains("python/test_c.py cannot be read"), "{file}");
    let shape = problem_of("[R000-1]\nproof = [\"holds\"]");
    assert!(shape.contains("\"holds\" is no name of a test"), "{shape}");
}

#[test]
fn an_ignored_test_and_a_plain_function_prove_nothing() {
    let ignored = problem_of("[R000-1]\nproof = [\"a::it::sleeps\"]");
    assert!(ignored.contains("\"a::it::sleeps\" is ignored"), "{ignored}");
    let plain = problem_of("[R000-1]\nproof = [\"a::it::helper\"]");
    assert!(plain.contains("\"a::it::helper\" is no test"), "{plain}");
}

#[test]
fn a_label_must_stand_in_the_test_as_whole_words() {
    let expected = "tests/acceptance/proofs.toml: R000-1: test \"a::it::holds#label o\" has no \
                    string with the words \"label o\"; label the assertion";
    assert_eq!(problem_of("[R000-1]\nproof = [\"a::it::holds#label o\"]"), expected);
    let part = problem_of("[R000-1]\nproof = [\"a::it::holds#labe\"]");
    assert!(part.contains("the words \"labe\""), "{part}");
}

#[test]
fn a_test_that_claims_thirteen_rows_is_named_with_them() {
    let mut rows = vec!["| ID | Kind | Check | What must hold |".to_owned()];
    rows.extend((1..=13).map(|n| format!("| R000-{n} | MUST | U | a |")));
    let rows = rows.join("\n");
    let claim = |n: usize| format!("[R000-{n}]\nproof = [\"a::it::holds#one\"]\n");
    let twelve = (1..=12).map(claim).collect::<Vec<_>>().concat();
    let (proven, problems) = checked_rows(&rows, &twelve);
    assert_eq!((proven.len(), problems), (12, Vec::new()));
    // Another label does not make it another test.
    let thirteen = format!("{twelve}[R000-13]\nproof = [\"a::it::holds#label\"]\n");
    let (_, problems) = checked_rows(&rows, &thirteen);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("R000-13"), "{problems:?}");
    assert!(problems[0].contains("\"a::it::holds\" claims 13 rows, at most 12"), "{problems:?}");
}

#[test]
fn a_decision_must_be_written_down_and_only_for_open_rows() {
    let missing = problem_of("[R000-2]\ndecision = \"docs/decisions.md#metrics\"");
    assert!(missing.contains("R000-2: decision \"docs/decisions.md#metrics\" has no such heading"));
    let kind = problem_of("[R000-1]\ndecision = \"docs/decisions.md#logs\"");
    assert!(kind.contains("is MUST; only OPEN rows are decided"), "{kind}");
}

#[test]
fn an_open_row_needs_its_decision_and_a_test_if_its_check_asks_for_one() {
    let decided = "decision = \"docs/decisions.md#logs\"\n";
    let tested = "proof = [\"a::it::holds\"]\n";
    let (proven, _) = checked(&format!("[R000-2]\n{decided}[R000-3]\n{decided}"));
    assert_eq!(proven, ["R000-2"]);
    let (proven, _) = checked(&format!("[R000-2]\n{tested}[R000-3]\n{decided}{tested}"));
    assert_eq!(proven, ["R000-3"]);
}

#[test]
fn an_entry_without_tests_leaves_its_row_open() {
    assert_eq!(checked("[R000-1]\nnote = \"later\"\n"), (Vec::new(), Vec::new()));
}

#[test]
fn all_problems_of_one_entry_are_listed() {
    let (_, problems) = checked("[R000-1]\nproof = [\"a::it::x\", \"a::it::y\", \"a::it::holds\"]");
    assert_eq!(problems.len(), 2, "{problems:?}");
}
