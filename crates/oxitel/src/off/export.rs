//! What a program names of `export`, without anything that would call it.

#[path = "../export/exporter.rs"]
mod exporter;
#[path = "../export/files/mod.rs"]
mod files;
#[path = "../export/memory.rs"]
mod memory;
#[path = "../export/signal.rs"]
mod signal;

pub use exporter::{ExportError, Exporter, Request};
pub(crate) use exporter::{Extra, Extras};
pub use files::Files;
pub use memory::{KeptRequest, Memory};
pub use signal::SignalKind;
