//! What a rule found, and how that is said.

use crate::console::{self, Colour};
use crate::tools::Skip;

/// What a rule found.
pub(super) enum Verdict {
    /// It holds; a few words on what was looked at.
    Kept(String),
    /// It holds, but somebody should look.
    Warned { said: String, remarks: Vec<String> },
    /// It does not hold.
    Broken { faults: Vec<String>, mend: String },
    /// The tool for it is not here.
    Skipped(Skip),
}

impl Verdict {
    /// Kept when there is no fault, else broken.
    pub(super) fn from(faults: Vec<String>, kept: impl Into<String>, mend: &str) -> Verdict {
        if faults.is_empty() { Verdict::Kept(kept.into()) } else { Verdict::broken(faults, mend) }
    }

    /// Broken by `faults`; `mend` says what to do.
    pub(super) fn broken(faults: Vec<String>, mend: &str) -> Verdict {
        Verdict::Broken { faults, mend: mend.to_owned() }
    }

    /// The lines for the user.
    pub(super) fn lines(&self, rule: &str) -> Vec<String> {
        match self {
            Verdict::Kept(said) => vec![format!("{} {rule:<13}{said}", console::mark(true))],
            Verdict::Warned { said, remarks } => {
                let warning = console::paint(Colour::Yellow, "!");
                let mut lines = vec![format!("{warning} {rule:<13}{said}")];
                lines.extend(remarks.iter().map(|remark| format!("    {remark}")));
                lines
            }
            Verdict::Broken { faults, mend } => {
                let first = format!("{} {rule:<13}mend: {mend}", console::mark(false));
                let faults = faults.iter().flat_map(|fault| fault.lines());
                std::iter::once(first).chain(faults.map(|line| format!("    {line}"))).collect()
            }
            Verdict::Skipped(skip) => vec![skip.line()],
        }
    }
}
