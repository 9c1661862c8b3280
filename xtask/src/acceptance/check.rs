//! Compares requirements with proofs: does every named test exist, run and carry its label?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::packages::Package;
use super::proofs::Entry;
use super::reference::{Reference, Test};
use super::requirements::{Kind, Requirement};
use super::{PROOFS, REQUIREMENTS, anchors, python, rust};

/// More rows than this cannot be shown well by one test.
const ROWS_PER_TEST: usize = 12;

/// The ids of the rows whose proof is complete.
pub(super) type Proven = BTreeSet<String>;

/// Checks every entry and returns what is proven; everything wrong becomes a line in `problems`.
pub(super) fn check(
    root: &Path,
    packages: &BTreeMap<String, Package>,
    requirements: &[Requirement],
    proofs: &BTreeMap<String, Entry>,
    problems: &mut Vec<String>,
) -> Proven {
    let rows: BTreeMap<&str, &Requirement> =
        requirements.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut finder = Finder { root, packages, found: BTreeMap::new(), claims: BTreeMap::new() };
    let mut proven = Proven::new();
    for (id, entry) in proofs {
        let wrong = match rows.get(id.as_str()) {
            Some(row) => finder.entry(row, entry),
            None => vec![format!("is no row of {REQUIREMENTS}; correct or remove it")],
        };
        if wrong.is_empty() && rows.get(id.as_str()).is_some_and(|row| is_complete(row, entry)) {
            proven.insert(id.clone());
        }
        problems.extend(wrong.into_iter().map(|what| format!("{PROOFS}: {id}: {what}")));
    }
    problems.extend(finder.crowded());
    proven
}

/// Whether the entry holds all that the row asks for.
fn is_complete(row: &Requirement, entry: &Entry) -> bool {
    let is_decided = row.kind != Kind::Open || entry.decision.is_some();
    let is_tested = !row.needs_test() || !entry.proof.is_empty();
    is_decided && is_tested
}

/// Looks tests up, each once, and remembers who named them.
struct Finder<'run> {
    root: &'run Path,
    packages: &'run BTreeMap<String, Package>,
    /// The strings in each test's body, or why it is none.
    found: BTreeMap<Test, Result<Vec<String>, String>>,
    /// The rows that name a test, with the test as first written.
    claims: BTreeMap<Test, (String, BTreeSet<String>)>,
}

impl Finder<'_> {
    /// What is wrong with the entry of one row.
    fn entry(&mut self, row: &Requirement, entry: &Entry) -> Vec<String> {
        let mut wrong = Vec::new();
        if let Some(target) = &entry.decision {
            if row.kind != Kind::Open {
                wrong.push(format!(
                    "has a decision, but is {}; only OPEN rows are decided",
                    row.kind
                ));
            }
            if let Err(reason) = anchors::verify(self.root, target) {
                wrong.push(format!("decision \"{target}\" {reason}"));
            }
        }
        for written in &entry.proof {
            if let Err(reason) = self.proof(&row.id, written) {
                wrong.push(format!("test \"{written}\" {reason}"));
            }
        }
        wrong
    }

    fn proof(&mut self, id: &str, written: &str) -> Result<(), String> {
        let Reference { test, label } = Reference::parse(written)?;
        let name = written.split('#').next().unwrap_or(written);
        let (_, rows) =
            self.claims.entry(test.clone()).or_insert_with(|| (name.to_owned(), BTreeSet::new()));
        rows.insert(id.to_owned());
        let (root, packages) = (self.root, self.packages);
        let texts = self.found.entry(test).or_insert_with_key(|test| find(root, packages, test));
        match (texts, label) {
            (Err(reason), _) => Err(reason.clone()),
            (Ok(texts), Some(label)) if !texts.iter().any(|text| has_words(text, &label)) => {
                Err(format!("has no string with the words \"{label}\"; label the assertion"))
            }
            (Ok(_), _) => Ok(()),
        }
    }

    /// The tests that claim too much.
    fn crowded(&self) -> impl Iterator<Item = String> {
        let crowds = self.claims.values().filter(|(_, rows)| rows.len() > ROWS_PER_TEST);
        crowds.map(|(name, rows)| {
            let list = rows.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let count = rows.len();
            format!(
                "{PROOFS}: {list}: test \"{name}\" claims {count} rows, at most {ROWS_PER_TEST} \
                 are allowed; split it"
            )
        })
    }
}

/// The strings in a test's body, or why there is no such test.
pub(super) fn find(
    root: &Path,
    packages: &BTreeMap<String, Package>,
    test: &Test,
) -> Result<Vec<String>, String> {
    match test {
        Test::Rust { package, path } => match packages.get(package) {
            Some(package) => rust::find(package, path),
            None => Err(format!("does not exist: the workspace has no package \"{package}\"")),
        },
        Test::Python { file, path } => {
            let source = fs::read_to_string(root.join(file))
                .map_err(|error| format!("does not exist: {file} cannot be read: {error}"))?;
            python::find(file, &source, path)
        }
    }
}

/// Whether `text` has `label` as whole words: the label "ratio" is not in "generation".
fn has_words(text: &str, label: &str) -> bool {
    text.match_indices(label).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + label.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests;
