//! The wheel in the hands of a user: installed by pip where nothing else is, and used.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, anyhow, bail};

use super::wheel::Wheel;
use crate::cargo::{self, Metadata};
use crate::environment;
use crate::tools::{Skip, quietly};

/// Starts telemetry with nobody listening, records, and fails when anything was loaded or started
/// that a user does not expect. Says what is installed.
const PROGRAM: &str = r#"
import sys
import threading

import oxitel

assert threading.active_count() == 1, "the import starts a thread"
for name in ("opentelemetry.trace", "oxitel._native", "logging", "asyncio"):
    assert name not in sys.modules, f"the import loads {name}"

assert oxitel.enable_telemetry(endpoint="http://127.0.0.1:9", service_name="trial") is None
shop = oxitel.get_telemetry("shop")
with shop.trace("order"):
    shop.log_info("order taken")
    shop.counter("orders_total").add(1)
assert oxitel.stats("traces")["recorded"] == 1, oxitel.stats("traces")
oxitel.shutdown_telemetry(0.1)

heavy = ("opentelemetry.sdk", "opentelemetry.proto", "opentelemetry.exporter", "google.protobuf", "grpc")
loaded = [name for name in heavy if name in sys.modules]
assert not loaded, f"loads {loaded}"

from importlib import metadata

installed = {distribution.metadata["Name"].lower() for distribution in metadata.distributions()}
print(*sorted(installed - {"pip", "setuptools"}))
"#;

/// What no installation of ours brings: beginnings of names of packages.
const HEAVY: &[&str] =
    &["opentelemetry-sdk", "opentelemetry-exporter", "opentelemetry-proto", "protobuf", "grpc"];

/// Installs the wheel and uses it; returns what it brings along.
pub(super) fn tried(root: &Path, wheel: &Wheel) -> anyhow::Result<Result<String, Skip>> {
    let place = Metadata::read(root)?.target_directory.join("wheel-trial");
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| place.display().to_string())?;
    }
    let mut python = Command::new("python3");
    if let Err(why) = quietly(python.args(["-m", "venv"]).arg(&place)) {
        return Ok(Err(skip(why, "apt-get install python3 python3-venv".to_owned())));
    }
    let python = place.join("bin/python");
    let mut pip = Command::new(&python);
    if let Err(why) = quietly(pip.args(["-m", "pip", "install"]).arg(&wheel.file)) {
        return Ok(Err(skip(why, format!("pip install {}", wheel.file.display()))));
    }
    let file = place.join("trial.py");
    fs::write(&file, PROGRAM).with_context(|| file.display().to_string())?;
    let mut program = Command::new(&python);
    // Nothing of the folder that this is started in, and no variable, takes part.
    environment::clean(&mut program).args(["-I", "-W", "error"]).arg(&file);
    let said = cargo::output(&mut program)
        .map_err(|error| anyhow!("the wheel does not do what it is for: {error:#}"))?;
    let brings: Vec<&str> = said.split_whitespace().filter(|name| *name != "oxitel").collect();
    if let Some(heavy) = heavy(&brings) {
        bail!("the wheel brings {heavy}, which it is to do without");
    }
    Ok(Ok(format!("brings {}", brings.join(", "))))
}

fn skip(why: String, remedy: String) -> Skip {
    Skip { what: "the trial of the wheel".to_owned(), why, remedy }
}

fn heavy<'a>(names: &[&'a str]) -> Option<&'a str> {
    names.iter().copied().find(|name| HEAVY.iter().any(|heavy| name.starts_with(heavy)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_light_installation_does_without_is_found() {
        assert_eq!(heavy(&["opentelemetry-api", "typing-extensions"]), None);
        assert_eq!(heavy(&["opentelemetry-api", "grpcio"]), Some("grpcio"));
        let exporter = "opentelemetry-exporter-otlp-proto-http";
        assert_eq!(heavy(&[exporter]), Some(exporter));
    }
}
