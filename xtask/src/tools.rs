//! The ladder by which a word finds a tool that is not Rust: on the PATH, else from PyPI or Debian
//! into the user's cache folder and without root, else one yellow SKIP line that says what to
//! install.

mod debian;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::{console, environment};
pub(crate) use debian::{POSTGRESQL, PROMETHEUS, Package, REDIS};

/// A program that also comes as a Python wheel.
pub(crate) struct Tool {
    /// Its name on the PATH and on PyPI.
    pub(crate) name: &'static str,
    /// The version taken from PyPI.
    pub(crate) version: &'static str,
}

/// Something that is left out, most often with a tool that no rung of the ladder could reach.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Skip {
    /// What is left out.
    pub(crate) what: String,
    /// Why.
    pub(crate) why: String,
    /// The line to type in order to have it.
    pub(crate) remedy: String,
}

impl Skip {
    /// The one line that says what is left out and how to have it.
    pub(crate) fn line(&self) -> String {
        let Skip { what, why, remedy } = self;
        format!("{} {what}: {why}; to have it: `{remedy}`", console::skip())
    }
}

impl Tool {
    /// The program: from the PATH, else from PyPI.
    pub(crate) fn find(&self) -> Result<PathBuf, Skip> {
        if let Some(program) = on_path(self.name) {
            return Ok(program);
        }
        let wanted = format!("{}=={}", self.name, self.version);
        let environment = python_environment(self.name, &wanted).map_err(|skip| Skip {
            what: self.name.to_owned(),
            remedy: format!("pip install {wanted}"),
            ..skip
        })?;
        Ok(environment.join("bin").join(self.name))
    }
}

/// A virtual environment called `name` in the cache, with the packages of `requirements` (the text
/// of such a file). It is made once and made anew when the text changes.
pub(crate) fn python_environment(name: &str, requirements: &str) -> Result<PathBuf, Skip> {
    let folder = cache().join("python").join(name);
    if !has(&folder, requirements) {
        println!("making the Python environment {name:?} in {}", folder.display());
        make(&folder, &["--clear"], requirements).map_err(|trouble| trouble.skip(name))?;
    }
    Ok(folder)
}

/// The same in a folder of the user's. Whatever else is in it stays.
pub(crate) fn python_environment_in(folder: &Path, requirements: &str) -> Result<(), Skip> {
    if has(folder, requirements) {
        return Ok(());
    }
    println!("making the Python environment {}", folder.display());
    let keep: &[&str] = if is_program(&folder.join("bin/python")) { &[] } else { &["--clear"] };
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    make(folder, keep, requirements).map_err(|trouble| trouble.skip(&name))
}

/// The text of a file of requirements, with the files that its lines `-r` name in their places.
pub(crate) fn requirements(file: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let one = |line: &str| match line.strip_prefix("-r ") {
        Some(other) => requirements(&file.with_file_name(other.trim())),
        None => Ok(format!("{line}\n")),
    };
    text.lines().map(one).collect()
}

/// What went wrong, and the line that may help.
struct Trouble {
    why: String,
    remedy: String,
}

impl Trouble {
    fn skip(self, name: &str) -> Skip {
        let Trouble { why, remedy } = self;
        Skip { what: format!("Python environment {name:?}"), why, remedy }
    }
}

const STAMP: &str = "requirements.txt";

fn has(folder: &Path, requirements: &str) -> bool {
    // The interpreter behind it may have been removed since.
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|text| text == requirements)
        && is_program(&folder.join("bin/python"))
}

fn make(folder: &Path, options: &[&str], requirements: &str) -> Result<(), Trouble> {
    let without_python =
        |why| Trouble { why, remedy: "apt-get install python3 python3-venv".to_owned() };
    let python =
        on_path("python3").ok_or_else(|| without_python("no python3 on the PATH".into()))?;
    quietly(Command::new(python).args(["-m", "venv"]).args(options).arg(folder))
        .map_err(without_python)?;
    let without_packages = |why| {
        let packages: Vec<&str> = requirements.split_whitespace().collect();
        Trouble { why, remedy: format!("pip install {}", packages.join(" ")) }
    };
    let wanted = folder.join("wanted.txt");
    fs::write(&wanted, requirements).map_err(|error| without_packages(error.to_string()))?;
    let mut install = Command::new(folder.join("bin/python"));
    quietly(install.args(["-m", "pip", "install", "-r"]).arg(&wanted)).map_err(without_packages)?;
    // The stamp comes last: an environment that was cut short is made anew.
    fs::rename(&wanted, folder.join(STAMP)).map_err(|error| without_packages(error.to_string()))
}

/// The folder of this user for things that can be fetched again.
fn cache() -> PathBuf {
    let home = || std::env::home_dir().unwrap_or_else(std::env::temp_dir).join(".cache");
    std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("oxitel")
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_program(file))
}

/// Whether it really starts: a shim of a version manager may stand for a tool that is not there.
fn is_program(file: &Path) -> bool {
    let mut command = Command::new(file);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    file.is_file() && command.status().is_ok_and(|status| status.success())
}

/// Runs a command without showing it; an error is its last line.
pub(crate) fn quietly(command: &mut Command) -> Result<(), String> {
    let output = environment::clean(command)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    let last = said.lines().rev().find(|line| line.to_lowercase().contains("error"));
    Err(last.or(said.lines().last()).unwrap_or("it failed without a word").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_on_the_path_is_used_as_it_is() {
        let cargo = Tool { name: "cargo", version: "0" }.find().unwrap();
        assert!(cargo.ends_with("cargo"), "{}", cargo.display());
    }

    #[test]
    fn what_is_left_out_is_said_in_one_line_with_the_reason_and_the_remedy() {
        let skip = Skip {
            what: "typos".to_owned(),
            why: "no python3 on the PATH".to_owned(),
            remedy: "pip install typos==1.0.0".to_owned(),
        };
        assert_eq!(
            skip.line(),
            "SKIP typos: no python3 on the PATH; to have it: `pip install typos==1.0.0`"
        );
    }

    #[test]
    fn requirements_hold_what_other_files_of_them_say() {
        let folder = std::env::temp_dir().join(format!("oxitel-pins-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("one.txt"), "a==1\n-r two.txt\nb==2\n").unwrap();
        fs::write(folder.join("two.txt"), "c==3").unwrap();
        let text = requirements(&folder.join("one.txt"));
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(text.unwrap(), "a==1\nc==3\nb==2\n");
    }

    #[test]
    fn a_command_that_fails_gives_its_error_line() {
        let error = quietly(Command::new("cargo").arg("no-such-word")).unwrap_err();
        assert!(error.starts_with("error: no such command"), "{error}");
    }
}
