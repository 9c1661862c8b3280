//! A file system in memory that loses power.
//!
//! What was not synced may be there afterwards, or not, or by halves: each sector of a write, each
//! name in a folder for itself. After a failed sync the system believes that the data is safe, as
//! Linux does, and it is not.

use super::super::files::{File, Files};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, MutexGuard};

const SECTOR: usize = 512;

/// A handle on the disk; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Model(Arc<Mutex<World>>);

#[derive(Debug, Default)]
struct World {
    files: Vec<Content>,
    folders: Vec<Folder>,
    locked: Vec<usize>,
    random: u64,
    syncs: u64,
    /// What goes wrong, and after how many calls.
    fault: Option<(u32, Fault)>,
    /// Bytes that the disk has room for.
    room: Option<u64>,
    read_only: bool,
    /// The process ends after so many more calls: none of the later ones happens.
    calls_left: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Write,
    Sync,
    SyncFolder,
    Create,
    Read,
}

#[derive(Clone, Debug, Default)]
struct Content {
    /// As programs see it.
    now: Vec<u8>,
    /// As the disk has it for sure.
    durable: Vec<u8>,
    /// What the next sync writes.
    pending: Vec<Change>,
    /// What a failed sync left: no later one writes it, and nobody knows where it is.
    limbo: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Cut(usize),
}

#[derive(Clone, Debug, Default)]
struct Folder {
    now: BTreeMap<OsString, Node>,
    durable: BTreeMap<OsString, Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    File(usize),
    Folder(usize),
}

#[derive(Debug)]
pub(super) struct Handle {
    disk: Model,
    file: usize,
}

#[derive(Debug)]
pub(super) struct Lock {
    disk: Model,
    file: usize,
}

impl Model {
    pub(super) fn new(seed: u64) -> Self {
        let world = World { folders: vec![Folder::default()], random: seed, ..World::default() };
        Self(Arc::new(Mutex::new(world)))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().expect("no panic inside")
    }

    /// How often a file was synced.
    pub(super) fn syncs(&self) -> u64 {
        self.world().syncs
    }

    /// What is not durable is there afterwards, or not.
    pub(super) fn cut_power(&self) {
        self.world().cut_power();
    }

    /// The call of this kind fails that comes after so many others.
    pub(super) fn fail(&self, after: u32, fault: Fault) {
        self.world().fault = Some((after, fault));
    }

    pub(super) fn set_room(&self, room: Option<u64>) {
        self.world().room = room;
    }

    pub(super) fn set_read_only(&self, read_only: bool) {
        self.world().read_only = read_only;
    }

    pub(super) fn heal(&self) {
        let mut world = self.world();
        world.fault = None;
        world.room = None;
        world.read_only = false;
        world.calls_left = None;
    }

    /// The process ends at the call that comes after so many others that change something.
    pub(super) fn end_after(&self, calls: u32) {
        self.world().calls_left = Some(calls);
    }

    /// Whether it came so far.
    pub(super) fn has_ended(&self) -> bool {
        self.world().calls_left == Some(0)
    }

    /// Changes one byte of one segment; `false` when there is none.
    pub(super) fn corrupt(&self, which: u64, at: u64, to: u8) -> bool {
        let mut world = self.world();
        let segments = world.segments();
        let Some(file) = pick(&segments, which) else { return false };
        let content = &mut world.files[*file];
        if content.now.is_empty() {
            return false;
        }
        let at = at as usize % content.now.len();
        content.now[at] ^= to | 1;
        let changed = content.now[at];
        if let Some(byte) = content.durable.get_mut(at) {
            *byte = changed;
        }
        true
    }

    /// The length of all segments.
    pub(super) fn segment_bytes(&self) -> u64 {
        let world = self.world();
        world.segments().iter().map(|file| world.files[*file].now.len() as u64).sum()
    }

    /// A file as it is, for a test that knows its path.
    pub(super) fn content(&self, path: &str) -> Vec<u8> {
        let world = self.world();
        let Ok(Node::File(file)) = world.find(Path::new(path)) else { panic!("no file {path}") };
        world.files[file].now.clone()
    }

    /// Puts a file there, durable.
    pub(super) fn put(&self, path: &str, bytes: &[u8]) {
        let path = Path::new(path);
        let mut world = self.world();
        let file = world.create(path).expect("a new file");
        world.files[file] =
            Content { now: bytes.into(), durable: bytes.into(), ..Content::default() };
        let folder = world.folder(path.parent().expect("in a folder")).expect("it is there");
        world.folders[folder].durable = world.folders[folder].now.clone();
    }

    /// Names in a folder.
    pub(super) fn names(&self, folder: &str) -> Vec<String> {
        let names = self.list(Path::new(folder)).expect("a folder");
        names.into_iter().map(|name| name.into_string().expect("text")).collect()
    }
}

fn pick<T>(all: &[T], which: u64) -> Option<&T> {
    all.get(usize::try_from(which).ok()?.checked_rem(all.len())?)
}

impl World {
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.random >> 33) ^ self.random >> 13
    }

    fn coin(&mut self) -> bool {
        self.random() & 1 == 0
    }

    fn segments(&self) -> Vec<usize> {
        let names = self.folders.iter().flat_map(|folder| &folder.now);
        let segments = names.filter_map(|(name, node)| match node {
            Node::File(file) if name.to_string_lossy().ends_with(".segment") => Some(*file),
            _ => None,
        });
        segments.collect()
    }

    fn find(&self, path: &Path) -> io::Result<Node> {
        let mut node = Node::Folder(0);
        let mut above = Vec::new();
        for part in path.components() {
            let Node::Folder(folder) = node else { return Err(ErrorKind::NotADirectory.into()) };
            node = match part {
                Component::Normal(name) => {
                    above.push(folder);
                    *self.folders[folder].now.get(name).ok_or(ErrorKind::NotFound)?
                }
                Component::ParentDir => Node::Folder(above.pop().unwrap_or(0)),
                _ => node,
            };
        }
        Ok(node)
    }

    fn folder(&self, path: &Path) -> io::Result<usize> {
        match self.find(path)? {
            Node::Folder(folder) => Ok(folder),
            Node::File(_) => Err(ErrorKind::NotADirectory.into()),
        }
    }

    fn file(&self, path: &Path) -> io::Result<usize> {
        match self.find(path)? {
            Node::File(file) => Ok(file),
            Node::Folder(_) => Err(io::Error::other("a folder")),
        }
    }

    fn create(&mut self, path: &Path) -> io::Result<usize> {
        self.may(Fault::Create, libc::ENOSPC)?;
        self.may_write()?;
        let folder = self.folder(path.parent().expect("in a folder"))?;
        let name = path.file_name().expect("a name").to_owned();
        if self.folders[folder].now.contains_key(&name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.files.push(Content::default());
        let file = self.files.len() - 1;
        self.folders[folder].now.insert(name, Node::File(file));
        Ok(file)
    }

    /// Fails if it is this call's turn.
    fn may(&mut self, call: Fault, code: i32) -> io::Result<()> {
        match &mut self.fault {
            Some((0, fault)) if *fault == call => {
                self.fault = None;
                Err(io::Error::from_raw_os_error(code))
            }
            Some((after, fault)) if *fault == call => {
                *after -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn may_write(&mut self) -> io::Result<()> {
        match &mut self.calls_left {
            Some(0) => return Err(io::Error::from_raw_os_error(libc::EIO)),
            Some(left) => *left -= 1,
            None => {}
        }
        if self.read_only { Err(io::Error::from_raw_os_error(libc::EROFS)) } else { Ok(()) }
    }

    fn used(&self) -> u64 {
        self.files.iter().map(|file| file.now.len() as u64).sum()
    }

    fn write(&mut self, file: usize, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let ends = self.calls_left == Some(1);
        self.may_write()?;
        let failed = self.may(Fault::Write, libc::EIO);
        let failed = failed.and(if ends { Err(ErrorKind::Interrupted.into()) } else { Ok(()) });
        let grown = (offset + bytes.len()).saturating_sub(self.files[file].now.len()) as u64;
        let is_full = self.room.is_some_and(|room| self.used() + grown > room);
        if failed.is_ok() && !is_full {
            self.files[file].apply(Change::Write { offset, bytes: bytes.to_vec() });
            return Ok(());
        }
        // Some of it arrives.
        let part = self.random() as usize % bytes.len().max(1);
        if !is_full || grown == 0 {
            self.files[file].apply(Change::Write { offset, bytes: bytes[..part].to_vec() });
        }
        failed.and(Err(io::Error::from_raw_os_error(libc::ENOSPC)))
    }

    fn sync(&mut self, file: usize) -> io::Result<()> {
        self.may_write()?;
        self.syncs += 1;
        let done = self.may(Fault::Sync, libc::EIO);
        let content = &mut self.files[file];
        let pending = std::mem::take(&mut content.pending);
        if done.is_ok() {
            for change in pending {
                change.to(&mut content.durable);
            }
        } else {
            content.limbo.extend(pending);
        }
        done
    }

    fn cut_power(&mut self) {
        for file in 0..self.files.len() {
            let content = std::mem::take(&mut self.files[file]);
            let mut durable = content.durable;
            let unsure = content.limbo.into_iter().chain(content.pending);
            for change in unsure.flat_map(Change::sectors) {
                if self.coin() {
                    change.to(&mut durable);
                }
            }
            self.files[file] = Content { now: durable.clone(), durable, ..Content::default() };
        }
        for folder in 0..self.folders.len() {
            let Folder { now, mut durable } = std::mem::take(&mut self.folders[folder]);
            let names: Vec<_> = now.keys().chain(durable.keys()).cloned().collect();
            for name in names {
                if self.coin() {
                    match now.get(&name) {
                        Some(node) => durable.insert(name, *node),
                        None => durable.remove(&name),
                    };
                }
            }
            self.folders[folder] = Folder { now: durable.clone(), durable };
        }
    }
}

impl Content {
    fn apply(&mut self, change: Change) {
        change.to(&mut self.now);
        self.pending.push(change);
    }
}

impl Change {
    fn to(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes: new } => {
                let end = offset + new.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*offset..end].copy_from_slice(new);
            }
            Self::Cut(length) => bytes.truncate(*length),
        }
    }

    /// The parts of it that a disk writes at once.
    fn sectors(self) -> Vec<Self> {
        let Self::Write { offset, bytes } = self else { return vec![self] };
        let mut parts = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let end = (at + SECTOR - (offset + at) % SECTOR).min(bytes.len());
            parts.push(Self::Write { offset: offset + at, bytes: bytes[at..end].to_vec() });
            at = end;
        }
        parts
    }
}

impl Files for Model {
    type File = Handle;
    type Lock = Lock;

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let mut world = self.world();
        if world.find(folder).is_ok() {
            return Ok(());
        }
        world.may_write()?;
        let above = world.folder(folder.parent().expect("not the root"))?;
        let new = world.folders.len();
        world.folders.push(Folder::default());
        let name = folder.file_name().expect("a name").to_owned();
        world.folders[above].now.insert(name.clone(), Node::Folder(new));
        world.may(Fault::SyncFolder, libc::EIO)?;
        world.folders[above].durable.insert(name, Node::Folder(new));
        Ok(())
    }

    fn is_own_folder(&self, folder: &Path) -> bool {
        self.world().folder(folder).is_ok()
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let world = self.world();
        Ok(world.folders[world.folder(folder)?].now.keys().cloned().collect())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut world = self.world();
        let folder = world.folder(folder)?;
        world.may_write()?;
        world.may(Fault::SyncFolder, libc::EIO)?;
        world.folders[folder].durable = world.folders[folder].now.clone();
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Handle> {
        let file = self.world().create(path)?;
        Ok(Handle { disk: self.clone(), file })
    }

    fn open(&self, path: &Path) -> io::Result<Handle> {
        let file = self.world().file(path)?;
        Ok(Handle { disk: self.clone(), file })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.may_write()?;
        let file = world.file(path)?;
        let folder = world.folder(path.parent().expect("in a folder"))?;
        world.folders[folder].now.remove(path.file_name().expect("a name"));
        let _ = file;
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        let mut world = self.world();
        let file = match world.file(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => world.create(path)?,
            Err(error) => return Err(error),
        };
        if world.locked.contains(&file) {
            return Ok(None);
        }
        world.locked.push(file);
        drop(world);
        Ok(Some(Lock { disk: self.clone(), file }))
    }
}

impl File for Handle {
    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.world().files[self.file].now.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut world = self.disk.world();
        world.may(Fault::Read, libc::EIO)?;
        let content = &world.files[self.file].now;
        let from = content.get(offset as usize..).unwrap_or_default();
        let count = from.len().min(buffer.len());
        buffer[..count].copy_from_slice(&from[..count]);
        Ok(count)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.world().write(self.file, offset as usize, bytes)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let mut world = self.disk.world();
        world.may_write()?;
        world.files[self.file].apply(Change::Cut(length as usize));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.world().sync(self.file)
    }

    fn has_name(&self) -> io::Result<bool> {
        let world = self.disk.world();
        let mut nodes = world.folders.iter().flat_map(|folder| folder.now.values());
        Ok(nodes.any(|node| *node == Node::File(self.file)))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Ok(mut world) = self.disk.0.lock() {
            world.locked.retain(|file| *file != self.file);
        }
    }
}
