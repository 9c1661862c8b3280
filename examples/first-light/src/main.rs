//! First light: a shop of two services whose orders become traces.
//!
//! ```text
//! first-light front ── POST /reserve, traceparent ──▶ first-light back
//!        │                                                   │
//!        └──────── OTLP ──▶ first-light receiver ◀── OTLP ───┘
//! ```
//!
//! `front` records its spans with the direct API, `back` with `tracing`: read `front.rs` and
//! `back.rs` side by side. Everything that a process says on its standard output is one JSON
//! object per line.

mod arguments;
mod back;
mod catalogue;
mod front;
mod ledger;
mod output;
mod receiver;
mod stock;
mod stop;
mod summary;

use std::process::ExitCode;

use arguments::{Command, USAGE};

// One thread is enough: the engine sends from a thread of its own, whatever the runtime does.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let command = match Command::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("first-light: {error:#}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let outcome = match command {
        Command::Help => output::text(USAGE),
        Command::Receiver { addresses } => receiver::run(&addresses).await,
        Command::Back { address } => back::run(address).await,
        Command::Front { back, orders, rate } => front::run(back, orders, rate).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("first-light: {error:#}");
            ExitCode::FAILURE
        }
    }
}
