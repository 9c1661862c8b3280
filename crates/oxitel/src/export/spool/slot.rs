//! A folder of segments that one process owns, and the way through them from the oldest batch to
//! the newest.

use super::files::{File, Files};
use super::format::{Head, MARKS_AT, Mark};
use super::walk::{Contents, Cursor, Next, Survey, request, survey};
use crate::export::{BatchId, SignalKind};
use bytes::Bytes;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// A disk that cannot read a place now may be able to later, but nobody waits for ever.
const ATTEMPTS: u8 = 3;

#[derive(Debug)]
pub(super) struct Slot<F: Files> {
    pub(super) folder: PathBuf,
    /// Held as long as the slot is ours.
    _lock: F::Lock,
    /// The oldest first; the last one may be growing.
    pub(super) segments: VecDeque<Segment>,
    /// Bytes of files that are over and could not be removed.
    stuck_bytes: u64,
    reading: Option<Reading<F::File>>,
    next_number: u64,
    /// Reads that failed one after the other.
    failures: u8,
    /// What could not be read back although it was there before.
    pub(super) lost: Count,
}

/// A file of batches.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) bytes: u64,
    /// Up to here it is durable.
    pub(super) end: u64,
    pub(super) left: Count,
    /// Everything before is dealt with.
    cursor: Cursor,
    /// So many of the batches behind were damaged before they were counted in `left`.
    damaged: u64,
    /// Nothing is added any more.
    pub(super) is_sealed: bool,
}

/// A number of batches, and of the records in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) batches: u64,
    pub(crate) records: u64,
}

/// The oldest segment, opened.
#[derive(Debug)]
struct Reading<File> {
    file: File,
    cursor: Cursor,
    /// The batch that was handed out last.
    handed: Option<(Head, u64)>,
    /// The batch that could not be read at the last attempt.
    failing: Option<(Head, u64)>,
    marks: usize,
}

/// A batch as it comes back from the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) id: BatchId,
    pub(crate) signal: SignalKind,
    pub(crate) records: u64,
    /// The request.
    pub(crate) bytes: Bytes,
}

/// What a slot held when it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recovered {
    pub(crate) batches: u64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    /// Batches that cannot be read any more.
    pub(crate) damaged: u64,
}

/// How opening a slot ended.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives as long as one call")]
pub(super) enum Opened<F: Files> {
    Ours(Slot<F>, Recovered),
    /// It has files that a newer program wrote; they stay as they are.
    Newer,
}

impl<F: Files> Slot<F> {
    /// Looks at everything that is there and changes nothing: who opens it may fail after this.
    pub(super) fn open(files: &F, folder: PathBuf, lock: F::Lock) -> io::Result<Opened<F>> {
        let mut slot = Self {
            segments: VecDeque::new(),
            stuck_bytes: 0,
            reading: None,
            next_number: 1,
            failures: 0,
            lost: Count::default(),
            _lock: lock,
            folder,
        };
        let mut recovered = Recovered::default();
        for number in slot.numbers(files)? {
            slot.next_number = number.saturating_add(1);
            match slot.look_at(files, number) {
                Ok((Survey::Newer { .. }, _)) => return Ok(Opened::Newer),
                Ok((Survey::Ours(contents), length)) => {
                    slot.take_over(number, &contents, length, &mut recovered);
                }
                Ok((Survey::Foreign, _)) => {}
                // It stays there for another start, when it may be readable again.
                Err(_) => recovered.damaged += 1,
            }
        }
        Ok(Opened::Ours(slot, recovered))
    }

    /// The segments' numbers in order.
    fn numbers(&self, files: &F) -> io::Result<Vec<u64>> {
        let names = files.list(&self.folder)?;
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| number(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn look_at(&self, files: &F, number: u64) -> io::Result<(Survey, u64)> {
        let file = files.open(&self.path(number))?;
        let length = file.length()?;
        Ok((survey(&file, length)?, length))
    }

    fn take_over(
        &mut self,
        number: u64,
        contents: &Contents,
        bytes: u64,
        recovered: &mut Recovered,
    ) {
        recovered.damaged += contents.damaged;
        recovered.batches += contents.batches;
        recovered.records = recovered.records.saturating_add(contents.records);
        recovered.bytes += bytes;
        let left = Count { batches: contents.batches, records: contents.records };
        let cursor = contents.cursor;
        self.segments.push_back(Segment {
            number,
            bytes,
            end: bytes,
            left,
            cursor,
            damaged: contents.damaged,
            is_sealed: true,
        });
    }

    /// The number of a segment that is about to be made.
    pub(super) fn next_number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number = number.saturating_add(1);
        number
    }

    /// Adds a segment that has just been made.
    pub(super) fn begin(&mut self, number: u64, length: u64, key: u64) {
        self.segments.push_back(Segment {
            number,
            bytes: length,
            end: length,
            left: Count::default(),
            cursor: Cursor { at: length, ordinal: 0, key: Some(key) },
            damaged: 0,
            is_sealed: false,
        });
    }

    pub(super) fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:016x}.segment"))
    }

    pub(super) fn bytes(&self) -> u64 {
        self.stuck_bytes + self.segments.iter().map(|segment| segment.bytes).sum::<u64>()
    }

    pub(super) fn left(&self) -> Count {
        let mut left = Count::default();
        self.segments.iter().for_each(|segment| left.add(segment.left));
        left
    }

    /// The oldest batch that is not done; the same one until it is.
    pub(super) fn oldest(&mut self, files: &F) -> io::Result<Option<Stored>> {
        while self.segments.front().is_some_and(|segment| segment.left.batches > 0) {
            match self.read(files) {
                Ok(Some(stored)) => return Ok(Some(stored)),
                // Whatever was to come is damaged.
                Ok(None) => self.lose_rest(files, false),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.lose_rest(files, false);
                }
                Err(error) if self.is_worth_another_try(&error) => return Err(error),
                Err(_) => self.lose_unreadable(files),
            }
        }
        Ok(None)
    }

    /// Opens the oldest segment if need be and reads its next batch.
    fn read(&mut self, files: &F) -> io::Result<Option<Stored>> {
        let Some(segment) = self.segments.front_mut() else { return Ok(None) };
        let path = self.folder.join(format!("{:016x}.segment", segment.number));
        let reading = match &mut self.reading {
            Some(reading) => reading,
            none => none.insert(Reading::open(files, &path, segment.cursor)?),
        };
        let found = reading.next(segment.end)?;
        self.failures = 0;
        Ok(found)
    }

    fn is_worth_another_try(&mut self, error: &io::Error) -> bool {
        // Out of descriptors or memory: that says nothing of the file.
        if error.raw_os_error().is_some_and(is_of_the_process) {
            return true;
        }
        self.failures += 1;
        self.failures < ATTEMPTS
    }

    /// Goes on without a batch that cannot be read, or without the whole file.
    fn lose_unreadable(&mut self, files: &F) {
        self.failures = 0;
        let is_behind_it = self.reading.as_mut().is_some_and(Reading::skip);
        if !is_behind_it {
            self.lose_rest(files, true);
        }
    }

    /// Gives up what is left of the oldest segment. If it `stays`, another start may read it.
    fn lose_rest(&mut self, files: &F, stays: bool) {
        self.failures = 0;
        self.reading = None;
        let Some(mut segment) = self.segments.pop_front() else { return };
        self.lost.add(segment.left);
        if stays {
            self.stuck_bytes += segment.bytes;
        } else {
            segment.left = Count::default();
            segment.is_sealed = true;
            self.segments.push_front(segment);
        }
        self.tidy(files);
    }

    /// The batch that was handed out is dealt with. `false` when it was another one.
    pub(super) fn done(&mut self, files: &F, id: BatchId) -> bool {
        let (Some(segment), Some(reading)) = (self.segments.front_mut(), &mut self.reading) else {
            return false;
        };
        let Some((head, at)) = reading.handed.take_if(|(head, _)| head.id == id) else {
            return false;
        };
        segment.left.subtract(Count { batches: 1, records: head.records });
        self.lost.batches += segment.skip_to(&head);
        reading.pass(&head, at);
        segment.cursor = reading.cursor;
        self.tidy(files);
        true
    }

    /// Removes what is over.
    pub(super) fn tidy(&mut self, files: &F) {
        while let Some(segment) = self.segments.front()
            && segment.is_sealed
            && segment.left.batches == 0
        {
            let (number, bytes) = (segment.number, segment.bytes);
            self.lost.records = self.lost.records.saturating_add(segment.left.records);
            self.reading = None;
            self.segments.pop_front();
            self.remove(files, number, bytes);
        }
    }

    fn remove(&mut self, files: &F, number: u64, bytes: u64) {
        match files.remove(&self.path(number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => self.stuck_bytes += bytes,
            _ => {}
        }
    }

    /// Makes it durable which batches are done. After a crash they come again otherwise.
    pub(super) fn sync_marks(&mut self) -> io::Result<()> {
        self.reading.as_mut().map_or(Ok(()), |reading| reading.file.sync())
    }
}

impl Segment {
    /// How many batches were there once and are passed over on the way to this one.
    fn skip_to(&mut self, head: &Head) -> u64 {
        let skipped = u64::from(head.ordinal.saturating_sub(self.cursor.ordinal));
        let known = skipped.min(self.damaged);
        self.damaged -= known;
        let new = (skipped - known).min(self.left.batches);
        self.left.batches -= new;
        new
    }
}

impl<R: File> Reading<R> {
    fn open<F: Files<File = R>>(files: &F, path: &Path, cursor: Cursor) -> io::Result<Self> {
        let file = files.open(path)?;
        Ok(Self { file, cursor, handed: None, failing: None, marks: 0 })
    }

    /// The next batch that can be read, if there is one before `end`.
    fn next(&mut self, end: u64) -> io::Result<Option<Stored>> {
        while let Next::Record { head, at } = self.cursor.next(&self.file, end)? {
            self.failing = Some((head, at));
            let request = request(&self.file, &head, at)?;
            self.failing = None;
            if let Some(bytes) = request {
                self.handed = Some((head, at));
                let bytes = Bytes::from(bytes);
                let Head { id, signal, records, .. } = head;
                return Ok(Some(Stored { id, signal, records, bytes }));
            }
            self.cursor = Cursor::behind(&head, at);
        }
        Ok(None)
    }

    /// Goes on behind the batch that could not be read, if that is known.
    fn skip(&mut self) -> bool {
        let failing = self.failing.take();
        if let Some((head, at)) = &failing {
            self.cursor = Cursor::behind(head, *at);
        }
        failing.is_some()
    }

    /// Goes on behind the record and writes down that it did.
    fn pass(&mut self, head: &Head, at: u64) {
        self.cursor = Cursor::behind(head, at);
        let mark = Mark { key: head.key, ordinal: self.cursor.ordinal, at: self.cursor.at };
        // Without the mark the batch comes again after a restart, under its old name.
        let _ = self.file.write_at(MARKS_AT[self.marks % 2], &mark.encode());
        self.marks += 1;
    }
}

impl Count {
    pub(super) fn add(&mut self, more: Self) {
        self.batches += more.batches;
        self.records = self.records.saturating_add(more.records);
    }

    pub(super) fn subtract(&mut self, less: Self) {
        self.batches = self.batches.saturating_sub(less.batches);
        self.records = self.records.saturating_sub(less.records);
    }
}

/// The number in a segment's name.
pub(super) fn number(name: &OsStr) -> Option<u64> {
    let digits = name.to_str()?.strip_suffix(".segment")?;
    let is_ours = digits.len() == 16 && !digits.bytes().any(|byte| byte.is_ascii_uppercase());
    is_ours.then(|| u64::from_str_radix(digits, 16).ok())?
}

/// Whether any of the names is a segment's.
pub(super) fn has_segments(names: &[OsString]) -> bool {
    names.iter().any(|name| number(name).is_some())
}

/// Whether the process has too little of something, for the moment.
fn is_of_the_process(code: i32) -> bool {
    [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::EAGAIN, libc::EINTR].contains(&code)
}
