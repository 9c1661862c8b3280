//! The counting receiver: a process of its own that answers at once and counts later.
//!
//! `server` answers, `inbox` keeps request bodies as they came, so that the work on them does not
//! compete with the candidate for the cores; `count` walks over them when the conductor asks;
//! `process` is the conductor's handle.

mod count;
mod inbox;
pub(crate) mod process;
pub(crate) mod server;

pub(crate) use count::Count;
