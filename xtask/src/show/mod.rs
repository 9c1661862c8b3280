//! show
use crate::Outcome;
use crate::arguments::Arguments;
use std::path::Path;
pub(crate) fn run(_root: &Path, arguments: Arguments) -> anyhow::Result<Outcome> {
    arguments.finish()?;
    anyhow::bail!("")
}
