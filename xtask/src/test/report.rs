//! What a stage of tests counted, and the table that closes a run.

use crate::console;
use crate::tools::Skip;

/// The counts of one stage.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// Tests that exist and were not run.
    pub(crate) ignored: u64,
    /// What was left out as a whole.
    pub(crate) skips: Vec<Skip>,
}

/// One line of the closing table.
pub(crate) struct Line {
    pub(crate) stage: &'static str,
    pub(crate) report: Report,
    pub(crate) seconds: f64,
}

impl Report {
    /// A stage that could not run at all.
    pub(crate) fn broken() -> Report {
        Report { failed: 1, ..Report::default() }
    }

    /// A stage that is a single test.
    pub(crate) fn of_one(passed: bool) -> Report {
        Report { passed: u64::from(passed), failed: u64::from(!passed), ..Report::default() }
    }

    /// A stage, or a part of it, that was left out.
    pub(crate) fn skipped(skip: Skip) -> Report {
        Report { skips: vec![skip], ..Report::default() }
    }

    /// Takes in the counts of `other`.
    pub(crate) fn add(&mut self, other: Report) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.skips.extend(other.skips);
    }

    /// What was not run.
    pub(crate) fn not_run(&self) -> u64 {
        self.ignored + self.skips.len() as u64
    }

    /// Whether the stage lets the whole run succeed.
    pub(crate) fn is_good(&self, require_all: bool) -> bool {
        self.failed == 0 && (!require_all || self.not_run() == 0)
    }
}

/// The table, one line a stage.
pub(crate) fn table(lines: &[Line], require_all: bool) -> Vec<String> {
    let rows: Vec<Vec<String>> = lines.iter().map(|line| row(line, require_all)).collect();
    console::columns(&["stage", "result", "seconds", "tests", "skipped"], &rows, &[0, 1])
}

fn row(line: &Line, require_all: bool) -> Vec<String> {
    let Line { stage, report, seconds } = line;
    let result = if !report.is_good(require_all) {
        "FAILED"
    } else if report.passed == 0 {
        "skipped"
    } else {
        "ok"
    };
    vec![
        (*stage).to_owned(),
        result.to_owned(),
        format!("{seconds:.1}"),
        (report.passed + report.failed).to_string(),
        report.not_run().to_string(),
    ]
}

/// The last line: plain, for people and scripts.
pub(crate) fn sum(lines: &[Line], require_all: bool) -> String {
    let total =
        |count: fn(&Report) -> u64| lines.iter().map(|line| count(&line.report)).sum::<u64>();
    let passed = total(|report| report.passed);
    let not_run = total(Report::not_run);
    let failed = total(|report| report.failed) + if require_all { not_run } else { 0 };
    match not_run {
        0 => format!("{passed} passed, {failed} failed"),
        _ => format!("{passed} passed, {failed} failed, {not_run} skipped"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip() -> Skip {
        Skip { what: "x".to_owned(), why: "y".to_owned(), remedy: "z".to_owned() }
    }

    fn lines() -> Vec<Line> {
        vec![
            Line {
                stage: "rust",
                report: Report { passed: 41, ..Report::default() },
                seconds: 12.34,
            },
            Line { stage: "python", report: Report::skipped(skip()), seconds: 0.2 },
        ]
    }

    #[test]
    fn the_closing_table_shows_each_stage() {
        assert_eq!(
            table(&lines(), false),
            [
                "stage   result   seconds  tests  skipped",
                "rust    ok          12.3     41        0",
                "python  skipped      0.2      0        1",
            ]
        );
        assert_eq!(sum(&lines(), false), "41 passed, 0 failed, 1 skipped");
    }

    #[test]
    fn required_tests_that_were_skipped_are_failures() {
        let lines = lines();
        assert!(lines[1].report.is_good(false));
        assert!(!lines[1].report.is_good(true));
        assert_eq!(sum(&lines, true), "41 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn a_stage_that_could_not_run_counts_as_one_failure() {
        let lines = [Line { stage: "rust", report: Report::broken(), seconds: 0.0 }];
        assert_eq!(sum(&lines, false), "0 passed, 1 failed");
    }
}
