//! A segment in memory, read as a start reads a file: for tests that make up files.

use super::files::File;
use super::slot::Stored;
use super::walk::{Contents, Next, Survey, request, survey};
use super::{BatchId, Count};
use bytes::Bytes;
use std::io;

/// A file that can be read and nothing else.
#[derive(Debug)]
pub(super) struct Memory<'a>(pub(super) &'a [u8]);

/// What a start finds in a file, and what it delivers of it; `None` when it is no segment that
/// this version reads.
pub(crate) fn read(bytes: &[u8]) -> io::Result<Option<(Found, Vec<Stored>)>> {
    let (file, end) = (Memory(bytes), bytes.len() as u64);
    let Survey::Ours(contents) = survey(&file, end)? else { return Ok(None) };
    let Contents { mut cursor, batches, records, damaged } = contents;
    let mut stored = Vec::new();
    while let Next::Record { head, at } = cursor.next(&file, end)? {
        if let Some(bytes) = request(&file, &head, at)? {
            let id: BatchId = head.id;
            let bytes = Bytes::from(bytes);
            stored.push(Stored { id, signal: head.signal, records: head.records, bytes });
        }
        cursor = super::walk::Cursor::behind(&head, at);
    }
    Ok(Some((Found { left: Count { batches, records }, damaged }, stored)))
}

/// What a look at the whole file counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) left: Count,
    pub(crate) damaged: u64,
}

impl File for Memory<'_> {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let from = self.0.get(offset..).unwrap_or_default();
        let count = from.len().min(buffer.len());
        buffer[..count].copy_from_slice(&from[..count]);
        Ok(count)
    }

    fn write_at(&mut self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn cut(&mut self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn has_name(&self) -> io::Result<bool> {
        Ok(true)
    }
}
