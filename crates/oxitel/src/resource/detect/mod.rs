//! What can be found out about a process on the spot: files of the system and variables, never
//! the network. What is not there is left out.

mod container;
mod kubernetes;
mod os;

use crate::config::Detector;
use std::cell::OnceCell;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Where detectors look.
pub(crate) struct Surroundings<'a> {
    /// In the place of `/`.
    pub(crate) root: &'a Path,
    pub(crate) variable: &'a dyn Fn(&str) -> Option<String>,
    /// The program's file.
    pub(crate) executable: Option<PathBuf>,
    /// The word that started it.
    pub(crate) command: Option<String>,
    /// Two detectors want to know the container's id, and its files are long.
    pub(crate) container_id: OnceCell<Option<String>>,
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Detected {
    pub(crate) attributes: Vec<(&'static str, String)>,
    /// The id of the process differs in a forked child: it is looked up when it is sent.
    pub(crate) tells_process: bool,
}

/// What these detectors find around this process.
pub(crate) fn here(detectors: &[Detector]) -> Detected {
    let surroundings = Surroundings {
        root: Path::new("/"),
        variable: &|name| std::env::var(name).ok(),
        executable: std::env::current_exe().ok(),
        command: std::env::args_os().next().and_then(|word| word.into_string().ok()),
        container_id: OnceCell::new(),
    };
    surroundings.detect(detectors)
}

impl Surroundings<'_> {
    pub(crate) fn detect(&self, detectors: &[Detector]) -> Detected {
        let mut detected = Detected::default();
        for detector in detectors {
            let found = match detector {
                Detector::Process => {
                    detected.tells_process = true;
                    self.process()
                }
                Detector::Host => self.host(),
                Detector::Os => os::detect(self),
                Detector::Container => container::detect(self),
                Detector::Kubernetes => kubernetes::detect(self),
            };
            for (key, value) in found {
                // Twice the same detector says nothing new.
                let is_new = detected.attributes.iter().all(|(known, _)| *known != key);
                if let Some(value) = value.filter(|value| is_new && !value.is_empty()) {
                    detected.attributes.push((key, value));
                }
            }
        }
        detected
    }

    /// The arguments are left out: people pass secrets in them.
    fn process(&self) -> Found {
        let path = self.executable.as_deref();
        let name = path.and_then(|path| path.file_name()?.to_str());
        vec![
            ("process.executable.name", name.map(str::to_owned)),
            ("process.executable.path", path.and_then(Path::to_str).map(str::to_owned)),
            ("process.command", self.command.clone()),
            ("process.runtime.name", Some("rustc".to_owned())),
            ("process.runtime.version", option_env!("OXITEL_RUSTC_VERSION").map(str::to_owned)),
        ]
    }

    fn host(&self) -> Found {
        let name = ["proc/sys/kernel/hostname", "etc/hostname"];
        let variables = ["HOSTNAME", "COMPUTERNAME"];
        vec![
            ("host.name", self.first_line_of(&name).or_else(|| self.first_variable(&variables))),
            ("host.arch", architecture().map(str::to_owned)),
            ("host.id", self.machine_id()),
        ]
    }

    /// Of a machine only: many containers start from one image, with one id in it.
    fn machine_id(&self) -> Option<String> {
        let is_contained = container::id(self).is_some()
            || kubernetes::is_here(self)
            || self.root.join(".dockerenv").exists();
        let files = ["etc/machine-id", "var/lib/dbus/machine-id"];
        let id = self.first_line_of(&files).filter(|_| !is_contained)?;
        (id.len() == 32 && is_hex(&id)).then_some(id)
    }

    fn first_line_of(&self, files: &[&str]) -> Option<String> {
        files.iter().find_map(|file| {
            let text = self.read(file)?;
            let line = text.lines().next()?.trim();
            (!line.is_empty()).then(|| line.to_owned())
        })
    }

    fn first_variable(&self, names: &[&str]) -> Option<String> {
        let values = names.iter().filter_map(|name| (self.variable)(name));
        values.map(|value| value.trim().to_owned()).find(|value| !value.is_empty())
    }

    /// The beginning of a file below the root, if there is one.
    fn read(&self, file: &str) -> Option<String> {
        // Most are shorter: one read, and one that finds the end.
        let mut bytes = Vec::with_capacity(4096);
        let path = self.root.join(file);
        // A pipe or a device in the place of a file might never answer.
        if !path.metadata().ok()?.is_file() {
            return None;
        }
        File::open(path).ok()?.take(LONGEST_FILE).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Attributes, with a value where there is one.
type Found = Vec<(&'static str, Option<String>)>;

const LONGEST_FILE: u64 = 1 << 20;

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// In the conventions' words.
fn architecture() -> Option<&'static str> {
    Some(match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "x86" => "x86",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        "s390x" => "s390x",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
