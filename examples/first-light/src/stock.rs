//! The stock of `back`: numbers in memory, and every change in an append-only journal.
//!
//! Plain code that is traced by `tracing`'s attribute alone.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use serde::Serialize;

use crate::catalogue::ITEMS;

/// What a delivery brings when too few pieces are left.
const DELIVERY: u64 = 100;

/// Pieces on the shelf.
pub(crate) struct Stock {
    pieces: HashMap<&'static str, u64>,
    journal: Journal,
}

/// What became of a reservation.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reservation {
    /// The pieces are taken; so many are left.
    Reserved { left: u64 },
    /// There is no such item.
    Unknown,
    /// More pieces than any delivery brings.
    TooMany { at_most: u64 },
}

impl Stock {
    /// A full shelf, and a journal in the system's folder for temporary files.
    pub(crate) fn new() -> anyhow::Result<Stock> {
        let pieces = ITEMS.iter().map(|item| (item.name, DELIVERY)).collect();
        Ok(Stock { pieces, journal: Journal::create()? })
    }

    /// Takes `quantity` pieces of `item` off the shelf.
    pub(crate) fn reserve(&mut self, item: &str, quantity: u64) -> anyhow::Result<Reservation> {
        if quantity > DELIVERY {
            return Ok(Reservation::TooMany { at_most: DELIVERY });
        }
        let Some((name, pieces)) = self.read(item) else { return Ok(Reservation::Unknown) };
        let delivered = if pieces < quantity { DELIVERY } else { 0 };
        let left = pieces + delivered - quantity;
        // What is not in the journal has not happened.
        self.journal.write(&Entry { item: name, delivered, taken: quantity, left })?;
        self.pieces.insert(name, left);
        Ok(Reservation::Reserved { left })
    }

    #[tracing::instrument(name = "read stock", skip_all, fields(stock.item = item, stock.left))]
    fn read(&self, item: &str) -> Option<(&'static str, u64)> {
        let (&name, &pieces) = self.pieces.get_key_value(item)?;
        tracing::Span::current().record("stock.left", pieces);
        Some((name, pieces))
    }
}

/// One line of the journal.
#[derive(Serialize)]
struct Entry {
    item: &'static str,
    delivered: u64,
    taken: u64,
    left: u64,
}

/// A file of this process alone; it goes with the process.
struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    fn create() -> anyhow::Result<Journal> {
        let since_1970 = UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let name = format!("first-light-{}-{since_1970}.journal", std::process::id());
        let path = std::env::temp_dir().join(name);
        // A new file in any case: the folder is open to everybody.
        let file = OpenOptions::new().create_new(true).append(true).open(&path);
        let file = file.with_context(|| format!("no journal at \"{}\"", path.display()))?;
        Ok(Journal { file, path })
    }

    #[tracing::instrument(name = "write journal", skip_all, fields(journal.bytes))]
    fn write(&mut self, entry: &Entry) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        tracing::Span::current().record("journal.bytes", line.len());
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        written.with_context(|| format!("cannot write to \"{}\"", self.path.display()))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            eprintln!("first-light: \"{}\" stays behind: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_tells_how_the_shelf_came_to_be() {
        let mut stock = Stock::new().expect("a stock");
        let outcomes: Vec<_> = [("lamp", 98), ("lamp", 5), ("moon", 1), ("lamp", 101)]
            .map(|(item, quantity)| stock.reserve(item, quantity).expect("a journal"))
            .into();
        assert_eq!(
            outcomes,
            [
                Reservation::Reserved { left: 2 },
                Reservation::Reserved { left: 97 },
                Reservation::Unknown,
                Reservation::TooMany { at_most: 100 },
            ]
        );
        let path = stock.journal.path.clone();
        insta::assert_snapshot!(fs::read_to_string(&path).expect("a file"), @r#"
        {"item":"lamp","delivered":0,"taken":98,"left":2}
        {"item":"lamp","delivered":100,"taken":5,"left":97}
        "#);
        drop(stock);
        assert!(!path.exists());
    }
}
