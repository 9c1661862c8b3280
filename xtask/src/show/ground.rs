//! The promises of the ground: two commands, the heart of the engine, its borders, first numbers.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use super::run::{Ran, Temporary, run, run_cargo, run_on};
use super::{List, Promise, Seen};
use crate::cargo;

pub(super) const LIST: List = List {
    name: "ground",
    title: "Ground and first light",
    promises: &[
        Promise {
            done: "clone into an empty folder, `cargo xtask up --check`, `cargo xtask test`",
            expected: "both succeed, and the second compiles no third-party crate",
            only_full: true,
            see: newcomer,
        },
        Promise {
            done: "`cargo xtask up --only core --check`: two processes over HTTP",
            expected: "one tree of 6 spans from 2 services, 0 lost",
            only_full: false,
            see: first_light,
        },
        Promise {
            done: "100 spans on a `current_thread` runtime, then flush; the collector is well",
            expected: "100 of 100 arrive",
            only_full: false,
            see: |root| named_tests(root, CURRENT_THREAD),
        },
        Promise {
            done: "flush and exit while the collector refuses",
            expected: "flush reports the loss, exit within 2 s",
            only_full: false,
            see: |root| named_tests(root, REFUSING),
        },
        Promise {
            done: "fork with spans in both processes",
            expected: "each process's spans once",
            only_full: false,
            see: |root| named_tests(root, FORK),
        },
        Promise {
            done: "`cargo tree --no-default-features -p oxitel`",
            expected: "no OpenTelemetry crate",
            only_full: false,
            see: off_tree,
        },
        Promise {
            done: "`cargo xtask check`",
            expected: "green",
            only_full: false,
            see: check_is_green,
        },
        Promise {
            done: "a forbidden crate is added to `oxitel`, then `cargo xtask check`",
            expected: "red, with the crate named",
            only_full: false,
            see: forbidden_crate_is_red,
        },
        Promise {
            done: "`xtask` is made to use `oxitel`, then `cargo xtask check`",
            expected: "red, with both named",
            only_full: false,
            see: forbidden_direction_is_red,
        },
        Promise {
            done: "`cargo xtask acceptance`",
            expected: "a table of proven / all, and no name in it that does not exist",
            only_full: false,
            see: acceptance,
        },
        Promise {
            done: "`cargo xtask bench engine --quick`",
            expected: "a line for each case with the peer's number beside ours",
            only_full: false,
            see: bench,
        },
    ],
};

/// Tests in `crates/oxitel/tests/it` that prove a promise.
const CURRENT_THREAD: &[&str] =
    &["runtimes::on_a_current_thread_runtime_a_flush_delivers_100_of_100"];
const REFUSING: &[&str] = &[
    "ending::flush_reports_the_loss_when_the_receiver_refuses_connections",
    "ending::a_program_without_a_receiver_ends_at_once_and_counts_its_losses",
];
const FORK: &[&str] = &["fork::each_process_sends_its_own_spans_once"];

/// What a newcomer does, in a clone with nothing built.
fn newcomer(root: &Path) -> anyhow::Result<Seen> {
    let folder = Temporary::new("newcomer")?;
    let clone = folder.path().join("oxitel");
    let mut git = Command::new("git");
    cargo::output(git.args(["clone", "--quiet", "--"]).args([root, &clone]))?;
    let in_clone = |word: &str| {
        let mut command = cargo::cargo(&clone);
        run(command.env_remove("CARGO_TARGET_DIR").args(["xtask"]).args(word.split(' ')))
    };
    let up = in_clone("up --check")?;
    let test = in_clone("test")?;
    let again = test.third_party_compiled();
    let said = format!(
        "up: {} after {} s, {} third-party crates compiled; test: {} after {} s, {}",
        up.code(),
        up.time.as_secs(),
        up.third_party_compiled().len(),
        test.code(),
        test.time.as_secs(),
        if again.is_empty() { "none compiled".to_owned() } else { again.join(", ") },
    );
    let good = up.succeeded() && test.succeeded() && again.is_empty();
    let output = format!("{}\n\n{}", up.last_lines(20), test.last_lines(20));
    Ok(Seen { good, said, output })
}

fn first_light(root: &Path) -> anyhow::Result<Seen> {
    let ran = run_cargo(root, "xtask up --only core --check")?;
    let wanted = "one trace, 2 services, 6 spans, 0 lost";
    let good = ran.succeeded() && ran.line(wanted).is_some();
    let said = if good { wanted.to_owned() } else { ran.code() };
    Ok(seen(good, said, ran))
}

/// Runs the named tests of the engine and looks for each by its name. Some of them start the
/// engine's examples, so those are built as well.
fn named_tests(root: &Path, names: &[&str]) -> anyhow::Result<Seen> {
    if names.is_empty() {
        bail!("no test is named for this promise");
    }
    // Not by `test --examples`: that builds them as test programs, and leaves stale ones in place.
    let examples = run_cargo(root, "build --examples")?;
    if !examples.succeeded() {
        return Ok(seen(false, "the examples do not build".to_owned(), examples));
    }
    let ran = run_cargo(root, &format!("test --test it -- --exact {}", names.join(" ")))?;
    let missing = not_passed(&ran.output, names);
    let good = ran.succeeded() && missing.is_empty();
    let said = if good { names.join(", ") } else { format!("not passed: {}", missing.join(", ")) };
    Ok(seen(good, said, ran))
}

/// The names for which cargo did not say that they passed.
fn not_passed<'a>(output: &str, names: &[&'a str]) -> Vec<&'a str> {
    let passed =
        |name: &str| output.lines().any(|line| line.trim() == format!("test {name} ... ok"));
    names.iter().copied().filter(|name| !passed(name)).collect()
}

fn off_tree(root: &Path) -> anyhow::Result<Seen> {
    let ran = run_cargo(root, "tree --no-default-features -p oxitel")?;
    let found = ran.output.lines().filter(|line| line.contains("opentelemetry")).count();
    let good = ran.succeeded() && found == 0;
    Ok(seen(good, format!("{found} lines name an OpenTelemetry crate"), ran))
}

fn check_is_green(root: &Path) -> anyhow::Result<Seen> {
    let ran = run_cargo(root, "xtask check")?;
    let broken = ran.output.lines().filter_map(|line| line.strip_prefix("✗ ")?.split("  ").next());
    let said = format!("{}; {}", ran.code(), broken.collect::<Vec<_>>().join(", "));
    Ok(seen(ran.succeeded(), said.trim_end_matches("; ").to_owned(), ran))
}

fn forbidden_crate_is_red(root: &Path) -> anyhow::Result<Seen> {
    let copy = Temporary::copy_of(root, "forbidden")?;
    let wanted = "opentelemetry_sdk = { version = \"*\", default-features = false }";
    depend(&copy.path().join("crates/oxitel/Cargo.toml"), wanted)?;
    red(&copy, "check --only forbidden", "`oxitel` brings `opentelemetry_sdk`")
}

fn forbidden_direction_is_red(root: &Path) -> anyhow::Result<Seen> {
    let copy = Temporary::copy_of(root, "direction")?;
    depend(&copy.path().join("xtask/Cargo.toml"), "oxitel.workspace = true")?;
    red(&copy, "check --only architecture", "`xtask` uses `oxitel`")
}

/// Adds a line to the dependencies of a manifest.
fn depend(manifest: &Path, line: &str) -> anyhow::Result<()> {
    let text = fs::read_to_string(manifest).with_context(|| manifest.display().to_string())?;
    let heading = "\n[dependencies]\n";
    if !text.contains(heading) {
        bail!("{} has no [dependencies]", manifest.display());
    }
    fs::write(manifest, text.replacen(heading, &format!("{heading}{line}\n"), 1))?;
    Ok(())
}

fn red(copy: &Temporary, arguments: &str, wanted: &str) -> anyhow::Result<Seen> {
    let ran = run_on(copy.path(), arguments)?;
    let line = ran.line(wanted).map(str::to_owned);
    let good = ran.code == Some(1) && line.is_some();
    let said = line.map_or_else(|| ran.code(), |line| format!("{}: {line}", ran.code()));
    Ok(seen(good, said, ran))
}

pub(super) fn acceptance(root: &Path) -> anyhow::Result<Seen> {
    let ran = run_cargo(root, "xtask acceptance")?;
    let total = ran.line("total").map_or_else(|| ran.code(), str::to_owned);
    Ok(seen(ran.succeeded(), total, ran))
}

pub(super) fn bench(root: &Path) -> anyhow::Result<Seen> {
    let ran = run_cargo(root, "xtask bench engine --quick")?;
    let lines: Vec<&str> = ran.output.lines().filter(|line| line.starts_with('{')).collect();
    let within = lines.iter().filter(|line| line.contains("\"ok\":true")).count();
    let good = ran.succeeded() && !lines.is_empty();
    let said = match lines.len() {
        0 => ran.line("error").map_or_else(|| ran.code(), str::to_owned),
        all => format!("{all} lines, {within} of them within their goal"),
    };
    Ok(seen(good, said, ran))
}

fn seen(good: bool, said: String, ran: Ran) -> Seen {
    Seen { good, said, output: ran.output }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_test_counts_only_when_cargo_says_that_it_passed() {
        let output = "test fork::once ... ok\ntest flush::tells ... FAILED\n";
        assert_eq!(
            not_passed(output, &["fork::once", "flush::tells", "gone"]),
            ["flush::tells", "gone"]
        );
    }
}
