//! The segment that is being written.
//!
//! Flow: batch -> **writer** -> sync -> accepted. Until the sync nothing is promised, and what a
//! failed one leaves behind counts as lost.

use super::files::{File, Files};
use super::format::{HEADER, Head, Header, RECORDS_AT};
use crate::export::{BatchId, SignalKind};
use bytes::Bytes;
use std::io;
use std::path::Path;

/// So much of the buffer is kept between two batches.
const KEPT: usize = 2 << 20;

#[derive(Debug)]
pub(super) struct Writer<F: Files> {
    file: F::File,
    pub(super) number: u64,
    key: u64,
    ordinal: u32,
    pub(super) length: u64,
    /// What the next sync is about.
    pub(super) unsynced: Vec<Written>,
    name_is_durable: bool,
    buffer: Vec<u8>,
}

/// A batch that was written and not synced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub(super) id: BatchId,
    pub(super) records: u64,
}

/// A batch on its way into a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) id: BatchId,
    pub(crate) signal: SignalKind,
    pub(crate) records: u64,
    /// The request.
    pub(crate) pieces: &'a [Bytes],
}

impl Entry<'_> {
    /// The request's length.
    pub(super) fn length(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.len() as u64).sum()
    }
}

impl<F: Files> Writer<F> {
    /// A new file of this name.
    pub(super) fn create(files: &F, path: &Path, number: u64, key: u64) -> io::Result<Self> {
        let mut file = files.create(path)?;
        let mut start = [0; RECORDS_AT as usize];
        start[..HEADER].copy_from_slice(&Header::encode(key));
        if let Err(error) = file.write_at(0, &start) {
            drop(file);
            // If that fails, too, the next start finds a file without records and removes it.
            let _ = files.remove(path);
            return Err(error);
        }
        Ok(Self {
            file,
            number,
            key,
            ordinal: 0,
            length: RECORDS_AT,
            unsynced: Vec::new(),
            name_is_durable: false,
            buffer: Vec::new(),
        })
    }

    /// Writes the batch behind the others. After an error the file ends where it did before, or
    /// `cut_off` fails.
    pub(super) fn append(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        self.fill_buffer(entry);
        let written = self.file.write_at(self.length, &self.buffer);
        let whole = self.buffer.len() as u64;
        self.buffer.clear();
        self.buffer.shrink_to(KEPT);
        written?;
        self.length += whole;
        self.ordinal += 1;
        self.unsynced.push(Written { id: entry.id, records: entry.records });
        Ok(())
    }

    fn fill_buffer(&mut self, entry: &Entry<'_>) {
        let head = Head {
            key: self.key,
            ordinal: self.ordinal,
            id: entry.id,
            signal: entry.signal,
            records: entry.records,
            length: entry.length() as u32,
            checksum: super::format::checksum_of(entry.pieces.iter().map(AsRef::as_ref)),
        };
        self.buffer.extend(head.encode());
        entry.pieces.iter().for_each(|piece| self.buffer.extend_from_slice(piece));
    }

    /// Makes everything that was written durable, and the file's name with the first of it.
    pub(super) fn sync(&mut self, files: &F, folder: &Path) -> io::Result<()> {
        if !self.file.has_name()? {
            return Err(io::Error::new(io::ErrorKind::NotFound, "somebody removed the file"));
        }
        self.file.sync()?;
        if !self.name_is_durable {
            files.sync_folder(folder)?;
            self.name_is_durable = true;
        }
        Ok(())
    }

    /// Takes away what stands behind `length`.
    pub(super) fn cut_off(&mut self, length: u64) -> io::Result<()> {
        self.file.cut(length)
    }
}
