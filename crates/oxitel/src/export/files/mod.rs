//! OTLP's JSON in files, a line for each request: the OTLP file exporter of the standard.
//!
//! Flow: aside -> **files** -> `traces.jsonl`, `metrics.jsonl`, `logs.jsonl` in one folder. A file
//! that is large enough is renamed by `rotation`, and a new one is begun.

mod rotation;
#[cfg(test)]
mod tests;

use super::SignalKind;
use super::exporter::{ExportError, Exporter, Request};
use rotation::{is_still, keep_newest, set_aside};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Files that telemetry is written to; see [`Config::files`](crate::Config::files).
///
/// Each signal has a file of its own, as the standard demands: `traces.jsonl`, `metrics.jsonl` and
/// `logs.jsonl`. Each line is one request, `TracesData`, `MetricsData` or `LogsData` in OTLP's
/// JSON. The folder is made if need be; files can be read by their owner only.
///
/// Several processes may write to the same folder: lines are appended, each by one write, and
/// whoever finds its file renamed opens the new one. Lines that a crash cut off stay as they are;
/// the next one begins on a line of its own.
///
/// A line is written, and so delivered, once the system has it: it survives the end of the process
/// in any way, and a power failure from the end of telemetry on, when files are synchronised. A
/// full disk is waited for as long as the export timeout; then the records are counted as lost.
///
/// ```
/// use oxitel::Config;
/// use oxitel::export::Files;
///
/// let config = Config::default().files(Files::new("/var/log/shop").rotate_at(8 << 20).keep(5));
/// # drop(config);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    folder: PathBuf,
    rotate_at: u64,
    keep: usize,
}

impl Files {
    /// Files in this folder. A relative path counts from where the program is when it writes for
    /// the first time.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), rotate_at: 64 << 20, keep: 3 }
    }

    /// Begins a new file before one grows beyond so many bytes, unless one line alone does.
    /// Default 64 MiB.
    #[must_use]
    pub fn rotate_at(mut self, bytes: u64) -> Self {
        self.rotate_at = bytes;
        self
    }

    /// Keeps so many old files of each signal, the newest. Default 3.
    #[must_use]
    pub fn keep(mut self, old_files: usize) -> Self {
        self.keep = old_files;
        self
    }

    /// The one of these files that the signal goes to.
    pub(crate) fn exporter(&self, signal: SignalKind) -> Writer {
        let path = self.folder.join(format!("{signal}.jsonl"));
        Writer { files: self.clone(), path, file: None }
    }
}

impl From<&str> for Files {
    fn from(folder: &str) -> Self {
        Self::new(folder)
    }
}

impl From<&Path> for Files {
    fn from(folder: &Path) -> Self {
        Self::new(folder)
    }
}

impl From<PathBuf> for Files {
    fn from(folder: PathBuf) -> Self {
        Self::new(folder)
    }
}

/// Writes one of the files.
#[derive(Debug)]
pub(crate) struct Writer {
    files: Files,
    path: PathBuf,
    file: Option<File>,
}

impl Exporter for Writer {
    fn export(&mut self, request: &Request<'_>) -> Result<(), ExportError> {
        let mut line = request.to_json();
        line.push('\n');
        self.append(line.as_bytes()).map_err(|error| {
            // After a write that failed half-way the end of the file is looked at again.
            self.file = None;
            let reason = format!("{}: {error}", self.path.display());
            ExportError::TryAgain { after: None, reason }
        })
    }

    fn shutdown(&mut self) {
        if let Some(file) = &self.file {
            // Whoever cannot synchronise has the lines written all the same.
            let _ = file.sync_data();
        }
    }
}

impl Writer {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let mut file = match self.file.take() {
            Some(file) if is_still(&file, &self.path) => file,
            _ => open(&self.files.folder, &self.path)?,
        };
        let length = file.metadata()?.len();
        if length > 0 && length + line.len() as u64 > self.files.rotate_at {
            file.sync_data()?;
            set_aside(&file, &self.path)?;
            keep_newest(&self.path, self.files.keep)?;
            file = open(&self.files.folder, &self.path)?;
        }
        append(&mut file, line)?;
        self.file = Some(file);
        Ok(())
    }
}

/// The file, whose next byte begins a line.
fn open(folder: &Path, path: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    if !ends_in_a_line(&mut file)? {
        file.write_all(b"\n")?;
    }
    Ok(file)
}

fn ends_in_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// One write: others may append to the same file. What a full disk took of a line is taken back,
/// unless somebody wrote behind it.
fn append(file: &mut File, line: &[u8]) -> io::Result<()> {
    let before = file.metadata()?.len();
    let mut written = 0;
    while written < line.len() {
        match file.write(&line[written..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                take_back(file, before, written)?;
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Takes away what was written at `before`, if the file ends there.
fn take_back(file: &File, before: u64, written: usize) -> io::Result<()> {
    let end = before + written as u64;
    if written > 0 && file.metadata()?.len() == end {
        file.set_len(before)?;
    }
    Ok(())
}
