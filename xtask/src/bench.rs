//! `cargo xtask bench NAME`: hands over to the package `bench`, built for speed; `python` to
//! `bench/python`, with the wheel.

use std::path::Path;

use anyhow::{Context, bail};

use crate::arguments::{Arguments, UsageError};
use crate::cargo::{self, Metadata};
use crate::{Outcome, python};

const PACKAGE: &str = "bench";

/// Runs the word.
pub(crate) fn run(root: &Path, mut arguments: Arguments) -> anyhow::Result<Outcome> {
    let quick = arguments.flag("--quick");
    let only = arguments.value("--only")?;
    let name = arguments.positional().ok_or_else(|| {
        UsageError("which benchmark? for example: cargo xtask bench engine".into())
    })?;
    arguments.finish()?;
    if name == "python" {
        return python::bench(root, quick, only.as_deref());
    }
    if only.is_some() {
        return Err(UsageError("--only is for cases of `bench python`".into()).into());
    }
    if !Metadata::read(root)?.has(PACKAGE) {
        bail!("the workspace has no package {PACKAGE:?} yet, so {name:?} cannot be measured");
    }
    let mut command = cargo::cargo(root);
    command.args(["run", "--release", "--package", PACKAGE, "--", &name]);
    if quick {
        command.arg("--quick");
    }
    let status = command.status().context("could not start cargo")?;
    Ok(if status.success() { Outcome::Good } else { Outcome::Bad })
}
