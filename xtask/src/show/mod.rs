//! `cargo xtask show NAME`: runs a list of promises and says for each what was done, what was
//! expected and what was seen.
//!
//! Small by default, for a reader with four minutes; `--full` also runs what takes longer and
//! writes the evidence to `docs/evidence/`.

mod evidence;
mod ground;
mod one_trace;
mod python;
mod run;
mod sender;
mod signals;

use std::path::Path;
use std::time::Instant;

use crate::arguments::{Arguments, UsageError, one_of};
use crate::{Outcome, console};

/// The promises of one part of the work.
struct List {
    name: &'static str,
    title: &'static str,
    promises: &'static [Promise],
}

/// One thing that must show.
struct Promise {
    /// What is done, as a command where there is one.
    done: &'static str,
    expected: &'static str,
    /// Takes too long for the small form.
    only_full: bool,
    see: fn(&Path) -> anyhow::Result<Seen>,
}

/// What came of it.
#[derive(Debug)]
struct Seen {
    good: bool,
    /// In a few words.
    said: String,
    /// The output behind it, for the evidence.
    output: String,
}

/// A promise after it was looked at.
struct Shown<'a> {
    promise: &'a Promise,
    seen: Seen,
    seconds: f64,
}

const LISTS: &[List] = &[ground::LIST, one_trace::LIST, sender::LIST, signals::LIST, python::LIST];

/// Runs the word.
pub(crate) fn run(root: &Path, mut arguments: Arguments) -> anyhow::Result<Outcome> {
    let full = arguments.flag("--full");
    let names: Vec<&str> = LISTS.iter().map(|list| list.name).collect();
    let name = arguments
        .positional()
        .ok_or_else(|| UsageError(format!("which list? there are: {}", names.join(", "))))?;
    arguments.finish()?;
    one_of("list", &name, &names)?;
    let mut good = true;
    for list in LISTS.iter().filter(|list| list.name == name) {
        let shown = show(root, list, full);
        good &= shown.iter().all(|shown| shown.seen.good);
        if full {
            let file = evidence::write(root, list, &shown)?;
            println!("evidence: {file}");
        }
    }
    Ok(if good { Outcome::Good } else { Outcome::Bad })
}

fn show<'a>(root: &Path, list: &'a List, full: bool) -> Vec<Shown<'a>> {
    println!("{}", list.title);
    let start = Instant::now();
    let mut all = Vec::new();
    for promise in list.promises {
        println!("\ndone      {}\nexpected  {}", promise.done, promise.expected);
        if promise.only_full && !full {
            println!("seen      not looked at: it takes minutes; use --full");
            continue;
        }
        let shown = look(root, promise);
        let Shown { seen, seconds, .. } = &shown;
        println!("seen      {} {} ({seconds:.1} s)", console::mark(seen.good), seen.said);
        all.push(shown);
    }
    let kept = all.iter().filter(|shown| shown.seen.good).count();
    let good = kept == all.len();
    let (all_of, seconds) = (all.len(), start.elapsed().as_secs());
    println!("\n{} {kept} of {all_of} as expected in {seconds} s", console::mark(good));
    all
}

fn look<'a>(root: &Path, promise: &'a Promise) -> Shown<'a> {
    let start = Instant::now();
    let seen = (promise.see)(root).unwrap_or_else(|error| Seen {
        good: false,
        said: format!("{error:#}"),
        output: String::new(),
    });
    Shown { promise, seen, seconds: start.elapsed().as_secs_f64() }
}
