//! The promises of one trace over three APIs: the tree, the variables, the formats, the secrets.

use std::fmt::Write as _;
use std::path::Path;
use std::thread;

use anyhow::bail;

use super::run::{Ran, run_cargo};
use super::{List, Promise, Seen};
use crate::test::{Report, count_of_tests};

pub(super) const LIST: List = List {
    name: "one-trace",
    title: "One trace over three APIs",
    promises: &[
        Promise {
            done: "all orders of three APIs, in calls and in tasks; the special cases by name; a million random programs, with and without activation",
            expected: "0 wrong parents",
            only_full: false,
            see: |root| suite(root, "-p oxitel --features oxitel/testing --test tree"),
        },
        Promise {
            done: "our middleware, axum, tonic and reqwest, end to end; other crates' middleware beside our layer and through `compat`; the same programs under tracing-opentelemetry, every field compared",
            expected: "one trace each; no difference outside of the allow-list",
            only_full: false,
            see: |root| suite(root, "-p oxitel-peers"),
        },
        Promise {
            done: "each variable of the standard, empty, garbage, negative, huge, with spaces, in the wrong case",
            expected: "the value of the table, and one warning where one is due",
            only_full: false,
            see: |root| {
                let table = "every_variable_with_everything_that_people_write";
                suite(root, &format!("-p oxitel --features oxitel/testing --lib {table}"))
            },
        },
        Promise {
            done: "a random secret in everything that a record takes, then every byte that left the process is searched",
            expected: "it is nowhere",
            only_full: false,
            see: |root| suite(root, "-p oxitel --features oxitel/testing --test it canary::"),
        },
        Promise {
            done: "properties of the propagators, on random headers",
            expected: "what is written is read again; nothing makes them panic",
            only_full: false,
            see: |root| suite(root, "-p oxitel --features oxitel/testing --lib propagate::"),
        },
        Promise {
            done: "each format of headers, broken at random, for 2 CPU seconds",
            expected: "no finding",
            only_full: false,
            see: |root| fuzzed(root, 2),
        },
        Promise {
            done: "each format of headers, broken at random, for 5 CPU minutes",
            expected: "no finding",
            only_full: true,
            see: |root| fuzzed(root, 300),
        },
        Promise {
            done: "the founding guide's interface for traces: `cargo test -p processor`",
            expected: "every snippet compiles, every row's behaviour is seen by a receiver",
            only_full: false,
            see: |root| suite(root, "-p processor"),
        },
        Promise {
            done: "`cargo xtask acceptance`",
            expected: "a table of proven / all, and no name in it that does not exist",
            only_full: false,
            see: super::ground::acceptance,
        },
        Promise {
            done: "`cargo xtask bench engine --quick`",
            expected: "nothing lost against the engine's first numbers",
            only_full: true,
            see: super::ground::bench,
        },
    ],
};

/// The formats that the fuzzing program knows.
const FORMATS: &[&str] = &["tracecontext", "baggage", "b3", "b3multi", "jaeger"];

/// Runs these tests; all of them have to pass, and there has to be one.
pub(super) fn suite(root: &Path, arguments: &str) -> anyhow::Result<Seen> {
    run_cargo(root, &format!("test {arguments}")).map(seen)
}

/// What is seen of tests that ran.
pub(super) fn seen(ran: Ran) -> Seen {
    let Report { passed, failed, .. } = counts(&ran.output);
    let good = ran.succeeded() && passed > 0 && failed == 0;
    let said = format!("{passed} tests passed, {failed} failed");
    Seen { good, said, output: ran.output }
}

/// What cargo says of all test programs.
fn counts(output: &str) -> Report {
    let mut report = Report::default();
    for line in output.lines() {
        report.add(count_of_tests(line));
    }
    report
}

/// Two formats at a time: a processor for each.
fn fuzzed(root: &Path, seconds: u32) -> anyhow::Result<Seen> {
    let run = |format: &str| {
        run_cargo(root, &format!("run -p oxitel-fuzz --bin propagators -- {format} {seconds}"))
    };
    let mut seen = Seen { good: true, said: String::new(), output: String::new() };
    for pair in FORMATS.chunks(2) {
        let ended: Vec<anyhow::Result<Ran>> = thread::scope(|threads| {
            let running: Vec<_> =
                pair.iter().map(|format| threads.spawn(move || run(format))).collect();
            let result = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|_| bail!("the thread panicked"))
            };
            running.into_iter().map(result).collect()
        });
        for (format, ran) in pair.iter().zip(ended) {
            let ran = ran?;
            seen.good &= ran.succeeded();
            let _ = write!(seen.said, "{format}: {}; ", ran.last_lines(1));
            let _ = writeln!(seen.output, "{}", ran.last_lines(3));
        }
    }
    seen.said.truncate(seen.said.trim_end_matches("; ").len());
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn counts_are_those_of_all_test_programs() {
        let output = "test a ... ok\n\
            test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out\n\
            test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        let report = counts(output);
        assert_eq!((report.passed, report.failed), (15, 2));
    }
}
