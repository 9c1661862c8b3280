//! `cargo xtask check`: format, lints, and the rules of the repository, one line each.
//!
//! A rule is one function that returns a `Verdict`; a broken one says what is wrong and how to
//! mend it.

mod architecture;
mod crates;
mod features;
mod files;
mod generated;
mod lints;
mod manifests;
mod python;
mod verdict;

use std::path::Path;

use crate::arguments::{Arguments, one_of};
use crate::{Outcome, console};
use verdict::Verdict;

/// One rule.
struct Rule {
    name: &'static str,
    judge: fn(&Path) -> anyhow::Result<Verdict>,
}

const RULES: &[Rule] = &[
    Rule { name: "format", judge: lints::format },
    Rule { name: "architecture", judge: architecture::judge },
    Rule { name: "manifests", judge: manifests::judge },
    Rule { name: "forbidden", judge: crates::forbidden },
    Rule { name: "count", judge: crates::count },
    Rule { name: "off", judge: crates::off },
    Rule { name: "features", judge: features::judge },
    Rule { name: "modules", judge: files::modules },
    Rule { name: "sizes", judge: files::sizes },
    Rule { name: "generated", judge: generated::judge },
    Rule { name: "typos", judge: lints::typos },
    Rule { name: "ruff", judge: lints::ruff },
    Rule { name: "stubs", judge: python::stubs },
    Rule { name: "types", judge: python::types },
    Rule { name: "clippy", judge: lints::clippy },
    Rule { name: "clippy-off", judge: lints::clippy_off },
];

/// Runs the word.
pub(crate) fn run(root: &Path, mut arguments: Arguments) -> anyhow::Result<Outcome> {
    let only = arguments.value("--only")?;
    arguments.finish()?;
    if let Some(only) = &only {
        let names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        one_of("--only", only, &names)?;
    }
    let mut broken = 0;
    let mut kept = 0;
    let mut skipped = 0;
    for rule in RULES.iter().filter(|rule| only.as_ref().is_none_or(|only| only == rule.name)) {
        let verdict = (rule.judge)(root).unwrap_or_else(|error| {
            Verdict::broken(vec![format!("{error:#}")], "mend what the error names")
        });
        for line in verdict.lines(rule.name) {
            println!("{line}");
        }
        match verdict {
            Verdict::Kept(_) | Verdict::Warned { .. } => kept += 1,
            Verdict::Broken { .. } => broken += 1,
            Verdict::Skipped(_) => skipped += 1,
        }
    }
    let rest = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    println!("{} {kept} rules kept, {broken} broken{rest}", console::mark(broken == 0));
    Ok(if broken == 0 { Outcome::Good } else { Outcome::Bad })
}
