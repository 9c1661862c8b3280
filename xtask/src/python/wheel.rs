//! The wheel that users get, and how big it may be.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::FOLDER;
use crate::cargo::{self, Metadata};
use crate::environment;
use crate::tools::{Skip, Tool};

const MATURIN: Tool = Tool { name: "maturin", version: "1.16.0" };

/// Beyond this an installation is no trifle any more.
const MOST_BYTES: u64 = 3_000_000;

/// A wheel that was built.
pub(super) struct Wheel {
    pub(super) file: PathBuf,
    bytes: u64,
}

impl fmt::Display for Wheel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {:.2} MB", self.file.display(), self.bytes as f64 / 1e6)
    }
}

/// Builds it, into `wheels` in the target folder.
pub(super) fn wheel(root: &Path) -> anyhow::Result<Result<Wheel, Skip>> {
    let maturin = match MATURIN.find() {
        Ok(maturin) => maturin,
        Err(skip) => return Ok(Err(skip)),
    };
    // An empty folder of its own: what is in it afterwards is the wheel.
    let folder = Metadata::read(root)?.target_directory.join("wheels");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    let mut command = Command::new(maturin);
    environment::clean(&mut command).current_dir(root.join(FOLDER));
    let status = command.args(["build", "--release", "--locked", "--out"]).arg(&folder).status();
    if !status
        .with_context(|| format!("could not start `{}`", cargo::describe(&command)))?
        .success()
    {
        bail!("maturin says above why it builds no wheel");
    }
    let wheel = only_wheel(&folder)?;
    if wheel.bytes > MOST_BYTES {
        bail!("{wheel}, more than the {MOST_BYTES} bytes that a wheel may have");
    }
    Ok(Ok(wheel))
}

fn only_wheel(folder: &Path) -> anyhow::Result<Wheel> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "whl") {
            return Ok(Wheel { file: entry.path(), bytes: entry.metadata()?.len() });
        }
    }
    bail!("maturin left no wheel in {}", folder.display())
}
