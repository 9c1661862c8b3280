//! The promises of the sender under fire: the failure matrix, mixed faults by seed, the peers.

use std::path::Path;

use super::one_trace::{seen, suite};
use super::run::{run, run_cargo};
use super::{List, Promise, Seen};
use crate::cargo;

pub(super) const LIST: List = List {
    name: "sender",
    title: "The sender under fire",
    promises: &[
        Promise {
            done: "the failure matrix: receivers that refuse, hang, throttle, break off and lie; resolvers, clocks and hosts in trouble; forks by the hundred",
            expected: "every record counted once, no call held up, the end in time, one line a minute and cause",
            only_full: false,
            see: |root| with_examples(root, &format!("{IT} faults_")),
        },
        Promise {
            done: "the same by name: delivery, gRPC, endings, forks, pressure, runtimes",
            expected: "as the table of `docs/reference/failure-matrix.md` says",
            only_full: false,
            see: |root| {
                let names = "delivery:: grpc:: grpc_faults:: ending:: fork:: pressure:: runtimes::";
                with_examples(root, &format!("{IT} -- {names}"))
            },
        },
        Promise {
            done: "every test that the failure matrix names is looked up",
            expected: "each of them exists",
            only_full: false,
            see: super::ground::acceptance,
        },
        Promise {
            done: "50 seeds of mixed faults",
            expected: "0 seeds failed",
            only_full: false,
            see: |root| seeds(root, 0, 50),
        },
        Promise {
            done: "1,000 seeds of mixed faults",
            expected: "0 seeds failed",
            only_full: true,
            see: |root| seeds(root, 1_000, 1_000),
        },
        Promise {
            done: "the spool: random lives with power cuts, a wrong byte at any place, full disks, 20 times `kill -9`",
            expected: "nothing that was accepted is lost, the order is kept",
            only_full: false,
            see: |root| {
                let lives = suite(root, "-p oxitel --features oxitel/testing --lib export::spool")?;
                if lives.good { with_examples(root, &format!("{IT} spool::")) } else { Ok(lives) }
            },
        },
        Promise {
            done: "`kill -9` of a process with a spool, 200 times",
            expected: "nothing that was accepted is lost",
            only_full: true,
            see: kills,
        },
        Promise {
            done: "the same faults under oxitel and `opentelemetry_sdk`",
            expected: "whatever did not arrive is told with its reason, and the end comes in time",
            only_full: false,
            see: peers,
        },
        Promise {
            done: "10,000 threads at once, a million live spans",
            expected: "memory keeps to the budgets, every span is counted",
            only_full: true,
            see: |root| with_examples(root, &format!("{IT} faults_sizes")),
        },
        Promise {
            done: "flush, shutdown and the queue in every order, with loom",
            expected: "no order loses a record or a wake-up",
            only_full: false,
            see: |root| suite(root, "-p oxitel-loom"),
        },
    ],
};

const IT: &str = "-p oxitel --features oxitel/testing --test it";

/// Tests that start the engine's examples, so those are built first.
pub(super) fn with_examples(root: &Path, tests: &str) -> anyhow::Result<Seen> {
    let examples = run_cargo(root, "build -p oxitel --features oxitel/testing --examples")?;
    if !examples.succeeded() {
        let said = "the examples do not build".to_owned();
        return Ok(Seen { good: false, said, output: examples.output });
    }
    suite(root, tests)
}

fn kills(root: &Path) -> anyhow::Result<Seen> {
    let test = format!("test {IT} spool::kill_minus_nine");
    run(cargo::cargo(root).args(test.split(' ')).env("OXITEL_TEST_KILLS", "200")).map(seen)
}

fn seeds(root: &Path, first: u32, count: u32) -> anyhow::Result<Seen> {
    let arguments =
        format!("run -p oxitel --features oxitel/testing --example simulation -- {first} {count}");
    let ran = run_cargo(root, &arguments)?;
    let said = ran.line(" seeds failed").map_or_else(|| ran.code(), str::to_owned);
    Ok(Seen { good: ran.succeeded(), said, output: ran.output })
}

fn peers(root: &Path) -> anyhow::Result<Seen> {
    let ran = run_cargo(root, "run -p oxitel-peers --example faults")?;
    let said = ran.line("promises of oxitel broken").map_or_else(|| ran.code(), str::to_owned);
    Ok(Seen { good: ran.succeeded(), said, output: ran.output })
}
