//! Several Rust extensions in one Python process: one trace, and one engine.
//!
//! Each extension has its own copy of this crate. The package `oxitel`, once it is installed, is
//! the *host*: its module offers two tables of C functions, and another extension, a *guest*, finds
//! them with [`join`]. From then on what the guest records leaves by the host's engine, and
//! [`enter`] and [`in_python`] hand the current span over at each border.
//!
//! Flow: a guest's chunk -> `guest` -> the host's table -> `host` -> the host's queue -> send.
//!
//! In reading order: `abi` (the tables), `python` (the interpreter's functions, looked up while the
//! program runs: no `PyO3`, and the same crate links into a plain binary), `guest` and `handed` (the
//! guest's side), `borders` (the current span), `ordinary` (the same without a host), `host` and
//! `guests` (the host's side).

#![expect(unsafe_code, reason = "tables of C functions, and the interpreter's own")]

mod abi;
mod borders;
pub(crate) mod guest;
pub(crate) mod guests;
mod handed;
pub mod host;
mod ordinary;
mod python;

pub use borders::{Entered, InPython, enter, in_python, in_python_at};
pub use guest::{Joined, Why, join};
