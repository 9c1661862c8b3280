//! Batches on the disk: what was accepted survives the process, and the power.
//!
//! Flow: outlet -> `keeper` (a thread) -> **spool** -> `writer` -> segment files, and back by
//! `slot` and `walk`, the oldest first. A batch counts as accepted after [`Spool::sync`]; it is
//! handed out until somebody says [`Spool::done`], in this process or a later one.

#[cfg(any(test, feature = "testing"))]
mod bytes;
mod files;
mod format;
mod keeper;
mod shelf;
mod slot;
mod walk;
mod writer;

#[cfg(test)]
mod tests;

#[cfg(feature = "testing")]
pub(crate) use bytes::read;
pub(crate) use files::Disk;
pub(crate) use keeper::{Keeper, Keepers, NotKept, State, Unreadable};
pub(crate) use slot::Stored;

use super::BatchId;
use crate::pipeline::seed;
use files::Files;
use format::{HEAD, RECORDS_AT};
use slot::{Count, Opened, Recovered, Slot, has_segments};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use walk::MAX_REQUEST;
use writer::{Entry, Writer, Written};

/// So many processes can share a folder.
const SLOTS: u32 = 256;

/// The file in a slot that its owner locks.
const LOCK: &str = "lock";

/// How much a spool may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) quota_bytes: u64,
    pub(crate) segment_bytes: u64,
}

impl Options {
    /// Segments small enough that a full one is soon free again.
    pub(crate) fn of(quota_bytes: u64) -> Self {
        Self { quota_bytes, segment_bytes: (8 << 20).min(quota_bytes / 8) }
    }
}

/// Why a batch was not taken.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The spool holds as much as it may.
    Quota,
    /// It could never hold it.
    TooLarge,
    Io(io::Error),
}

/// The batches that a process keeps in a folder.
///
/// The folder has slots, `0` and up, each for one process at a time. A process takes the first
/// free one, and then one after the other of those that dead processes left behind full.
#[derive(Debug)]
pub(crate) struct Spool<F: Files> {
    files: F,
    folder: PathBuf,
    options: Options,
    own: Slot<F>,
    adopted: Option<Slot<F>>,
    writer: Option<Writer<F>>,
    /// Batches that were written and will never be synced.
    unsafe_ones: Vec<BatchId>,
    /// Why not.
    trouble: Option<io::Error>,
    /// What was there already, here and in adopted slots.
    recovered: Recovered,
    /// What adopted slots lost before they were given up.
    lost_elsewhere: Count,
    /// There are files of a newer version.
    newer_seen: bool,
    /// Slots that were looked at in vain, and the names in them: they are not looked at twice.
    barren: BTreeMap<u32, Vec<OsString>>,
}

/// The batches that a sync was to make durable and did not.
#[derive(Debug, Default)]
pub(crate) struct Synced {
    pub(crate) lost: Vec<BatchId>,
    pub(crate) trouble: Option<io::Error>,
}

impl<F: Files> Spool<F> {
    /// Takes a slot of the folder, with everything that is in it.
    pub(crate) fn open(files: F, folder: &Path, options: Options) -> io::Result<Self> {
        files.make_folder(folder)?;
        let (own, recovered, newer_seen) = take_slot(&files, folder)?;
        // Names of slots, and of the folder itself, if another process had no time for it.
        files.sync_folder(folder)?;
        sync_above(&files, folder)?;
        let mut spool = Self {
            files,
            folder: folder.to_owned(),
            options,
            own,
            adopted: None,
            writer: None,
            unsafe_ones: Vec::new(),
            trouble: None,
            recovered,
            lost_elsewhere: Count::default(),
            newer_seen,
            barren: BTreeMap::new(),
        };
        spool.own.tidy(&spool.files);
        spool.adopt();
        Ok(spool)
    }

    /// Writes the batch. It is not durable before [`Spool::sync`].
    pub(crate) fn append(&mut self, entry: &Entry<'_>) -> Result<(), Refused> {
        let whole = HEAD as u64 + entry.length();
        let is_too_large = RECORDS_AT + whole > self.options.quota_bytes;
        if is_too_large || entry.length() > MAX_REQUEST {
            return Err(Refused::TooLarge);
        }
        if !self.has_room(whole) {
            self.recycle();
            if !self.has_room(whole) {
                return Err(Refused::Quota);
            }
        }
        self.write(entry, whole).map_err(Refused::Io)
    }

    /// Makes everything durable that was written so far, and says what could not be.
    pub(crate) fn sync(&mut self) -> Synced {
        self.sync_writer();
        Synced { lost: std::mem::take(&mut self.unsafe_ones), trouble: self.trouble.take() }
    }

    /// The oldest batch that is not done, read back from the disk; those of dead processes first.
    pub(crate) fn oldest(&mut self) -> io::Result<Option<Stored>> {
        while let Some(adopted) = &mut self.adopted {
            if let Some(stored) = adopted.oldest(&self.files)? {
                return Ok(Some(stored));
            }
            self.lost_elsewhere.add(adopted.lost);
            self.adopted = None;
            self.adopt();
        }
        let oldest = self.own.oldest(&self.files);
        self.let_go_of_lost_writer();
        oldest
    }

    /// The batch is dealt with and never comes again, but after a crash, perhaps, under its own
    /// name. `false` when it is not the oldest one.
    pub(crate) fn done(&mut self, id: BatchId) -> bool {
        let adopted = self.adopted.as_mut().is_some_and(|slot| slot.done(&self.files, id));
        adopted || self.own.done(&self.files, id)
    }

    /// Takes over the slot of a process that is gone and left batches behind, unless one is taken
    /// over already.
    pub(crate) fn adopt(&mut self) {
        for number in 0..SLOTS {
            if self.adopted.is_some() {
                return;
            }
            self.adopt_slot(number);
        }
    }

    fn adopt_slot(&mut self, number: u32) {
        let folder = self.folder.join(number.to_string());
        if folder == self.own.folder || !self.files.is_own_folder(&folder) {
            return;
        }
        // A folder that cannot be read now can wait for the next time.
        let Ok(names) = self.names(&folder) else { return };
        if !has_segments(&names) || self.barren.get(&number) == Some(&names) {
            return;
        }
        let Ok(Some(opened)) = open_slot(&self.files, folder.clone()) else { return };
        self.barren.remove(&number);
        match opened {
            Opened::Ours(mut slot, recovered) => {
                self.recovered.add(recovered);
                slot.tidy(&self.files);
                if slot.left().batches > 0 {
                    self.adopted = Some(slot);
                    return;
                }
            }
            Opened::Newer => self.newer_seen = true,
        }
        self.barren.insert(number, self.names(&folder).unwrap_or_default());
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let mut names = self.files.list(folder)?;
        names.sort_unstable();
        Ok(names)
    }

    /// Makes it durable what is done, for an orderly end.
    pub(crate) fn sync_marks(&mut self) -> io::Result<()> {
        let adopted = self.adopted.as_mut().map_or(Ok(()), Slot::sync_marks);
        self.own.sync_marks().and(adopted)
    }

    /// What waits.
    pub(crate) fn left(&self) -> Count {
        let mut left = self.own.left();
        self.adopted.iter().for_each(|slot| left.add(slot.left()));
        left
    }

    /// What was found, and could not be read, in slots that were taken over.
    pub(crate) fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// What was there once and could not be read back.
    pub(crate) fn lost(&self) -> Count {
        let mut lost = self.lost_elsewhere;
        lost.add(self.own.lost);
        self.adopted.iter().for_each(|slot| lost.add(slot.lost));
        lost
    }

    /// Whether files of a newer version lie in the folder.
    pub(crate) fn has_newer_files(&self) -> bool {
        self.newer_seen
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.own.bytes() + self.adopted.as_ref().map_or(0, Slot::bytes)
    }

    fn has_room(&self, whole: u64) -> bool {
        let start = if self.fitting_writer(whole).is_some() { 0 } else { RECORDS_AT };
        self.bytes() + start + whole <= self.options.quota_bytes
    }

    fn fitting_writer(&self, whole: u64) -> Option<&Writer<F>> {
        let fits = |writer: &&Writer<F>| {
            writer.length == RECORDS_AT || writer.length + whole <= self.options.segment_bytes
        };
        self.writer.as_ref().filter(fits)
    }

    /// Frees the segment that is being written when everything in it is done.
    fn recycle(&mut self) {
        let is_new = |writer: &Writer<F>| writer.length == RECORDS_AT;
        let is_over = self.own.segments.back().is_some_and(|segment| segment.left.batches == 0);
        if is_over && !self.writer.as_ref().is_some_and(is_new) {
            self.seal();
        }
    }

    fn write(&mut self, entry: &Entry<'_>, whole: u64) -> io::Result<()> {
        if self.fitting_writer(whole).is_none() {
            self.seal();
            self.begin_segment()?;
        }
        let Some(writer) = &mut self.writer else { return Err(io::Error::other("no segment")) };
        let written = writer.append(entry);
        let length = writer.length;
        let is_clean = written.is_ok() || writer.cut_off(length).is_ok();
        if let Some(segment) = self.own.segments.back_mut() {
            segment.bytes = if is_clean { length } else { length + whole };
        }
        if !is_clean {
            self.seal();
        }
        written
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        let (number, key) = (self.own.next_number(), seed());
        let writer = Writer::create(&self.files, &self.own.path(number), number, key)?;
        self.own.begin(number, writer.length, key);
        self.writer = Some(writer);
        Ok(())
    }

    /// Ends the segment that is being written.
    fn seal(&mut self) {
        self.sync_writer();
        if self.writer.take().is_some()
            && let Some(segment) = self.own.segments.back_mut()
        {
            segment.is_sealed = true;
        }
        self.own.tidy(&self.files);
    }

    fn sync_writer(&mut self) {
        let Some(writer) = self.writer.as_mut().filter(|writer| !writer.unsynced.is_empty()) else {
            return;
        };
        match writer.sync(&self.files, &self.own.folder) {
            Ok(()) => {
                let Some(segment) = self.own.segments.back_mut() else { return };
                segment.end = writer.length;
                for Written { records, .. } in writer.unsynced.drain(..) {
                    segment.left.add(Count { batches: 1, records });
                }
            }
            Err(error) => self.give_up_unsynced(error),
        }
    }

    /// After a failed sync nobody knows what is on the disk, and another sync would not tell: the
    /// segment ends where it was durable.
    fn give_up_unsynced(&mut self, error: io::Error) {
        let Some(mut writer) = self.writer.take() else { return };
        self.unsafe_ones.extend(writer.unsynced.iter().map(|written| written.id));
        self.trouble = Some(error);
        if let Some(segment) = self.own.segments.back_mut() {
            segment.is_sealed = true;
            // If that fails, too, the batches may come again after a restart, under their names.
            if writer.cut_off(segment.end).is_ok() {
                segment.bytes = segment.end;
            }
        }
        self.own.tidy(&self.files);
    }

    /// A segment that was removed under our hands takes no more batches.
    fn let_go_of_lost_writer(&mut self) {
        let last = self.own.segments.back().filter(|segment| !segment.is_sealed);
        let is_lost = |writer: &mut Writer<F>| last.is_none_or(|it| it.number != writer.number);
        if let Some(writer) = self.writer.take_if(is_lost) {
            self.unsafe_ones.extend(writer.unsynced.iter().map(|written| written.id));
        }
    }
}

impl Recovered {
    pub(crate) fn add(&mut self, more: Self) {
        self.batches += more.batches;
        self.records = self.records.saturating_add(more.records);
        self.bytes += more.bytes;
        self.damaged += more.damaged;
    }
}

/// The first slot that nobody has; `true` beside it when there is one of a newer version.
fn take_slot<F: Files>(files: &F, folder: &Path) -> io::Result<(Slot<F>, Recovered, bool)> {
    let mut newer_seen = false;
    let mut trouble = io::Error::other("every slot of the folder is in use");
    for number in 0..SLOTS {
        let folder = folder.join(number.to_string());
        files.make_folder(&folder)?;
        // Somebody may have put something else there, or it is another user's.
        if !files.is_own_folder(&folder) {
            continue;
        }
        match open_slot(files, folder) {
            Ok(Some(Opened::Ours(slot, recovered))) => return Ok((slot, recovered, newer_seen)),
            Ok(Some(Opened::Newer)) => newer_seen = true,
            Ok(None) => {}
            Err(error) if is_about_names(&error) => trouble = error,
            Err(error) => return Err(error),
        }
    }
    Err(trouble)
}

/// `None` when another process has it.
fn open_slot<F: Files>(files: &F, folder: PathBuf) -> io::Result<Option<Opened<F>>> {
    let Some(lock) = files.lock(&folder.join(LOCK))? else { return Ok(None) };
    Slot::open(files, folder, lock).map(Some)
}

/// Whether another slot may do better.
fn is_about_names(error: &io::Error) -> bool {
    use io::ErrorKind::{IsADirectory, NotADirectory, NotFound, PermissionDenied};
    let odd = error.raw_os_error().is_some_and(|code| [libc::ELOOP, libc::ENXIO].contains(&code));
    odd || matches!(error.kind(), IsADirectory | NotADirectory | NotFound | PermissionDenied)
}

/// Makes the folder's own name durable.
fn sync_above<F: Files>(files: &F, folder: &Path) -> io::Result<()> {
    match files.sync_folder(&folder.join("..")) {
        // Who may not read the folder above did not make this one.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}
