//! `cargo xtask acceptance`: holds every requirement against the tests that prove it.

use std::path::Path;

use anyhow::bail;

use crate::Outcome;
use crate::arguments::Arguments;

/// Runs the word.
pub(crate) fn run(_root: &Path, arguments: Arguments) -> anyhow::Result<Outcome> {
    arguments.finish()?;
    bail!("the acceptance map is not here yet")
}
