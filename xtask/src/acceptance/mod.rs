//! `cargo xtask acceptance`: does every requirement have a test that proves it?
//!
//! Flow: `requirements.md` + `proofs.toml` -> **check** (each named test is looked up in the
//! sources) -> table of proven / all. The tests of the failure matrix are looked up as well. Nothing is compiled or run here; `cargo xtask test` runs
//! the tests, this word keeps the map between requirements and tests true.

mod anchors;
mod check;
mod matrix;
mod packages;
mod proofs;
mod python;
mod reference;
mod report;
mod requirements;
mod rust;
#[cfg(test)]
mod scratch;

use std::path::Path;

use anyhow::{Context, bail};

const REQUIREMENTS: &str = "tests/acceptance/requirements.md";
const PROOFS: &str = "tests/acceptance/proofs.toml";
const MATRIX: &str = "docs/reference/failure-matrix.md";

const USAGE: &str = "\
cargo xtask acceptance                compare requirements with the tests that prove them
cargo xtask acceptance --open [SEED]  list what is not proven yet (SEED: 000 to 004, or U)";

/// Compares `tests/acceptance` under `root` with the sources and prints the table.
///
/// Fails when the map names something that does not exist, after printing every such place.
pub(crate) fn run(root: &Path, args: &[String]) -> anyhow::Result<()> {
    let view = match View::parse(args)? {
        View::Help => {
            println!("{USAGE}");
            return Ok(());
        }
        view => view,
    };
    let outcome = Outcome::of(root)?;
    print!("{}", outcome.render(&view)?);
    for problem in &outcome.problems {
        eprintln!("{problem}");
    }
    match outcome.problems.len() {
        0 => Ok(()),
        1 => bail!("the acceptance map has 1 problem"),
        count => bail!("the acceptance map has {count} problems"),
    }
}

/// What the caller wants to see.
#[derive(Debug, PartialEq, Eq)]
enum View {
    Table,
    Open { seed: Option<String> },
    Help,
}

impl View {
    fn parse(args: &[String]) -> anyhow::Result<Self> {
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        match words.as_slice() {
            [] => Ok(Self::Table),
            ["--open"] => Ok(Self::Open { seed: None }),
            ["--open", seed] => Ok(Self::Open { seed: Some((*seed).to_owned()) }),
            ["help" | "-h" | "--help"] => Ok(Self::Help),
            _ => bail!("cannot read the arguments \"{}\"\n{USAGE}", words.join(" ")),
        }
    }
}

/// The map as found under one root.
struct Outcome {
    requirements: Vec<requirements::Requirement>,
    proven: check::Proven,
    problems: Vec<String>,
}

impl Outcome {
    fn of(root: &Path) -> anyhow::Result<Self> {
        let mut problems = Vec::new();
        let requirements = requirements::parse(&read(root, REQUIREMENTS)?, &mut problems);
        let proofs = proofs::parse(&read(root, PROOFS)?, &mut problems);
        let packages = packages::read(root)?;
        let proven = check::check(root, &packages, &requirements, &proofs, &mut problems);
        matrix::check(root, &packages, &mut problems);
        Ok(Self { requirements, proven, problems })
    }

    fn render(&self, view: &View) -> anyhow::Result<String> {
        match view {
            View::Open { seed } => report::open(&self.requirements, &self.proven, seed.as_deref()),
            View::Table | View::Help => Ok(report::table(&self.requirements, &self.proven)),
        }
    }
}

fn read(root: &Path, name: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(root.join(name))
        .with_context(|| format!("cannot read {name}; run from a complete checkout"))
}

#[cfg(test)]
mod tests {
    use super::scratch::Scratch;
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    const TABLE: &str = "\
## Seed 000: x
| ID | Kind | Where | Check | Exact | What must hold | Note |
|---|---|---|---|---|---|---|
| R000-1 | MUST | core | U | a | Holds |  |
";

    fn checkout(proofs: &str) -> Scratch {
        Scratch::new()
            .file(REQUIREMENTS, TABLE)
            .file(PROOFS, proofs)
            .file("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n")
            .file("crates/a/Cargo.toml", "[package]\nname = \"a\"\n")
            .file("crates/a/tests/it.rs", "#[test]\nfn it_holds() {}\n")
    }

    #[test]
    fn a_map_that_is_true_passes() {
        let root = checkout("[R000-1]\nproof = [\"a::it::it_holds\"]\n");
        run(root.path(), &[]).expect("every named test exists");
        let outcome = Outcome::of(root.path()).expect("readable");
        assert_eq!(outcome.proven.len(), 1);
    }

    #[test]
    fn every_problem_is_reported_not_just_the_first() {
        let root = checkout("[R000-1]\nproof = [\"a::it::gone\", \"b::it::x\"]\n[R999-1]\n");
        let error = run(root.path(), &[]).expect_err("three names are wrong");
        assert_eq!(error.to_string(), "the acceptance map has 3 problems");
    }

    #[test]
    fn arguments_select_the_view() {
        assert_eq!(View::parse(&[]).ok(), Some(View::Table));
        let open = View::Open { seed: Some("001".to_owned()) };
        assert_eq!(View::parse(&words(&["--open", "001"])).ok(), Some(open));
        let error = View::parse(&words(&["--shut", "x"])).expect_err("no such view");
        assert!(error.to_string().starts_with("cannot read the arguments \"--shut x\""));
    }

    #[test]
    fn this_repository_has_every_row_once_and_no_problem() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let outcome = Outcome::of(&root).expect("readable");
        assert_eq!(outcome.problems, Vec::<String>::new());
        assert_eq!(outcome.requirements.len(), 625 + 24);
        assert_eq!(outcome.requirements.iter().filter(|row| row.counts()).count(), 612 + 24);
    }
}
