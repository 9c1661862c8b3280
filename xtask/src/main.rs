//! The front door of the repository: `cargo xtask` lists its words, `cargo xtask WORD` does one.
//!
//! Needs nothing but Rust; whatever else a word wants it finds by the ladder in `tools`. A word is
//! one module with a `run` function and one entry in `WORDS`.

mod acceptance;
mod arguments;
mod bench;
mod cargo;
mod check;
mod console;
mod environment;
mod os;
mod python;
mod repository;
mod show;
mod test;
mod tools;
mod up;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use arguments::{Arguments, UsageError};

/// How a word ended when nothing kept it from doing its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything holds.
    Good,
    /// Something does not, and it was said.
    Bad,
}

/// One word of the front door.
struct Word {
    name: &'static str,
    options: &'static str,
    does: &'static str,
    run: fn(&Path, Arguments) -> anyhow::Result<Outcome>,
}

const WORDS: &[Word] = &[
    Word {
        name: "up",
        options: "[--only core|tests] [--check]",
        does: "start the parts with sample traffic and show that a trace arrives",
        run: up::run,
    },
    Word {
        name: "test",
        options: "[--only rust|python|ui|docs|system|cluster] [--match FILES] [--require-all]",
        does: "run the tests of every language",
        run: test::run,
    },
    Word {
        name: "check",
        options: "[--only NAME]",
        does: "format, lints, and the rules that ARCHITECTURE.md states",
        run: check::run,
    },
    Word {
        name: "bench",
        options: "NAME [--quick] [--only CASES]",
        does: "measure against the named peers, as JSON lines",
        run: bench::run,
    },
    Word {
        name: "py",
        options: "[--release | --wheel]",
        does: "build the Python package into .venv, or as a wheel that is tried out",
        run: python::run,
    },
    Word {
        name: "show",
        options: "NAME [--full]",
        does: "run a list of promises: what was done, expected, seen",
        run: show::run,
    },
    Word {
        name: "acceptance",
        options: "[--open [SEED]]",
        does: "hold every requirement against the tests that prove it",
        run: |root, arguments| acceptance::run(root, &arguments.rest()).map(|()| Outcome::Good),
    },
];

fn main() -> ExitCode {
    let mut given = std::env::args().skip(1);
    let Some(name) = given.next() else {
        print!("{}", help());
        return ExitCode::SUCCESS;
    };
    if matches!(name.as_str(), "help" | "-h" | "--help") {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let Some(word) = WORDS.iter().find(|word| word.name == name) else {
        eprintln!("error: there is no word {name:?}\n\n{}", help());
        return ExitCode::from(2);
    };
    finish(word, (word.run)(&root(), Arguments::new(given)))
}

/// Turns what a word returned into the exit code, and says the error.
fn finish(word: &Word, result: anyhow::Result<Outcome>) -> ExitCode {
    match result {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::FAILURE,
        Err(error) if error.is::<UsageError>() => {
            eprintln!("error: {error}\nusage: cargo xtask {} {}", word.name, word.options);
            ExitCode::from(2)
        }
        Err(error) if error.is::<up::Interrupted>() => {
            eprintln!("{error}");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let mut lines = vec!["cargo xtask WORD".to_owned(), String::new()];
    for Word { name, options, does, .. } in WORDS {
        lines.push(format!("  {name:<12}{does}"));
        if !options.is_empty() {
            lines.push(format!("  {:<12}  {name} {options}", ""));
        }
    }
    lines.join("\n") + "\n"
}

/// The repository: the folder above the package that `cargo run` runs, or that this was built from.
fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_every_word_with_one_line_each() {
        let help = help();
        for word in WORDS {
            assert!(help.contains(word.does), "{} is missing in:\n{help}", word.name);
        }
    }

    #[test]
    fn the_root_is_the_folder_of_the_workspace() {
        assert!(root().join("Cargo.lock").is_file(), "{} has no Cargo.lock", root().display());
    }
}
