//! `bench NAME [--quick]`: what a span costs with oxitel and with its peers.
//!
//! One program in three roles. Called by a person it *conducts*: it starts itself as the
//! *receiver* (`receiver`), and once per candidate and round as the *candidate* (`candidates`,
//! `measure`), so that no library shares a process with another. `engine` says what is compared
//! with what (`metrics` and `logs` for themselves), `report` prints it: JSON lines on the standard output, a table for people on the
//! standard error.

mod arguments;
mod candidates;
mod child;
mod engine;
mod logs;
mod measure;
mod metrics;
mod receiver;
mod report;
mod workload;

// With its JSON formatter, which no other crate of the workspace builds.
extern crate tracing_subscriber_json as tracing_subscriber;

use anyhow::Context;
use arguments::{Command, USAGE};
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = match Command::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("bench: {error:#}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Help => io::stdout().write_all(USAGE.as_bytes()).context("standard output"),
        Command::Engine(effort) => engine::run(effort),
        Command::Receiver => receiver::server::run(),
        Command::Candidate(order) => candidates::run(&order),
        Command::Metrics { is_quick } => metrics::run(is_quick),
        Command::MetricsCandidate(name) => metrics::candidate(&name),
        Command::Logs { is_quick } => logs::run(is_quick),
        Command::LogsCandidate { name, endpoint } => logs::candidate(&name, &endpoint),
    }
}
