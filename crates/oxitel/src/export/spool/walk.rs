//! Reads a segment file from record to record, around whatever is damaged.
//!
//! Total: any file is read in time linear in its length, a block at a time.

use super::files::File;
use super::format::{HEAD, HEAD_MAGIC, HEADER, Head, Header, MARK, MARKS_AT, Mark, RECORDS_AT};
use crc32fast::Hasher;
use std::io;

/// No request is longer.
pub(super) const MAX_REQUEST: u64 = 64 << 20;
const BLOCK: usize = 64 << 10;
/// By so many bytes a record's beginning is known: the magic, and the file's key behind it.
const BEGINNING: usize = 16;

/// A place between two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) at: u64,
    /// Of the next record.
    pub(super) ordinal: u32,
    /// The file's; nobody knows it when the header is damaged and no record was read yet.
    pub(super) key: Option<u64>,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Record {
        head: Head,
        at: u64,
    },
    /// No more records; so many more began, and nobody can read them.
    End {
        damaged: u64,
    },
}

impl Cursor {
    /// The place behind a record.
    pub(super) fn behind(head: &Head, at: u64) -> Self {
        Self { at: at + head.whole(), ordinal: head.ordinal + 1, key: Some(head.key) }
    }

    /// Finds the next record that ends before `end`.
    pub(super) fn next(&self, file: &impl File, end: u64) -> io::Result<Next> {
        if self.at.saturating_add(HEAD as u64) > end {
            return Ok(Next::End { damaged: 0 });
        }
        if let Some(head) = self.head(file, self.at)? {
            if self.at + head.whole() <= end {
                return Ok(Next::Record { head, at: self.at });
            }
            // It was being written when the program ended, so it was not accepted.
            return Ok(Next::End { damaged: 0 });
        }
        self.search(file, end)
    }

    /// The head at this place, if it is one that may stand there.
    fn head(&self, file: &impl File, at: u64) -> io::Result<Option<Head>> {
        let mut bytes = [0; HEAD];
        if file.read_at(at, &mut bytes)? < HEAD {
            return Ok(None);
        }
        Ok(Head::read(&bytes).filter(|head| self.may_be_followed_by(head, at)))
    }

    fn may_be_followed_by(&self, head: &Head, at: u64) -> bool {
        let room = (at - self.at) / HEAD as u64;
        let missing = head.ordinal.checked_sub(self.ordinal);
        self.key.is_none_or(|key| key == head.key)
            && missing.is_some_and(|missing| u64::from(missing) <= room)
            && head.ordinal < u32::MAX
            && u64::from(head.length) <= MAX_REQUEST
    }

    /// Looks for the next record byte by byte.
    fn search(&self, file: &impl File, end: u64) -> io::Result<Next> {
        let mut block = vec![0; BLOCK];
        let (mut at, mut begun, mut is_empty) = (self.at, 0, true);
        while at < end {
            let wanted = usize::try_from(end - at).map_or(BLOCK, |left| left.min(BLOCK));
            let filled = file.read_at(at, &mut block[..wanted])?;
            let bytes = &block[..filled];
            is_empty &= bytes.iter().all(|byte| *byte == 0);
            for offset in self.beginnings(bytes) {
                begun += 1;
                let place = at + offset as u64;
                if let Some(head) = self.head(file, place)?
                    && place + head.whole() <= end
                {
                    return Ok(Next::Record { head, at: place });
                }
            }
            if filled < BEGINNING {
                break;
            }
            // A beginning may lie across the border.
            at += (filled + 1 - BEGINNING) as u64;
        }
        Ok(Next::End { damaged: if is_empty { 0 } else { u64::max(begun, 1) } })
    }

    /// Where a record may begin, also one that is damaged in one place.
    fn beginnings<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = usize> + use<'a> {
        let key = self.key.map(u64::to_le_bytes);
        let begins = move |window: &[u8]| {
            window[..4] == HEAD_MAGIC || key.is_some_and(|key| window[8..] == key)
        };
        let places = bytes.windows(BEGINNING).enumerate();
        places.filter(move |(_, window)| begins(window)).map(|(offset, _)| offset)
    }
}

/// The request of a record; `None` when it is damaged.
pub(super) fn request(file: &impl File, head: &Head, at: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; head.length as usize];
    let filled = file.read_at(at + HEAD as u64, &mut bytes)?;
    let is_whole = filled == bytes.len() && crc32fast::hash(&bytes) == head.checksum;
    Ok(is_whole.then_some(bytes))
}

/// Whether the request of a record is whole.
fn is_whole(file: &impl File, head: &Head, at: u64) -> io::Result<bool> {
    let (mut hasher, mut block) = (Hasher::new(), vec![0; BLOCK]);
    let (mut at, mut left) = (at + HEAD as u64, head.length as usize);
    while left > 0 {
        let filled = file.read_at(at, &mut block[..left.min(BLOCK)])?;
        if filled == 0 {
            return Ok(false);
        }
        hasher.update(&block[..filled]);
        at += filled as u64;
        left -= filled;
    }
    Ok(hasher.finalize() == head.checksum)
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Survey {
    Ours(Contents),
    /// Written by a program that knows more than this one.
    Newer {
        version: u8,
    },
    /// Somebody else's.
    Foreign,
}

/// What is left in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contents {
    /// Where to go on.
    pub(super) cursor: Cursor,
    pub(super) batches: u64,
    pub(super) records: u64,
    /// Batches that can not be read any more.
    pub(super) damaged: u64,
}

/// Reads the whole file, but for what is dealt with.
pub(super) fn survey(file: &impl File, length: u64) -> io::Result<Survey> {
    let mut bytes = [0; HEADER];
    let filled = file.read_at(0, &mut bytes)?;
    let key = match Header::read(&bytes) {
        Header::Newer { version } => return Ok(Survey::Newer { version }),
        Header::Known { key } => key,
        Header::Unreadable => None,
    };
    let contents = contents(file, start(file, length, key)?, length)?;
    let has_begun = Header::may_have_begun(&bytes[..filled]);
    Ok(if contents.batches > 0 || has_begun { Survey::Ours(contents) } else { Survey::Foreign })
}

fn contents(file: &impl File, start: Cursor, length: u64) -> io::Result<Contents> {
    let mut contents = Contents { cursor: start, batches: 0, records: 0, damaged: 0 };
    let mut cursor = start;
    loop {
        match cursor.next(file, length)? {
            Next::Record { head, at } => {
                contents.damaged += u64::from(head.ordinal - cursor.ordinal);
                if is_whole(file, &head, at)? {
                    contents.batches += 1;
                    contents.records = contents.records.saturating_add(head.records);
                } else {
                    contents.damaged += 1;
                }
                cursor = Cursor::behind(&head, at);
            }
            Next::End { damaged } => {
                contents.damaged += damaged;
                return Ok(contents);
            }
        }
    }
}

/// Where the records begin that are not dealt with.
fn start(file: &impl File, length: u64, key: Option<u64>) -> io::Result<Cursor> {
    let mut start = Cursor { at: RECORDS_AT, ordinal: 0, key };
    for at in MARKS_AT {
        let mut bytes = [0; MARK];
        file.read_at(at, &mut bytes)?;
        if let Some(mark) = Mark::read(&bytes)
            && key.is_none_or(|key| key == mark.key)
            && mark.ordinal >= start.ordinal
            && mark.at <= length
        {
            start = Cursor { at: mark.at, ordinal: mark.ordinal, key: Some(mark.key) };
        }
    }
    Ok(start)
}
