//! Every interleaving of the engine's lock-free pieces: how a chunk is handed over, how a flush is
//! answered, how a process publishes its engine, how threads share live spans, and how measurements
//! are read while they are made.
//!
//! The engine's own files are included here with loom's primitives in place of `std`'s: they name
//! them through `super::sync`, which is [`sync`] in this crate. Loom then runs each model once for
//! every order in which its threads may meet, and for every value a relaxed load may return.

#![expect(unsafe_code, reason = "the included files are the engine's unsafe pieces")]

#[expect(dead_code, reason = "one constructor is for others")]
#[path = "../../../crates/oxitel/src/pipeline/lock.rs"]
mod lock;
#[path = "../../../crates/oxitel/src/pipeline/per_epoch.rs"]
mod per_epoch;
mod sync;
#[path = "../../../crates/oxitel/src/pipeline/table.rs"]
mod table;
#[path = "../../../crates/oxitel/src/pipeline/turn.rs"]
mod turn;

mod flush;
mod hand_over;
mod measure;
mod publish;
mod spans;
