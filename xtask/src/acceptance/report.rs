//! What is proven, as text for the terminal.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::bail;

use super::check::Proven;
use super::requirements::{Kind, Requirement};

const WIDTH: usize = 9;

/// Proven / all: one line per seed, one column per kind, and the total.
pub(super) fn table(requirements: &[Requirement], proven: &Proven) -> String {
    let mut text = line("seed", Kind::ALL.iter().map(|kind| kind.word().to_owned()), "all");
    for seed in seeds(requirements) {
        let rows = |row: &&Requirement| row.seed() == seed;
        text.push_str(&counts(seed, requirements.iter().filter(rows), proven));
    }
    text.push_str(&counts("total", requirements.iter(), proven));
    text
}

/// Every row that waits for a proof, of one seed or of all.
pub(super) fn open(
    requirements: &[Requirement],
    proven: &Proven,
    seed: Option<&str>,
) -> anyhow::Result<String> {
    let seeds = seeds(requirements);
    if let Some(seed) = seed.filter(|seed| !seeds.contains(seed)) {
        let known = seeds.into_iter().collect::<Vec<_>>().join(", ");
        bail!("there is no seed \"{seed}\"; the seeds are {known}");
    }
    let is_open = |row: &&Requirement| row.counts() && !proven.contains(&row.id);
    let rows = requirements.iter().filter(|row| seed.is_none_or(|seed| row.seed() == seed));
    let mut text = String::new();
    let mut count = 0;
    for row in rows.filter(is_open) {
        count += 1;
        let check = if row.checks.is_empty() { "-" } else { &row.checks };
        writeln!(text, "{:9} {:6} {check:2} {}", row.id, row.kind, row.demand)?;
    }
    writeln!(text, "{count} open")?;
    Ok(text)
}

fn seeds(requirements: &[Requirement]) -> BTreeSet<&str> {
    requirements.iter().map(Requirement::seed).collect()
}

fn counts<'rows>(
    title: &str,
    rows: impl Iterator<Item = &'rows Requirement>,
    proven: &Proven,
) -> String {
    let rows: Vec<&Requirement> = rows.filter(|row| row.counts()).collect();
    let count = |is_wanted: &dyn Fn(&Requirement) -> bool| {
        let wanted = || rows.iter().filter(|row| is_wanted(row));
        match wanted().count() {
            0 => "-".to_owned(),
            all => format!("{}/{all}", wanted().filter(|row| proven.contains(&row.id)).count()),
        }
    };
    let kinds = Kind::ALL.iter().map(|&kind| count(&|row| row.kind == kind));
    line(title, kinds, &count(&|_| true))
}

fn line(title: &str, cells: impl Iterator<Item = String>, last: &str) -> String {
    let mut line = format!("{title:6}");
    for cell in cells.chain([last.to_owned()]) {
        line.extend([" ".repeat(WIDTH.saturating_sub(cell.len())), cell]);
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, kind: Kind, checks: &str) -> Requirement {
        let demand = format!("{id} holds");
        Requirement { id: id.to_owned(), kind, checks: checks.to_owned(), demand }
    }

    fn rows() -> Vec<Requirement> {
        vec![
            row("R000-1", Kind::Must, "U"),
            row("R000-2", Kind::Must, "I"),
            row("R000-3", Kind::Open, ""),
            row("R001-1", Kind::NonGoal, ""),
            row("R001-2", Kind::Doc, "D"),
            row("U-1", Kind::Regression, "U"),
        ]
    }

    fn proven() -> Proven {
        ["R000-2", "R001-1"].map(str::to_owned).into()
    }

    #[test]
    fn the_table_shows_proven_and_all_per_seed_and_kind() {
        let expected = "
seed       MUST      DOC    BENCH   CONTRA     OPEN      FUT      NON        U      all
000         1/2        -        -        -      0/1        -        -        -      1/3
001           -      0/1        -        -        -        -        -        -      0/1
U             -        -        -        -        -        -        -      0/1      0/1
total       1/2      0/1        -        -      0/1        -        -      0/1      1/5
";
        assert_eq!(table(&rows(), &proven()), expected.trim_start());
    }

    #[test]
    fn the_open_rows_are_listed_with_what_they_ask_for() {
        let expected =
            "R000-1    MUST   U  R000-1 holds\nR000-3    OPEN   -  R000-3 holds\n2 open\n";
        assert_eq!(open(&rows(), &proven(), Some("000")).expect("a seed"), expected);
        let all = open(&rows(), &proven(), None).expect("all seeds");
        assert!(all.ends_with("U-1       U      U  U-1 holds\n4 open\n"), "{all}");
    }

    #[test]
    fn an_unknown_seed_is_refused() {
        let error = open(&rows(), &proven(), Some("7")).expect_err("no such seed");
        assert_eq!(error.to_string(), "there is no seed \"7\"; the seeds are 000, 001, U");
    }
}
