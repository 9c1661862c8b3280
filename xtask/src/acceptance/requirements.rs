//! Reads the rows of `requirements.md`: markdown tables whose first column is `ID`.

use std::collections::BTreeSet;
use std::fmt;

use super::REQUIREMENTS;

/// One row of the acceptance list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requirement {
    pub(super) id: String,
    pub(super) kind: Kind,
    /// Letters of the Check column; empty for `-`.
    pub(super) checks: String,
    /// The words under "What must hold".
    pub(super) demand: String,
}

/// What a row asks for, in the order of the table's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Must,
    Doc,
    Bench,
    Contra,
    Open,
    Future,
    NonGoal,
    Regression,
}

impl Kind {
    pub(super) const ALL: [Self; 8] = [
        Self::Must,
        Self::Doc,
        Self::Bench,
        Self::Contra,
        Self::Open,
        Self::Future,
        Self::NonGoal,
        Self::Regression,
    ];

    /// The word in the Kind column; regressions have a table of their own without that column.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Doc => "DOC",
            Self::Bench => "BENCH",
            Self::Contra => "CONTRA",
            Self::Open => "OPEN",
            Self::Future => "FUT",
            Self::NonGoal => "NON",
            Self::Regression => "U",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.word())
    }
}

impl Requirement {
    /// The seed's number, or `U` for regressions.
    pub(super) fn seed(&self) -> &str {
        let name = self.id.split('-').next().unwrap_or(&self.id);
        name.strip_prefix('R').unwrap_or(name)
    }

    /// Whether the row waits for a proof: deferred and excluded rows without a Check do not.
    pub(super) fn counts(&self) -> bool {
        !self.checks.is_empty() || self.kind == Kind::Open
    }

    /// Whether reading the recorded decision is not enough.
    pub(super) fn needs_test(&self) -> bool {
        self.kind != Kind::Open || self.checks.contains(|letter| letter != 'D')
    }
}

/// Reads all rows of `text`; what cannot be read becomes a line in `problems`.
pub(super) fn parse(text: &str, problems: &mut Vec<String>) -> Vec<Requirement> {
    let mut columns = Vec::new();
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, line) in text.lines().enumerate() {
        let cells = cells(line);
        if cells.first() == Some(&"ID") {
            columns = cells;
        } else if cells.first().is_some_and(|cell| is_id(cell)) {
            match row(&columns, &cells) {
                Ok(row) if seen.insert(row.id.clone()) => rows.push(row),
                Ok(row) => problems.push(format!(
                    "{REQUIREMENTS}:{}: {} appears twice; give the new row the next free number",
                    index + 1,
                    row.id
                )),
                Err(reason) => {
                    problems.push(format!("{REQUIREMENTS}:{}: {}: {reason}", index + 1, cells[0]));
                }
            }
        }
    }
    rows
}

fn row(columns: &[&str], cells: &[&str]) -> Result<Requirement, String> {
    if columns.len() != cells.len() {
        return Err(format!(
            "{} cells under {} columns; write a bar inside a cell as \\|",
            cells.len(),
            columns.len()
        ));
    }
    let cell = |name: &str| columns.iter().position(|&column| column == name).map(|at| cells[at]);
    let id = cells[0].to_owned();
    let Some(demand) = cell("What must hold").filter(|demand| !demand.is_empty()) else {
        return Err("the column \"What must hold\" is missing or empty".to_owned());
    };
    let demand = demand.to_owned();
    if id.starts_with("U-") {
        return Ok(Requirement { id, kind: Kind::Regression, checks: "U".to_owned(), demand });
    }
    let kind = kind(cell("Kind").unwrap_or_default())?;
    let checks = checks(cell("Check").unwrap_or_default())?;
    Ok(Requirement { id, kind, checks, demand })
}

fn kind(word: &str) -> Result<Kind, String> {
    let known = Kind::ALL.into_iter().filter(|&kind| kind != Kind::Regression);
    known.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
        format!("unknown kind \"{word}\"; use MUST, DOC, BENCH, CONTRA, OPEN, FUT or NON")
    })
}

fn checks(letters: &str) -> Result<String, String> {
    match letters {
        "-" => Ok(String::new()),
        _ if !letters.is_empty() && letters.chars().all(|letter| "USIEBDM".contains(letter)) => {
            Ok(letters.to_owned())
        }
        _ => Err(format!("unknown check \"{letters}\"; use U, S, I, E, B, D, M or -")),
    }
}

/// `R000-7` and `U-3`, but neither `C12` (a ruling) nor `R000` (prose).
fn is_id(cell: &str) -> bool {
    let Some((name, number)) = cell.split_once('-') else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(number) && (name == "U" || name.strip_prefix('R').is_some_and(digits))
}

/// The cells of a table row, split at bars that are not written as `\|`.
fn cells(line: &str) -> Vec<&str> {
    let Some(inner) = line.trim().strip_prefix('|').and_then(|rest| rest.strip_suffix('|')) else {
        return Vec::new();
    };
    let mut cells = Vec::new();
    let mut start = 0;
    for (at, _) in inner.match_indices('|') {
        if !inner[..at].ends_with('\\') {
            cells.push(inner[start..at].trim());
            start = at + 1;
        }
    }
    cells.push(inner[start..].trim());
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "| ID | Kind | Check | What must hold |\n|---|---|---|---|\n";

    fn parsed(rows: &str) -> (Vec<Requirement>, Vec<String>) {
        let mut problems = Vec::new();
        let rows = parse(&format!("{HEAD}{rows}"), &mut problems);
        (rows, problems)
    }

    #[test]
    fn a_row_is_read_by_the_names_of_its_columns() {
        let (rows, problems) = parsed("| R001-7 | MUST | E | `a\\|b` holds |\n");
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].id.as_str(), rows[0].seed()), ("R001-7", "001"));
        assert_eq!((rows[0].kind, rows[0].checks.as_str()), (Kind::Must, "E"));
        assert_eq!(rows[0].demand, "`a\\|b` holds");
    }

    #[test]
    fn regressions_need_neither_kind_nor_check() {
        let mut problems = Vec::new();
        let text = "| ID | Where | What must hold |\n|---|---|---|\n| U-3 | gw | Holds |\n";
        let rows = parse(text, &mut problems);
        assert_eq!((rows[0].seed(), rows[0].kind), ("U", Kind::Regression));
        assert!(rows[0].counts() && rows[0].needs_test());
    }

    #[test]
    fn an_id_that_appears_twice_is_named_with_its_line() {
        let (rows, problems) = parsed("| R000-1 | DOC | D | a |\n| R000-1 | DOC | D | b |\n");
        assert_eq!(rows.len(), 1);
        let expected = "tests/acceptance/requirements.md:4: R000-1 appears twice; \
                        give the new row the next free number";
        assert_eq!(problems, [expected]);
    }

    #[test]
    fn rows_that_cannot_be_read_are_named() {
        let (rows, problems) = parsed(
            "| R000-1 | MUS | U | a |\n| R000-2 | MUST | X | a |\n| R000-3 | MUST | U | a | b |\n\
             | R000-4 | MUST | U |  |\n",
        );
        assert_eq!(rows, []);
        assert!(problems[0].contains(":3: R000-1: unknown kind \"MUS\""), "{problems:?}");
        assert!(problems[1].contains(":4: R000-2: unknown check \"X\""), "{problems:?}");
        assert!(problems[2].contains(":5: R000-3: 5 cells under 4 columns"), "{problems:?}");
        assert!(problems[3].contains(":6: R000-4: the column \"What must hold\""), "{problems:?}");
    }

    #[test]
    fn deferred_rows_without_a_check_do_not_count_but_open_ones_do() {
        let (rows, _) = parsed(
            "| R000-1 | FUT | - | later |\n| R000-2 | FUT | U | now |\n| R000-3 | OPEN | - | decide |\n\
             | R000-4 | OPEN | U | decide and build |\n| R000-5 | OPEN | D | decide and say |\n",
        );
        let counted: Vec<bool> = rows.iter().map(Requirement::counts).collect();
        assert_eq!(counted, [false, true, true, true, true]);
        let tested: Vec<bool> = rows.iter().map(Requirement::needs_test).collect();
        assert_eq!(tested, [true, true, false, true, false]);
    }

    #[test]
    fn rulings_and_prose_are_no_rows() {
        let (rows, problems) = parsed("| C1 | a | b | R000-1 |\nR000-1 is mentioned | here\n");
        assert_eq!((rows.len(), problems.len()), (0, 0));
    }
}
