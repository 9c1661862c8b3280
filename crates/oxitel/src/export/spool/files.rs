//! What the spool wants of a file system, and the real one.
//!
//! Nothing here is durable before it is synced: a file's bytes by [`File::sync`], its name by
//! [`Files::sync_folder`].

use std::ffi::OsString;
use std::fmt::Debug;
use std::io;
use std::path::Path;

/// A file system.
pub(crate) trait Files: Clone + Debug + Send + 'static {
    type File: File;
    /// Held by one owner at a time; freed by its drop, or with the process.
    type Lock: Debug + Send;

    /// Makes a folder for this user alone, and the folders above it. A name that is taken is no
    /// error, whatever it stands for.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;
    /// Whether it is a folder, no link to one, and belongs to this user.
    fn is_own_folder(&self, folder: &Path) -> bool;
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>>;
    /// Makes the names in the folder durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// A new file for this user alone.
    fn create(&self, path: &Path) -> io::Result<Self::File>;
    /// A file that is there; no link, no device.
    fn open(&self, path: &Path) -> io::Result<Self::File>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Takes the lock that the file stands for; `None` when somebody else has it.
    fn lock(&self, path: &Path) -> io::Result<Option<Self::Lock>>;
}

/// An open file.
pub(crate) trait File: Debug + Send {
    fn length(&self) -> io::Result<u64>;
    /// Fills the buffer, or as much of it as there is.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// Writes all of it. After an error, part of it may be there.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// Makes the bytes durable. After an error nobody knows which ones are, and asking again is
    /// no help: the system may have forgotten that they were not.
    fn sync(&mut self) -> io::Result<()>;
    /// Whether the file still has a name.
    fn has_name(&self) -> io::Result<bool>;
}

#[cfg(unix)]
mod disk {
    use super::{File, Files};
    use crate::pipeline::os::{self, FileLock};
    use std::ffi::OsString;
    use std::fs::{self, DirBuilder, OpenOptions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
    use std::path::Path;

    /// The real file system.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Disk;

    impl Files for Disk {
        type File = fs::File;
        type Lock = FileLock;

        fn make_folder(&self, folder: &Path) -> io::Result<()> {
            if folder.is_dir() {
                return Ok(());
            }
            if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
                self.make_folder(above)?;
            }
            match DirBuilder::new().mode(0o700).create(folder) {
                // Another process was faster, or the name is something else's.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                made => made.and_then(|()| self.sync_folder(&folder.join(".."))),
            }
        }

        fn is_own_folder(&self, folder: &Path) -> bool {
            let found = folder.symlink_metadata();
            found.is_ok_and(|found| found.is_dir() && found.uid() == os::user())
        }

        fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
            fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
        }

        fn sync_folder(&self, folder: &Path) -> io::Result<()> {
            fs::File::open(folder)?.sync_all()
        }

        fn create(&self, path: &Path) -> io::Result<fs::File> {
            OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
        }

        fn open(&self, path: &Path) -> io::Result<fs::File> {
            let mut options = OpenOptions::new();
            // Without the second flag, opening a pipe waits for its other end.
            options.read(true).write(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
            let file = options.open(path)?;
            if file.metadata()?.is_file() {
                return Ok(file);
            }
            Err(io::Error::other("not a regular file"))
        }

        fn remove(&self, path: &Path) -> io::Result<()> {
            fs::remove_file(path)
        }

        fn lock(&self, path: &Path) -> io::Result<Option<FileLock>> {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            FileLock::take(options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?)
        }
    }

    impl File for fs::File {
        fn length(&self) -> io::Result<u64> {
            Ok(self.metadata()?.len())
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
            let mut filled = 0;
            while filled < buffer.len() {
                let more = FileExt::read_at(self, &mut buffer[filled..], offset + filled as u64);
                match more {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(filled)
        }

        fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
            self.write_all_at(bytes, offset)
        }

        fn cut(&mut self, length: u64) -> io::Result<()> {
            self.set_len(length)
        }

        fn sync(&mut self) -> io::Result<()> {
            self.sync_data()
        }

        fn has_name(&self) -> io::Result<bool> {
            Ok(self.metadata()?.nlink() > 0)
        }
    }
}

/// Systems without folders that can be synced have no spool.
#[cfg(not(unix))]
mod disk {
    use super::{File, Files};
    use crate::pipeline::os::FileLock;
    use std::ffi::OsString;
    use std::fs;
    use std::io::{self, ErrorKind::Unsupported};
    use std::path::Path;

    /// The real file system, which this version cannot use here.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Disk;

    impl Files for Disk {
        type File = fs::File;
        type Lock = FileLock;

        fn make_folder(&self, _: &Path) -> io::Result<()> {
            Err(Unsupported.into())
        }

        fn is_own_folder(&self, _: &Path) -> bool {
            false
        }

        fn list(&self, _: &Path) -> io::Result<Vec<OsString>> {
            Err(Unsupported.into())
        }

        fn sync_folder(&self, _: &Path) -> io::Result<()> {
            Err(Unsupported.into())
        }

        fn create(&self, _: &Path) -> io::Result<fs::File> {
            Err(Unsupported.into())
        }

        fn open(&self, _: &Path) -> io::Result<fs::File> {
            Err(Unsupported.into())
        }

        fn remove(&self, _: &Path) -> io::Result<()> {
            Err(Unsupported.into())
        }

        fn lock(&self, _: &Path) -> io::Result<Option<FileLock>> {
            Err(Unsupported.into())
        }
    }

    impl File for fs::File {
        fn length(&self) -> io::Result<u64> {
            Err(Unsupported.into())
        }

        fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<usize> {
            Err(Unsupported.into())
        }

        fn write_at(&mut self, _: u64, _: &[u8]) -> io::Result<()> {
            Err(Unsupported.into())
        }

        fn cut(&mut self, _: u64) -> io::Result<()> {
            Err(Unsupported.into())
        }

        fn sync(&mut self) -> io::Result<()> {
            Err(Unsupported.into())
        }

        fn has_name(&self) -> io::Result<bool> {
            Err(Unsupported.into())
        }
    }
}

pub(crate) use disk::Disk;
