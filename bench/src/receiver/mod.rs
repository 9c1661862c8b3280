//! The counting receiver: a process of its own that answers at once and counts later.
//!
//! `server` keeps request bodies as they came, so that its work on them does not take part in the
//! race for the two ends of the connection; `count` walks over them when the conductor asks;
//! `process` is the conductor's handle.

mod count;
pub(crate) mod process;
pub(crate) mod server;

pub(crate) use count::Count;
