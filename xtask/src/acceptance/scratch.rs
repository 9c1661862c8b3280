//! A folder for one test: files are written into it, dropping it removes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

pub(super) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // Relaxed: only the number has to differ.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("xtask-acceptance-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("the temporary folder is writable");
        Self { path }
    }

    pub(super) fn file(self, name: &str, text: &str) -> Self {
        let file = self.path.join(name);
        let folder = file.parent().expect("a file name has a folder");
        fs::create_dir_all(folder).expect("the temporary folder is writable");
        fs::write(&file, text).expect("the temporary folder is writable");
        self
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder left behind in the temporary directory changes no result.
        drop(fs::remove_dir_all(&self.path));
    }
}
