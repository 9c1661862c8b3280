//! Exporters that may take their time, each on a thread of its own.
//!
//! Flow: outlet -> client -> **aside** -> `Exporter`, one of the program or one of ours. One
//! request is handed over at a time; whoever handed it over waits for the answer, and no longer
//! than the export timeout. The thread starts at the first request.

use super::batch::Batch;
use super::exporter::{ExportError, Exporter, Extra, Request};
use super::response::Answer;
use crate::pipeline::buffer::lock;
use crate::pipeline::thread;
use crate::record::contained::{self, Inside};
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use tokio::sync::oneshot;

/// The sender's side of one exporter.
#[derive(Debug)]
pub(super) struct Client {
    extra: Extra,
    thread: Option<Thread>,
}

#[derive(Debug)]
struct Thread {
    desk: Arc<Desk>,
    /// Ends when the thread does.
    ended: oneshot::Receiver<()>,
}

/// Where the thread finds its work.
#[derive(Debug, Default)]
struct Desk {
    papers: Mutex<Papers>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Papers {
    job: Option<Job>,
    /// Nothing more comes.
    closed: bool,
}

#[derive(Debug)]
struct Job {
    batch: Batch,
    answer: oneshot::Sender<Answer>,
}

impl Client {
    pub(super) fn new(extra: &Extra) -> Self {
        Self { extra: extra.clone(), thread: None }
    }

    /// Hands the batch over and waits for the answer.
    pub(super) async fn post(&mut self, batch: &Batch) -> Answer {
        let desk = match self.desk() {
            Ok(desk) => desk,
            Err(error) => return Answer::NoConnection(format!("no thread for it: {error}")),
        };
        let (answer, answered) = oneshot::channel();
        desk.put(Job { batch: batch.clone(), answer });
        // The thread answers every job that somebody waits for.
        answered.await.unwrap_or_else(|_| Answer::Refused("it gave no answer".to_owned()))
    }

    /// Lets the exporter shut down, and waits for that.
    pub(super) async fn close(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.desk.close();
            // It ends by being dropped.
            let _ = thread.ended.await;
        }
    }

    fn desk(&mut self) -> io::Result<&Desk> {
        let thread = match self.thread.take() {
            Some(thread) => thread,
            None => start(self.extra.clone())?,
        };
        Ok(&self.thread.insert(thread).desk)
    }
}

/// A worker that unwinds closes nothing by itself.
impl Drop for Client {
    fn drop(&mut self) {
        if let Some(thread) = &self.thread {
            thread.desk.close();
        }
    }
}

impl Desk {
    /// Takes the place of a job that nobody waits for any more.
    fn put(&self, job: Job) {
        lock(&self.papers).job = Some(job);
        self.changed.notify_one();
    }

    fn close(&self) {
        lock(&self.papers).closed = true;
        self.changed.notify_one();
    }

    /// The next job that somebody waits for; `None` when nothing more comes.
    fn take(&self) -> Option<Job> {
        let mut papers = lock(&self.papers);
        loop {
            match papers.job.take() {
                // What was given up is booked as lost: it must not be delivered after all.
                Some(job) if job.answer.is_closed() => {}
                Some(job) => return Some(job),
                None if papers.closed => return None,
                None => {
                    let waited = self.changed.wait(papers);
                    papers = waited.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

fn start(extra: Extra) -> io::Result<Thread> {
    let desk = Arc::new(Desk::default());
    let (ends, ended) = oneshot::channel();
    let theirs = Arc::clone(&desk);
    thread::spawn(c"oxitel-export", move || {
        // Dropped at the end, also when the thread unwinds.
        let _ends: oneshot::Sender<()> = ends;
        work(&extra, &theirs);
    })?;
    Ok(Thread { desk, ended })
}

fn work(extra: &Extra, desk: &Desk) {
    let mut exporter = None;
    while let Some(Job { batch, answer }) = desk.take() {
        // Whoever gave up meanwhile has booked the records as lost.
        let _ = answer.send(attempt(extra, &mut exporter, &batch));
    }
    // A panic was counted; there is no record left that it could cost.
    let _ = contained::call(Inside::Hook, || {
        if let Some(mut exporter) = exporter {
            exporter.shutdown();
        }
    });
}

/// One call of the exporter. One that panicked is broken, and a new one is made for the next call.
fn attempt(extra: &Extra, exporter: &mut Option<Box<dyn Exporter>>, batch: &Batch) -> Answer {
    let pieces = batch.pieces();
    let pieces: Vec<&[u8]> = pieces.iter().map(AsRef::as_ref).collect();
    let request = Request::new(batch.signal(), batch.records(), &pieces);
    let taken = exporter.take();
    let outcome = contained::call(Inside::Hook, || {
        let mut own = taken.unwrap_or_else(|| (extra.make)(batch.signal()));
        let outcome = own.export(&request);
        (own, outcome)
    });
    let Ok((own, outcome)) = outcome else {
        return Answer::Refused("it panicked".to_owned());
    };
    *exporter = Some(own);
    match outcome {
        Ok(()) => Answer::Accepted { rejected: 0, message: String::new() },
        Err(ExportError::Refused(reason)) => Answer::Refused(reason),
        Err(ExportError::TryAgain { after, reason }) => Answer::TryAgain { after, reason },
    }
}
