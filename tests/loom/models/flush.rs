//! Programs flush and shut down while others record: what was recorded before a flush was asked
//! for is dealt with when it is told so, nobody waits for a wake-up that was lost, and after a
//! shutdown nothing is left behind.
//!
//! [`Sender`] follows `pipeline/control.rs`, `Session::turn` in `pipeline/dispatch.rs` and `flush`
//! and `shutdown` in `pipeline/lifecycle.rs`; chunks and their hand-over are modelled in
//! `hand_over`. A permit and a condition variable stand for tokio's `Notify`.

use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
use loom::thread;

#[derive(Debug, Default)]
struct Progress {
    asked: u32,
    finished: u32,
    stop_asked: bool,
    ended: bool,
}

#[derive(Debug)]
struct Sender {
    queue: Mutex<Vec<u32>>,
    sent: Mutex<Vec<u32>>,
    progress: Mutex<Progress>,
    changed: Condvar,
    permit: Mutex<bool>,
    woken: Condvar,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic inside")
}

impl Sender {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::new(Vec::new()),
            sent: Mutex::new(Vec::new()),
            progress: Mutex::new(Progress::default()),
            changed: Condvar::new(),
            permit: Mutex::new(false),
            woken: Condvar::new(),
        })
    }

    fn wake(&self) {
        *held(&self.permit) = true;
        self.woken.notify_one();
    }

    fn wait_for_wake(&self) {
        let mut permit = held(&self.permit);
        while !*permit {
            permit = self.woken.wait(permit).expect("no panic inside");
        }
        *permit = false;
    }

    /// What the sender does until it is told to stop.
    fn work(&self) {
        let mut ticket = 0;
        loop {
            if held(&self.progress).asked == ticket && held(&self.queue).is_empty() {
                self.wait_for_wake();
            }
            // Read before the queue is emptied: what was recorded before a flush is in it.
            let (asked, stopping) = {
                let progress = held(&self.progress);
                (progress.asked, progress.stop_asked)
            };
            let taken = std::mem::take(&mut *held(&self.queue));
            held(&self.sent).extend(taken);
            ticket = asked;
            held(&self.progress).finished = ticket;
            self.changed.notify_all();
            if stopping {
                break;
            }
        }
        let mut progress = held(&self.progress);
        progress.ended = true;
        progress.finished = progress.asked;
        drop(progress);
        self.changed.notify_all();
    }

    /// A record in the queue, a flush, and the answer: whether the record was sent.
    fn record_and_flush(&self, record: u32) -> bool {
        held(&self.queue).push(record);
        let ticket = {
            let mut progress = held(&self.progress);
            progress.asked += 1;
            progress.asked
        };
        self.wake();
        self.wait(|progress| progress.finished >= ticket || progress.ended);
        held(&self.sent).contains(&record)
    }

    fn record_and_shut_down(&self, record: u32) -> bool {
        held(&self.queue).push(record);
        {
            let mut progress = held(&self.progress);
            progress.asked += 1;
            progress.stop_asked = true;
        }
        self.wake();
        self.wait(|progress| progress.ended);
        held(&self.sent).contains(&record)
    }

    fn wait(&self, done: impl Fn(&Progress) -> bool) {
        let mut progress = held(&self.progress);
        while !done(&progress) {
            progress = self.changed.wait(progress).expect("no panic inside");
        }
    }
}

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    // Three threads with many locks: more preemptions than that find nothing new in hours.
    builder.preemption_bound = Some(2);
    builder.check(check);
}

#[test]
fn a_flush_that_is_answered_has_sent_what_was_recorded_before_it() {
    model(|| {
        let sender = Sender::new();
        let worker = {
            let sender = Arc::clone(&sender);
            thread::spawn(move || sender.work())
        };
        assert!(sender.record_and_flush(1), "the first one");
        assert!(sender.record_and_flush(2), "the second one");
        assert!(sender.record_and_shut_down(3), "the last one");
        worker.join().expect("no panic inside");
        assert_eq!(*held(&sender.sent), [1, 2, 3]);
    });
}

/// The flush may come too late for the sender; then its record is still queued, and told so.
#[test]
fn a_flush_beside_a_shutdown_returns_and_tells_the_truth() {
    model(|| {
        let sender = Sender::new();
        let worker = {
            let sender = Arc::clone(&sender);
            thread::spawn(move || sender.work())
        };
        let other = {
            let sender = Arc::clone(&sender);
            thread::spawn(move || sender.record_and_flush(1))
        };
        assert!(sender.record_and_shut_down(2));
        let was_sent = other.join().expect("no panic inside");
        worker.join().expect("no panic inside");
        let (sent, queued) = (held(&sender.sent).clone(), held(&sender.queue).clone());
        assert!(sent.contains(&2));
        assert_eq!(was_sent, sent.contains(&1));
        assert!(sent.contains(&1) != queued.contains(&1), "sent or queued, never both or neither");
    });
}
