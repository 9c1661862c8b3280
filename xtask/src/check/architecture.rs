//! Who may know whom: the dependencies between members against the table in `ARCHITECTURE.md`.
//!
//! The table stands under a heading with the words "Who may know whom":
//!
//! ```text
//! | crate | may use |
//! |---|---|
//! | `oxitel` | — |
//! | `oxitel-desk` (planned) | `oxitel`, `oxitel-inject` |
//! ```
//!
//! Tests may use what they like; normal and build dependencies are held against the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use super::verdict::Verdict;
use crate::cargo::{Metadata, Package};

const PAGE: &str = "ARCHITECTURE.md";
const HEADING: &str = "who may know whom";

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    planned: bool,
    may_use: BTreeSet<String>,
}

type Table = BTreeMap<String, Row>;
/// Each member with the members it uses.
type Uses = BTreeMap<String, BTreeSet<String>>;

/// Runs the rule.
pub(super) fn judge(root: &Path) -> anyhow::Result<Verdict> {
    let page = fs::read_to_string(root.join(PAGE)).context(PAGE)?;
    let table = read_table(&page)?;
    let uses = uses(&Metadata::read(root)?);
    let kept = format!("{} crates use only what {PAGE} allows", uses.len());
    let mend = "take the dependency away, or change the table in ARCHITECTURE.md and say why";
    Ok(Verdict::from(faults(&table, &uses), kept, mend))
}

fn uses(metadata: &Metadata) -> Uses {
    let is_member = |name: &str| metadata.packages.iter().any(|package| package.name == name);
    let used_by = |package: &Package| {
        package
            .dependencies
            .iter()
            .filter(|used| used.path.is_some() && used.kind.as_deref() != Some("dev"))
            .filter(|used| is_member(&used.name) && used.name != package.name)
            .map(|used| used.name.clone())
            .collect()
    };
    metadata.packages.iter().map(|package| (package.name.clone(), used_by(package))).collect()
}

fn faults(table: &Table, uses: &Uses) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, used) in uses {
        let Some(row) = table.get(name) else {
            faults.push(format!("`{name}` has no row in the table of {PAGE}"));
            continue;
        };
        if row.planned {
            faults.push(format!("`{name}` exists, but its row in {PAGE} says (planned)"));
        }
        for other in used.difference(&row.may_use) {
            faults
                .push(format!("`{name}` uses `{other}`, which the table of {PAGE} does not allow"));
        }
    }
    for (name, row) in table {
        if !row.planned && !uses.contains_key(name) {
            faults.push(format!("the table of {PAGE} has `{name}`, but there is no such crate"));
        }
    }
    faults
}

fn read_table(page: &str) -> anyhow::Result<Table> {
    let is_heading = |line: &&str| line.starts_with('#') && line.to_lowercase().contains(HEADING);
    let mut lines = page.lines();
    if !lines.any(|line| is_heading(&line)) {
        bail!("{PAGE} has no heading with the words \"Who may know whom\"");
    }
    let rows: Vec<&str> = lines
        .skip_while(|line| !line.starts_with('|') && !line.starts_with('#'))
        .take_while(|line| line.starts_with('|'))
        .skip(2) // names of the columns, and the line below them
        .collect();
    if rows.is_empty() {
        bail!("{PAGE} has no table under \"Who may know whom\"");
    }
    rows.into_iter().map(read_row).collect()
}

fn read_row(line: &str) -> anyhow::Result<(String, Row)> {
    let cells: Vec<&str> = line.trim().trim_matches('|').split('|').collect();
    let [first, second] = cells[..] else {
        bail!("the row {line:?} of {PAGE} has not two columns");
    };
    let names = in_backticks(first);
    let [name] = &names[..] else {
        bail!("the row {line:?} of {PAGE} does not start with one crate in backticks");
    };
    let row = Row {
        planned: first.contains("(planned)"),
        may_use: in_backticks(second).into_iter().collect(),
    };
    Ok((name.clone(), row))
}

fn in_backticks(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE_TEXT: &str = "\
# Architecture
| not | this one |
|---|---|
## Who may know whom
Words.

| crate | may use |
|---|---|
| `oxitel` | — |
| `first-light` | `oxitel` |
| `oxitel-desk` (planned) | `oxitel`, `oxitel-inject` |

| nor | this |
|---|---|
";

    fn uses(pairs: &[(&str, &[&str])]) -> Uses {
        let set = |used: &[&str]| used.iter().map(|&name| name.to_owned()).collect();
        pairs.iter().map(|&(name, used)| (name.to_owned(), set(used))).collect()
    }

    fn judged(pairs: &[(&str, &[&str])]) -> Vec<String> {
        faults(&read_table(PAGE_TEXT).unwrap(), &uses(pairs))
    }

    #[test]
    fn the_table_under_the_heading_is_read() {
        let table = read_table(PAGE_TEXT).unwrap();
        assert_eq!(table.keys().collect::<Vec<_>>(), ["first-light", "oxitel", "oxitel-desk"]);
        let desk = &table["oxitel-desk"];
        assert!(desk.planned);
        assert_eq!(desk.may_use.iter().collect::<Vec<_>>(), ["oxitel", "oxitel-inject"]);
        assert!(table["oxitel"].may_use.is_empty());
    }

    #[test]
    fn allowed_dependencies_are_no_fault() {
        assert_eq!(judged(&[("oxitel", &[]), ("first-light", &["oxitel"])]), Vec::<String>::new());
    }

    #[test]
    fn a_dependency_that_the_table_does_not_list_is_named_with_both_ends() {
        assert_eq!(
            judged(&[("oxitel", &["first-light"]), ("first-light", &[])]),
            ["`oxitel` uses `first-light`, which the table of ARCHITECTURE.md does not allow"]
        );
    }

    #[test]
    fn rows_and_crates_must_match_unless_planned() {
        assert_eq!(
            judged(&[("oxitel", &[]), ("bench", &[])]),
            [
                "`bench` has no row in the table of ARCHITECTURE.md",
                "the table of ARCHITECTURE.md has `first-light`, but there is no such crate",
            ]
        );
    }

    #[test]
    fn a_page_without_heading_or_table_is_an_error() {
        assert!(read_table("# Architecture\n").unwrap_err().to_string().contains("no heading"));
        let without = "## Who may know whom\n\n## Next\n| a | b |\n|---|---|\n| `c` | — |\n";
        assert!(read_table(without).unwrap_err().to_string().contains("no table"));
    }
}
