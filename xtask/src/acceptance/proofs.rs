//! Reads `proofs.toml`: one table per requirement.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::PROOFS;

/// What `proofs.toml` says about one requirement.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// The tests that together prove the row.
    #[serde(default)]
    pub(super) proof: Vec<String>,
    /// Where the decision of an OPEN row is written down, as `FILE.md#heading`.
    pub(super) decision: Option<String>,
    /// For the reader; counts for nothing.
    #[expect(dead_code, reason = "named so that the file may contain it")]
    note: Option<String>,
}

/// Reads all entries by id; a file that is no TOML of this shape becomes a problem.
pub(super) fn parse(text: &str, problems: &mut Vec<String>) -> BTreeMap<String, Entry> {
    toml::from_str(text).unwrap_or_else(|error| {
        problems.push(format!("{PROOFS}: {error}; see tests/acceptance/README.md for the shape"));
        BTreeMap::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_by_id() {
        let mut problems = Vec::new();
        let text =
            "[R000-7]\nproof = [\"a::b::c\"]\n[R000-151]\ndecision = \"A.md#b\"\nnote = \"n\"\n";
        let entries = parse(text, &mut problems);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(entries["R000-7"].proof, ["a::b::c"]);
        assert_eq!(entries["R000-151"].decision.as_deref(), Some("A.md#b"));
    }

    #[test]
    fn a_misspelled_key_and_a_repeated_id_are_problems() {
        let mut problems = Vec::new();
        parse("[R000-7]\nproofs = []\n", &mut problems);
        parse("[R000-7]\n[R000-7]\n", &mut problems);
        assert_eq!(problems.len(), 2);
        assert!(problems[0].contains("unknown field `proofs`"), "{problems:?}");
        assert!(problems[1].contains("duplicate key"), "{problems:?}");
        assert!(problems[1].starts_with("tests/acceptance/proofs.toml: "), "{problems:?}");
    }
}
