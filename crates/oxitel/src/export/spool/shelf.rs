//! One spool in the keeper's hands: opened when the disk allows it, left alone for a while after
//! trouble.

use super::files::Files;
use super::keeper::{NotKept, Oldest, RETRY, State, Unreadable};
use super::{Count, Entry, Options, Refused, Spool};
use crate::diagnose::{self, Cause};
use crate::export::{Batch, BatchId};
use std::fmt::Display;
use std::io;
use std::path::PathBuf;
use std::time::Instant;
use tokio::sync::{oneshot, watch};

#[derive(Debug)]
pub(super) struct Shelf<F: Files> {
    files: F,
    folder: PathBuf,
    options: Options,
    spool: Option<Spool<F>>,
    is_closed: bool,
    /// After trouble, nothing is written before.
    not_before: Option<Instant>,
    /// Batches that were written, and who waits for the sync.
    waiting: Vec<(BatchId, Answer)>,
    /// The batch that was handed out last and is not done.
    handed: Option<Handed>,
    /// The same of a spool that was given up meanwhile: somebody may still deliver it.
    orphan: Option<Handed>,
    /// What spools of this folder went through that had to be given up.
    before: State,
    newer_was_told: bool,
    state: watch::Sender<State>,
}

/// A batch that is somewhere between the disk and a receiver.
#[derive(Clone, Copy, Debug)]
struct Handed {
    id: BatchId,
    records: u64,
}

type Answer = oneshot::Sender<Result<(), NotKept>>;

impl<F: Files> Shelf<F> {
    pub(super) fn new(
        files: F,
        folder: PathBuf,
        options: Options,
    ) -> (Self, watch::Receiver<State>) {
        let (state, receiver) = watch::channel(State::default());
        let shelf = Self {
            files,
            folder,
            options,
            spool: None,
            is_closed: false,
            not_before: None,
            waiting: Vec::new(),
            handed: None,
            orphan: None,
            before: State::default(),
            newer_was_told: false,
            state,
        };
        (shelf, receiver)
    }

    /// Writes the batch; the answer comes with the sync.
    pub(super) fn append(&mut self, batch: &Batch, answer: Answer) {
        let (id, signal, records) = (batch.id(), batch.signal(), batch.records());
        let entry = Entry { id, signal, records, pieces: &batch.pieces() };
        match self.write(&entry) {
            Ok(()) => self.waiting.push((id, answer)),
            Err(NotKept) => {
                let _ = answer.send(Err(NotKept));
            }
        }
    }

    fn write(&mut self, entry: &Entry<'_>) -> Result<(), NotKept> {
        if self.not_before.is_some_and(|until| Instant::now() < until) {
            return Err(NotKept);
        }
        self.not_before = None;
        let spool = self.opened().ok_or(NotKept)?;
        match spool.append(entry) {
            Ok(()) => Ok(()),
            Err(Refused::Quota) => {
                self.say(&"it is full; what comes is kept in memory");
                Err(NotKept)
            }
            Err(Refused::TooLarge) => {
                self.say(&"a batch is larger than it; it is kept in memory");
                Err(NotKept)
            }
            Err(Refused::Io(error)) => {
                self.trouble(&error);
                Err(NotKept)
            }
        }
    }

    /// Syncs what was written and tells those who wait.
    pub(super) fn commit(&mut self) {
        let Some(spool) = &mut self.spool else { return };
        let synced = spool.sync();
        for (id, answer) in self.waiting.drain(..) {
            let kept = if synced.lost.contains(&id) { Err(NotKept) } else { Ok(()) };
            let _ = answer.send(kept);
        }
        if let Some(error) = synced.trouble {
            self.trouble(&error);
        }
    }

    /// Whoever asks has nothing under way.
    pub(super) fn oldest(&mut self) -> Oldest {
        self.lose_orphan();
        let Some(spool) = &mut self.spool else { return Ok(None) };
        let oldest = spool.oldest().map_err(|error| {
            self.say(&format_args!("cannot read: {error}"));
            Unreadable
        });
        let stored = oldest.as_ref().ok().and_then(Option::as_ref);
        self.handed = stored.map(|stored| Handed { id: stored.id, records: stored.records });
        oldest
    }

    pub(super) fn done(&mut self, id: BatchId) {
        for handed in [&mut self.handed, &mut self.orphan] {
            handed.take_if(|handed| handed.id == id);
        }
        self.spool.as_mut().map(|spool| spool.done(id));
    }

    /// Gives the folder free.
    pub(super) fn close(&mut self) {
        self.commit();
        self.is_closed = true;
        self.lose_orphan();
        if let Some(mut spool) = self.spool.take() {
            if let Err(error) = spool.sync_marks() {
                self.say(&format_args!("batches may be sent twice: {error}"));
            }
            self.report_of(&spool);
        }
    }

    /// Opens the spool if that did not work before, and looks for what dead processes left.
    pub(super) fn look_around(&mut self) {
        if let Some(spool) = self.opened() {
            spool.adopt();
        }
    }

    /// Tells the outlet what there is.
    pub(super) fn report(&mut self) {
        if let Some(spool) = self.spool.take() {
            self.report_of(&spool);
            self.spool = Some(spool);
        }
    }

    fn opened(&mut self) -> Option<&mut Spool<F>> {
        if self.spool.is_none() && !self.is_closed {
            match Spool::open(self.files.clone(), &self.folder, self.options) {
                Ok(spool) => self.spool = Some(spool),
                Err(error) => self.trouble(&error),
            }
            self.state.send_modify(|state| state.is_known = true);
        }
        self.spool.as_mut()
    }

    /// Leaves the disk alone for a while.
    fn trouble(&mut self, error: &io::Error) {
        self.say(&format_args!("{error}; what comes is kept in memory"));
        self.not_before = Some(Instant::now() + RETRY);
        // Somebody removed the folder: the spool begins anew.
        if error.kind() == io::ErrorKind::NotFound {
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        self.commit_nothing();
        let Some(spool) = self.spool.take() else { return };
        self.report_of(&spool);
        let mut state = *self.state.borrow();
        // What is under way may be delivered.
        self.orphan = self.handed.take();
        if let Some(Handed { records, .. }) = self.orphan {
            state.left.subtract(Count { batches: 1, records });
        }
        state.lost.add(state.left);
        state.left = Count::default();
        self.before = state;
        self.publish(state);
    }

    /// Nobody delivered it, and it is on no disk.
    fn lose_orphan(&mut self) {
        let Some(Handed { records, .. }) = self.orphan.take() else { return };
        let lost = Count { batches: 1, records };
        self.before.lost.add(lost);
        let mut state = *self.state.borrow();
        state.lost.add(lost);
        self.publish(state);
    }

    /// Nothing that waits became durable.
    fn commit_nothing(&mut self) {
        for (_, answer) in self.waiting.drain(..) {
            let _ = answer.send(Err(NotKept));
        }
    }

    fn report_of(&mut self, spool: &Spool<F>) {
        let mut state = State { is_known: true, left: spool.left(), ..self.before };
        state.recovered.add(spool.recovered());
        state.lost.add(spool.lost());
        self.publish(state);
        if spool.has_newer_files() && !self.newer_was_told {
            self.newer_was_told = true;
            self.say(&"a newer version wrote there, too; its files stay as they are");
        }
    }

    fn publish(&mut self, state: State) {
        let before = *self.state.borrow();
        let damaged = damaged(&state) - damaged(&before);
        if damaged > 0 {
            let folder = self.folder.display();
            let text = format_args!("{damaged} batches in the spool {folder} are damaged");
            diagnose::warn(Cause::SpoolDamaged, &text);
        }
        self.state.send_if_modified(|known| std::mem::replace(known, state) != state);
    }

    fn say(&self, what: &dyn Display) {
        let text = format_args!("the spool {}: {what}", self.folder.display());
        diagnose::warn(Cause::Spool, &text);
    }
}

fn damaged(state: &State) -> u64 {
    state.recovered.damaged + state.lost.batches
}
