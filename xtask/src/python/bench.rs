//! `cargo xtask bench python`: the wheel against opentelemetry-sdk and other peers, each in an
//! environment that has nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow};

use super::wheel::wheel;
use crate::cargo::Metadata;
use crate::tools::{Skip, python_environment, quietly};
use crate::{Outcome, console, environment};

const FOLDER: &str = "bench/python";

/// Without these nothing can be compared; `web` is for whole requests.
const NEEDED: &[&str] = &["api", "sdk", "web", "web-sdk"];
/// Measured where they can be installed. The report names those that cannot.
const PEERS: &[&str] = &["grpc", "logfire", "ddtrace", "honeycomb"];

/// Builds the wheel, and hands over to the conductor of the benchmark.
pub(crate) fn bench(root: &Path, quick: bool, only: Option<&str>) -> anyhow::Result<Outcome> {
    let folder = root.join(FOLDER);
    let mut pythons = Vec::new();
    for name in NEEDED {
        match interpreter(&folder, name)? {
            Ok(python) => pythons.push(python),
            Err(skip) => return Ok(left_out(&skip)),
        }
    }
    let mut options: Vec<String> =
        NEEDED.iter().zip(&pythons).map(|(name, python)| option(name, python)).collect();
    for name in PEERS {
        options.push(match interpreter(&folder, name)? {
            Ok(python) => option(name, &python),
            Err(skip) => format!("--left-out={name}={}", skip.why),
        });
    }
    let wheel = match wheel(root)? {
        Ok(wheel) => wheel,
        Err(skip) => return Ok(left_out(&skip)),
    };
    eprintln!("{} {wheel}", console::mark(true));
    let package = unpacked(root, &pythons[0], &wheel.file)?;
    let mut command = Command::new(&pythons[0]);
    environment::clean(&mut command).arg(folder.join("conduct.py"));
    command.args(options).arg("--package").arg(package);
    if quick {
        command.arg("--quick");
    }
    command.args(only.map(|cases| format!("--only={cases}")));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let status = command.status().context("could not start the benchmark")?;
    Ok(if status.success() { Outcome::Good } else { Outcome::Bad })
}

fn option(name: &str, python: &Path) -> String {
    format!("--python={name}={}", python.display())
}

/// The interpreter with what `requirements-NAME.txt` says.
fn interpreter(folder: &Path, name: &str) -> anyhow::Result<Result<PathBuf, Skip>> {
    let file = folder.join(format!("requirements-{name}.txt"));
    let wanted = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let environment = python_environment(&format!("bench-{name}"), &wanted);
    Ok(environment.map(|environment| environment.join("bin/python")))
}

fn left_out(skip: &Skip) -> Outcome {
    println!("{}", skip.line());
    Outcome::Bad
}

/// Unpacks the wheel, with its files compiled as an installation has them.
fn unpacked(root: &Path, python: &Path, wheel: &Path) -> anyhow::Result<PathBuf> {
    let place = Metadata::read(root)?.target_directory.join("bench-python");
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| place.display().to_string())?;
    }
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--no-deps", "--target"]).arg(&place).arg(wheel);
    quietly(&mut pip).map_err(|error| anyhow!("the wheel cannot be installed: {error}"))?;
    Ok(place)
}
