//! `cargo xtask test`: the tests of every language, stage by stage, and a table at the end.

mod package;
mod python;
mod report;
mod rust;

use std::path::Path;
use std::time::Instant;

use crate::arguments::{Arguments, UsageError, one_of};
use crate::{Outcome, cargo, console};
use report::Line;

pub(crate) use report::Report;
pub(crate) use rust::{BUILDS as RUST_BUILDS, count as count_of_tests};

/// What a stage needs to know.
struct Context<'a> {
    root: &'a Path,
    require_all: bool,
    /// Of the Python package, only the files with one of these in their names.
    matching: Option<Vec<String>>,
}

/// The tests of one kind.
struct Stage {
    name: &'static str,
    /// `None` as long as the repository holds nothing of the kind.
    run: Option<fn(&Context) -> anyhow::Result<Report>>,
}

const STAGES: &[Stage] = &[
    Stage { name: "rust", run: Some(rust::run) },
    Stage { name: "python", run: Some(python) },
    Stage { name: "ui", run: None },
    Stage { name: "docs", run: None },
    Stage { name: "system", run: Some(system) },
    Stage { name: "cluster", run: None },
];

/// Runs the word.
pub(crate) fn run(root: &Path, mut arguments: Arguments) -> anyhow::Result<Outcome> {
    let only = arguments.value("--only")?;
    let require_all = arguments.flag("--require-all");
    let matching = arguments.value("--match")?;
    arguments.finish()?;
    if let Some(only) = &only {
        let names: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
        one_of("--only", only, &names)?;
    }
    if matching.is_some() && only.as_deref() != Some("python") {
        return Err(UsageError("--match needs --only python".to_owned()).into());
    }
    let matching = matching.map(|names| names.split(',').map(str::to_owned).collect());
    let context = Context { root, require_all, matching };
    let mut lines = Vec::new();
    for stage in STAGES.iter().filter(|stage| only.as_ref().is_none_or(|only| only == stage.name)) {
        match stage.run {
            Some(run) => lines.push(timed(stage, run, &context)),
            None if only.is_some() => println!("{}: nothing here yet", stage.name),
            None => {}
        }
    }
    Ok(close(&lines, require_all))
}

fn timed(stage: &Stage, run: fn(&Context) -> anyhow::Result<Report>, context: &Context) -> Line {
    println!("── {}", stage.name);
    let start = Instant::now();
    let report = run(context).unwrap_or_else(|error| {
        println!("{} {}: {error:#}", console::mark(false), stage.name);
        Report::broken()
    });
    for skip in &report.skips {
        println!("{}", skip.line());
    }
    Line { stage: stage.name, report, seconds: start.elapsed().as_secs_f64() }
}

/// The closing table, and the line that sums it up.
fn close(lines: &[Line], require_all: bool) -> Outcome {
    if !lines.is_empty() {
        println!("\n{}", report::table(lines, require_all).join("\n"));
    }
    println!("{}", report::sum(lines, require_all));
    let good = lines.iter().all(|line| line.report.is_good(require_all));
    if good { Outcome::Good } else { Outcome::Bad }
}

/// Our bytes in the hands of others, and the Python package.
fn python(context: &Context) -> anyhow::Result<Report> {
    let mut report = match context.matching {
        Some(_) => Report::default(),
        None => python::run(context)?,
    };
    report.add(package::run(context)?);
    Ok(report)
}

/// The whole system: its parts start, and what was sent arrives.
fn system(context: &Context) -> anyhow::Result<Report> {
    let mut command = cargo::cargo(context.root);
    command.args(["run", "--bin", "xtask", "--", "up", "--only", "core", "--check"]);
    let status = command.status()?;
    Ok(Report::of_one(status.success()))
}
