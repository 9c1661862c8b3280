//! Makes a virtual environment know the package where it lies, as `pip install --editable` does.
//!
//! By hand, because pip would ask maturin for a build of its own, with other flags: everything
//! below `PyO3` would be compiled twice.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::FOLDER;
use super::manifest::Manifest;
use crate::cargo::Metadata;

/// Installs the package into `environment`.
pub(super) fn editable(root: &Path, environment: &Path) -> anyhow::Result<()> {
    let folder = root.join(FOLDER);
    let project = Manifest::read(&folder)?.project;
    let version = Metadata::read(root)?.version_of(super::CRATE)?;
    let packages = site_packages(environment)?;
    forget(&packages, &project.name)?;
    let information = packages.join(format!("{}-{version}.dist-info", project.name));
    fs::create_dir_all(&information).with_context(|| information.display().to_string())?;
    let path = format!("{}\n", folder.display());
    let link = format!("{}.pth", project.name);
    let record = ["METADATA", "entry_points.txt", "INSTALLER", "RECORD"]
        .map(|name| format!("{}-{version}.dist-info/{name},,\n", project.name))
        .concat();
    for (file, text) in [
        (packages.join(&link), path),
        (information.join("METADATA"), project.metadata(&version)),
        (information.join("entry_points.txt"), project.entry_points()),
        (information.join("INSTALLER"), "cargo xtask py\n".to_owned()),
        (information.join("RECORD"), format!("{link},,\n{record}")),
    ] {
        fs::write(&file, text).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

/// Takes an earlier installation away, also one of a wheel, which would hide this one.
fn forget(packages: &Path, name: &str) -> anyhow::Result<()> {
    for entry in fs::read_dir(packages).with_context(|| packages.display().to_string())? {
        let entry = entry?;
        let file = entry.file_name();
        let file = file.to_string_lossy();
        let is_information = file.starts_with(&format!("{name}-")) && file.ends_with(".dist-info");
        if entry.file_type()?.is_dir() && (is_information || file == name) {
            let path = entry.path();
            fs::remove_dir_all(&path).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

fn site_packages(environment: &Path) -> anyhow::Result<PathBuf> {
    let library = environment.join("lib");
    for entry in fs::read_dir(&library).with_context(|| library.display().to_string())? {
        let packages = entry?.path().join("site-packages");
        if packages.is_dir() {
            return Ok(packages);
        }
    }
    bail!("{} has no site-packages", environment.display())
}
