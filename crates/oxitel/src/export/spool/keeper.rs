//! The thread on which the spools of a process live: a disk may take its time, the sender may
//! not.
//!
//! Flow: outlet -> **keeper** -> `shelf` -> spool. Batches that come while a sync runs share the
//! next one.

use super::files::Files;
use super::shelf::Shelf;
use super::{Count, Options, Recovered, Stored};
use crate::diagnose::{self, Cause};
use crate::export::{Batch, BatchId};
use crate::pipeline::thread;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

/// So many questions to one spool wait at most; whoever has another one waits before.
const WAITING: usize = 32;
/// After trouble a disk is left alone for so long, and so often slots of dead processes are looked
/// for.
pub(super) const RETRY: Duration = Duration::from_secs(3);

/// The thread; it ends with the last handle on it.
#[derive(Debug)]
pub(crate) struct Keepers<F: Files> {
    commands: Sender<Command<F>>,
    opened: usize,
}

/// A handle on one spool.
#[derive(Debug)]
pub(crate) struct Keeper<F: Files> {
    number: usize,
    commands: Sender<Command<F>>,
    room: Arc<Semaphore>,
    state: watch::Receiver<State>,
}

/// What a spool holds and went through, since it was first opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// Opening it was tried.
    pub(crate) is_known: bool,
    /// What waits in it.
    pub(crate) left: Count,
    /// What was there when it was opened, and what was taken over later.
    pub(crate) recovered: Recovered,
    /// What it held and cannot give back.
    pub(crate) lost: Count,
}

/// The batch is not on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotKept;

/// There may be a batch; at the moment nobody can read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// The oldest batch, if there is one.
pub(super) type Oldest = Result<Option<Stored>, Unreadable>;

enum Command<F: Files> {
    Open(Box<Shelf<F>>),
    Ask { spool: usize, question: Question, _room: OwnedSemaphorePermit },
}

enum Question {
    Append { batch: Batch, answer: oneshot::Sender<Result<(), NotKept>> },
    Oldest { answer: oneshot::Sender<Oldest> },
    Done { id: BatchId, answer: oneshot::Sender<()> },
    Close { answer: oneshot::Sender<()> },
}

impl<F: Files> Keepers<F> {
    /// Starts the thread.
    pub(crate) fn start() -> io::Result<Self> {
        let (commands, received) = channel();
        thread::spawn(c"oxitel-spool", move || {
            // What was accepted lies on the disk; whoever waits for an answer is told by the drop
            // of its channel.
            if catch_unwind(AssertUnwindSafe(|| keep(&received))).is_err() {
                diagnose::warn(Cause::Panic, &"the spool panicked and ends; please report it");
            }
        })?;
        Ok(Self { commands, opened: 0 })
    }

    /// Opens a spool, or goes on trying to.
    pub(crate) fn open(&mut self, files: F, folder: PathBuf, options: Options) -> Keeper<F> {
        let (made, reports) = Shelf::new(files, folder, options);
        // Without the thread every answer is "not kept".
        let _ = self.commands.send(Command::Open(Box::new(made)));
        let number = self.opened;
        self.opened += 1;
        let room = Arc::new(Semaphore::new(WAITING));
        Keeper { number, commands: self.commands.clone(), room, state: reports }
    }
}

impl<F: Files> Keeper<F> {
    /// Puts the batch on the disk; `Ok` once it is durable.
    pub(crate) async fn append(&self, batch: Batch) -> Result<(), NotKept> {
        let kept = self.ask(|answer| Question::Append { batch, answer }).await;
        kept.unwrap_or(Err(NotKept))
    }

    /// The oldest batch that is not done.
    pub(crate) async fn oldest(&self) -> Oldest {
        let oldest = self.ask(|answer| Question::Oldest { answer }).await;
        oldest.unwrap_or(Err(Unreadable))
    }

    /// The batch, which was the oldest one, is dealt with.
    pub(crate) async fn done(&self, id: BatchId) {
        // Without an answer it comes again, under its own name.
        let _ = self.ask(|answer| Question::Done { id, answer }).await;
    }

    /// Makes it durable what is done, and frees the folder. Nothing is kept from then on.
    pub(crate) async fn close(&self) {
        let _ = self.ask(|answer| Question::Close { answer }).await;
    }

    /// What there is, and a way to wait for a change of it.
    pub(crate) fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Question) -> Option<T> {
        // The semaphore is never closed.
        let room = Arc::clone(&self.room).acquire_owned().await.ok()?;
        let (sender, answer) = oneshot::channel();
        let question = question(sender);
        let command = Command::Ask { spool: self.number, question, _room: room };
        self.commands.send(command).ok()?;
        answer.await.ok()
    }
}

/// The thread's work.
fn keep<F: Files>(commands: &Receiver<Command<F>>) {
    let mut shelves: Vec<Shelf<F>> = Vec::new();
    let mut look_around_at = Instant::now() + RETRY;
    loop {
        match commands.recv_timeout(look_around_at.saturating_duration_since(Instant::now())) {
            Ok(command) => {
                follow(&mut shelves, command);
                // What waits already shares the sync.
                commands.try_iter().take(WAITING).for_each(|next| follow(&mut shelves, next));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        shelves.iter_mut().for_each(Shelf::commit);
        if Instant::now() >= look_around_at {
            shelves.iter_mut().for_each(Shelf::look_around);
            look_around_at = Instant::now() + RETRY;
        }
        shelves.iter_mut().for_each(Shelf::report);
    }
}

fn follow<F: Files>(shelves: &mut Vec<Shelf<F>>, command: Command<F>) {
    let (spool, question) = match command {
        Command::Open(mut shelf) => {
            shelf.look_around();
            return shelves.push(*shelf);
        }
        Command::Ask { spool, question, .. } => (spool, question),
    };
    let Some(shelf) = shelves.get_mut(spool) else { return };
    // Whoever does not wait for an answer any more has a reason; nothing hangs on it.
    match question {
        Question::Append { batch, answer } => shelf.append(&batch, answer),
        Question::Oldest { answer } => {
            let _ = answer.send(shelf.oldest());
        }
        Question::Done { id, answer } => {
            shelf.done(id);
            let _ = answer.send(());
        }
        Question::Close { answer } => {
            shelf.close();
            let _ = answer.send(());
        }
    }
}
