//! Asking the sender for something and waiting for it: flush tickets, and the way down.

use super::buffer::lock;
use super::engine::Engine;
use super::sender;
use super::settings::Settings;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// `None` until shutdown is asked for; then its deadline: what is not sent by then is dropped.
pub(crate) type StopBy = Option<Instant>;

/// A runtime takes a fraction of a millisecond; on a machine that gives the thread no time, the
/// host goes on without having waited for it.
const START_PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct Control {
    progress: Mutex<Progress>,
    changed: Condvar,
    stop_by: watch::Sender<StopBy>,
}

#[derive(Debug, Default)]
struct Progress {
    /// Flushes asked for, and how many of them the sender has dealt with.
    asked: u64,
    finished: u64,
    running: bool,
    /// The sender is past everything that happens once in a process.
    ready: bool,
    /// Metrics of the last session were given up before they were collected.
    incomplete: bool,
    /// Records known to be lost at the end of the last flush.
    lost_before: u64,
    /// When the program has to be over, once its interpreter begins to end.
    leave_by: Option<Instant>,
}

impl Control {
    /// Starts the sender unless it runs; `false` when the system gives no thread.
    ///
    /// Waits until its runtime stands. Building one initialises statics of the libraries below,
    /// and a fork in the middle of that would leave the child with a `Once` that never ends.
    pub(crate) fn start_sender(
        &self,
        engine: &'static Engine,
        settings: &'static Settings,
    ) -> bool {
        #[cfg(feature = "python")]
        if settings.is_joined {
            return crate::join::guest::host().is_some_and(crate::join::guest::Host::ready);
        }
        let mut progress = lock(&self.progress);
        if progress.running {
            return true;
        }
        self.stop_by.send_replace(None);
        progress.ready = false;
        progress.incomplete = false;
        progress.running = sender::spawn(engine, settings).is_ok();
        let running = progress.running;
        drop(progress);
        #[cfg(target_os = "linux")]
        super::signals::follow_fork();
        self.wait(Instant::now() + START_PATIENCE, |progress| progress.ready || !progress.running);
        running
    }

    /// The sender's report that its runtime stands, or that there is none for now.
    pub(crate) fn sender_is_ready(&self) {
        lock(&self.progress).ready = true;
        self.changed.notify_all();
    }

    /// Asks for a flush of everything that is queued now.
    pub(crate) fn ask(&self) -> Ticket {
        let mut progress = lock(&self.progress);
        progress.asked += 1;
        Ticket { number: progress.asked, lost_before: progress.lost_before }
    }

    /// Asks for a last flush until `deadline`, and the end.
    pub(crate) fn ask_to_stop(&self, deadline: Instant) -> Ticket {
        let ticket = self.ask();
        self.stop_by.send_replace(Some(deadline));
        ticket
    }

    /// Everything so far is sent or given up, metrics as well, and the program is over by
    /// `deadline`.
    pub(crate) fn leave_by(&self, deadline: Instant) {
        lock(&self.progress).leave_by = Some(deadline);
    }

    /// When the program has to be over; `None`: nobody has said that it ends.
    pub(crate) fn leaves_by(&self) -> Option<Instant> {
        lock(&self.progress).leave_by
    }

    /// Waits until the flush is dealt with; `false` at the deadline, or without a sender.
    pub(crate) fn wait_for(&self, ticket: Ticket, deadline: Instant) -> bool {
        let done = |progress: &Progress| progress.finished >= ticket.number;
        self.wait(deadline, |progress| done(progress) || !progress.running);
        done(&lock(&self.progress))
    }

    /// Waits until the sender has ended; `false` at the deadline.
    pub(crate) fn wait_for_end(&self, deadline: Instant) -> bool {
        self.wait(deadline, |progress| !progress.running)
    }

    fn wait(&self, deadline: Instant, done: impl Fn(&Progress) -> bool) -> bool {
        let mut progress = lock(&self.progress);
        while !done(&progress) {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { return false };
            let waited = self.changed.wait_timeout(progress, left);
            progress = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// The sender's view: the ticket to report when everything queued now is dealt with.
    pub(crate) fn ticket(&self) -> u64 {
        lock(&self.progress).asked
    }

    /// Whether there is a sender.
    pub(crate) fn is_running(&self) -> bool {
        lock(&self.progress).running
    }

    /// Something was given up at the end that no ledger knows of.
    pub(crate) fn note_incomplete(&self) {
        lock(&self.progress).incomplete = true;
    }

    pub(crate) fn is_incomplete(&self) -> bool {
        lock(&self.progress).incomplete
    }

    /// The last ticket that was dealt with.
    pub(crate) fn finished(&self) -> u64 {
        lock(&self.progress).finished
    }

    pub(crate) fn stop_by(&self) -> StopBy {
        *self.stop_by.borrow()
    }

    /// For the sender, to wait for shutdown.
    pub(crate) fn stop_signal(&self) -> watch::Receiver<StopBy> {
        self.stop_by.subscribe()
    }

    /// Waits a while without a runtime; `true` when shutdown was asked for meanwhile.
    pub(crate) fn stop_asked_within(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while self.stop_by().is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.stop_by().is_some()
    }

    /// Resolves at shutdown's deadline; never before shutdown is asked for.
    pub(crate) async fn time_is_over(&self) {
        let mut stop = self.stop_signal();
        // The sender of this channel lives as long as the engine: for ever.
        if let Ok(deadline) = stop.wait_for(Option::is_some).await.map(|deadline| *deadline)
            && let Some(deadline) = deadline
        {
            tokio::time::sleep_until(deadline.into()).await;
        }
    }

    /// This ticket, and those before it, are dealt with.
    pub(crate) fn finish(&self, ticket: u64) {
        let mut progress = lock(&self.progress);
        progress.finished = progress.finished.max(ticket);
        drop(progress);
        self.changed.notify_all();
    }

    pub(crate) fn ended(&self) {
        let mut progress = lock(&self.progress);
        progress.running = false;
        progress.finished = progress.asked;
        drop(progress);
        self.changed.notify_all();
    }

    /// How many more records are lost than at the flush before `ticket`'s. Of two flushes at once
    /// both are told.
    pub(crate) fn newly_lost(&self, ticket: Ticket, lost: u64) -> u64 {
        let mut progress = lock(&self.progress);
        progress.lost_before = progress.lost_before.max(lost);
        lost.saturating_sub(ticket.lost_before)
    }

    /// Losses up to now belong to an earlier session.
    pub(crate) fn forget_losses(&self, lost: u64) {
        lock(&self.progress).lost_before = lost;
    }
}

/// A flush that was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    number: u64,
    lost_before: u64,
}
