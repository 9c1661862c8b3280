//! `cargo xtask up`: starts the parts in stages, each useful and checked by itself.
//!
//! Flow: `stage` says what to build and start → `fleet` keeps the processes (`child`) and what
//! they say (`said`) → `view` shows them. The first stage runs as soon as it is built; later
//! ones are built while it works.

mod background;
mod child;
mod fleet;
mod http;
mod ports;
mod prebuild;
mod said;
mod sample;
mod stage;
mod view;

use std::path::Path;
use std::time::Duration;

use anyhow::bail;

use crate::arguments::{Arguments, one_of};
use crate::{Outcome, os};
use background::Background;
use child::{Child, Errors};
use fleet::Fleet;
use stage::{Form, Stage};
use view::View;

/// The longest time that cargo may take for one stage on a slow machine with nothing built yet.
const BUILD_LIMIT: Duration = Duration::from_secs(20 * 60);

/// How often the processes are looked at.
const TICK: Duration = Duration::from_millis(200);

/// The user asked to stop before the work was done.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("stopped before it was done")
    }
}

impl std::error::Error for Interrupted {}

/// Runs the word.
pub(crate) fn run(root: &Path, mut arguments: Arguments) -> anyhow::Result<Outcome> {
    let only = arguments.value("--only")?;
    let check = arguments.flag("--check");
    arguments.finish()?;
    let stages = chosen(only.as_deref())?;

    os::catch_stop_signals();
    let mut fleet = Fleet::new(root);
    if check { check_all(&mut fleet, &stages) } else { start_and_watch(&mut fleet, &stages) }
}

fn chosen(only: Option<&str>) -> anyhow::Result<Vec<&'static Stage>> {
    let Some(only) = only else { return Ok(stage::STAGES.iter().collect()) };
    let names: Vec<&str> = stage::STAGES.iter().map(|stage| stage.name).collect();
    one_of("--only", only, &names)?;
    Ok(stage::STAGES.iter().filter(|stage| stage.name == only).collect())
}

/// The scripted form: every stage starts, is held against what the receiver got, and ends.
fn check_all(fleet: &mut Fleet, stages: &[&Stage]) -> anyhow::Result<Outcome> {
    for stage in stages {
        build(fleet, stage)?;
        (stage.start)(fleet, Form::Scripted)?;
    }
    for stage in stages {
        (stage.verify)(fleet)?;
    }
    fleet.stop_all();
    Ok(outcome(fleet))
}

/// The form for people: traffic goes on until Ctrl-C.
fn start_and_watch(fleet: &mut Fleet, stages: &[&Stage]) -> anyhow::Result<Outcome> {
    let Some((first, later)) = stages.split_first() else { bail!("there is no stage to start") };
    build(fleet, first)?;
    (first.start)(fleet, Form::Watched)?;
    watch(fleet, later)?;
    fleet.stop_all();
    View::last(fleet);
    Ok(outcome(fleet))
}

/// Shows the processes until the user has seen enough, and lets the later stages join.
fn watch(fleet: &mut Fleet, later: &[&Stage]) -> anyhow::Result<()> {
    let mut view = View::new();
    let mut background = Background::new(later);
    while os::stops_asked() == 0 && fleet.somebody_works() {
        fleet.pump(TICK);
        if let Some(stage) = background.step(fleet)? {
            view.clear();
            (stage.start)(fleet, Form::Watched)?;
        }
        view.show(fleet);
    }
    view.clear();
    Ok(())
}

/// Builds one stage in sight of the user.
fn build(fleet: &mut Fleet, stage: &Stage) -> anyhow::Result<()> {
    println!("{}: building {}", stage.name, stage.brings);
    for build in stage.builds {
        let started = fleet.start_build(stage.name, build, Errors::Shown)?;
        fleet.wait_for("the build", BUILD_LIMIT, |fleet| {
            fleet.process(started).is_over().then_some(())
        })?;
    }
    Ok(())
}

/// Says what died and was not said yet, and what follows from it.
fn outcome(fleet: &mut Fleet) -> Outcome {
    for line in fleet.news() {
        println!("{line}");
    }
    if fleet.processes().any(Child::failed) { Outcome::Bad } else { Outcome::Good }
}
