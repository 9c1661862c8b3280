//! The table, and what oxitel promises of its rows.

use crate::{SPANS, Told};
use std::fmt::Write as _;
use std::time::Duration;

/// One library under one fault.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) fault: &'static str,
    pub(crate) candidate: &'static str,
    pub(crate) arrived: usize,
    /// Nothing when it did not end well.
    pub(crate) told: Option<Told>,
    pub(crate) took: Duration,
}

impl Row {
    /// What oxitel promises and this row does not show.
    pub(crate) fn broken_promise(&self) -> Option<String> {
        if !self.candidate.starts_with("oxitel") {
            return None;
        }
        let wrong = |what: &str| Some(format!("{}, {}: {what}", self.candidate, self.fault));
        let Some(told) = &self.told else { return wrong("it did not end well") };
        let lost = SPANS - self.arrived.min(SPANS);
        if told.says.contains("NOT BALANCED") {
            return wrong("its ledger is not balanced");
        }
        if lost > 0 && told.flush == "Ok" {
            return wrong("its flush says that all is well");
        }
        // 5 s for the flush and 2 s for the end, on a busy machine.
        if told.end_ms > 10_000 {
            return wrong("its end takes too long");
        }
        if told.threads > 2 {
            return wrong("it has more than two threads");
        }
        None
    }
}

pub(crate) fn render(rows: &[Row]) -> String {
    let mut text = format!("{SPANS} spans recorded, a flush, an end.\n\n");
    text.push_str(
        "| fault | library | arrived | flush says | the library's own count | end, s | threads |\n",
    );
    text.push_str("|---|---|---|---|---|---|---|\n");
    for row in rows {
        let Row { fault, candidate, arrived, told, took } = row;
        let (says, flush, end, threads) = match told {
            Some(told) => {
                let end = format!("{:.1}", told.end_ms as f64 / 1_000.0);
                (told.says.as_str(), told.flush.as_str(), end, told.threads.to_string())
            }
            None => ("did not end well", "", format!("{:.1}", took.as_secs_f64()), String::new()),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {fault} | {candidate} | {arrived} | {flush} | {says} | {end} | {threads} |"
        );
    }
    text
}
