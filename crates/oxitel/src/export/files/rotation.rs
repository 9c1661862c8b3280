//! Old files: how they are called, and which of them go.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Whether the path still leads to the file: another process may have renamed it.
pub(super) fn is_still(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let place = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let (ours, there) = (file.metadata().map(place), fs::metadata(path).map(place));
        matches!((ours, there), (Ok(ours), Ok(there)) if ours == there)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

/// Renames the file to a name that nobody else takes: `traces-1795185487123-42.jsonl`, by time and
/// process. Of two processes that do it at once, one may set a short file aside, and none is lost.
pub(super) fn set_aside(file: &File, path: &Path) -> io::Result<()> {
    if !is_still(file, path) {
        return Ok(());
    }
    let name = free_name(path)?;
    fs::rename(path, &name).or_else(|error| {
        fs::remove_file(&name)?;
        // Another process was faster.
        if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
    })
}

/// A name that nobody has; an empty file holds it, because processes in two containers may have the
/// same number. Its time is later than that of all others, also when the clock stands still or goes
/// back: it is the newest.
fn free_name(path: &Path) -> io::Result<PathBuf> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let newest = old_files(path)?.into_iter().map(|(time, _)| time).max();
    let mut time = newest.map_or(0, |newest| newest.saturating_add(1)).max(now as u64);
    let process = std::process::id();
    let (stem, ending) = parts(path);
    loop {
        let name = path.with_file_name(format!("{stem}-{time:013}-{process}.{ending}"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&name) {
            Ok(_) => return Ok(name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => time += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Removes all old files but so many, the newest.
pub(super) fn keep_newest(path: &Path, keep: usize) -> io::Result<()> {
    let mut old = old_files(path)?;
    // By time: it has the same number of digits in all of them.
    old.sort();
    old.truncate(old.len().saturating_sub(keep));
    old.into_iter().try_for_each(|(_, file)| match fs::remove_file(file) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    })
}

/// The time in the name, and the path.
fn old_files(path: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut old = Vec::new();
    for entry in fs::read_dir(folder.unwrap_or(Path::new(".")))? {
        let found = entry?.path();
        if let Some(time) = time_of(&found, path) {
            old.push((time, found));
        }
    }
    Ok(old)
}

/// The time in the name of a file that [`set_aside`] made of this one; other files are left alone.
fn time_of(found: &Path, path: &Path) -> Option<u64> {
    let (stem, ending) = parts(path);
    let name = found.file_name()?.to_str()?;
    let inner = name.strip_prefix(&format!("{stem}-"))?.strip_suffix(&format!(".{ending}"))?;
    let (time, process) = inner.split_once('-')?;
    process.parse::<u32>().ok()?;
    time.parse().ok()
}

fn parts(path: &Path) -> (String, String) {
    let text = |part: Option<&std::ffi::OsStr>| {
        part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
    };
    (text(path.file_stem()), text(path.extension()))
}
