//! Instruments that are asked: their callbacks run on a thread of Python's.
//!
//! Flow: a collection -> `ask`, on a thread of the engine -> the question -> `next_question`, on
//! the thread of Python's -> the callback -> `told` -> the collection goes on.
//!
//! No frame of ours lies below a callback. An interpreter that ends kills the threads that want
//! back into it by unwinding their stacks, which frames of Rust do not survive.

use super::amount::amount;
use super::instruments::refuse;
use crate::api::api;
use crate::attributes::{lend_pairs, owned_pairs};
use crate::join;
use oxitel::binding::{Amount, OwnedValue, PerProcess};
use oxitel::metrics::Observer;
use pyo3::prelude::*;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

static DESK: PerProcess<Desk> = PerProcess::new();

/// Where the two threads of a process meet. Locked for moments, and never while code of the
/// program runs.
#[derive(Default)]
struct Desk {
    has_thread: AtomicBool,
    questions: Mutex<VecDeque<Question>>,
    news: Condvar,
    /// The one that is being answered.
    open: Mutex<Option<Question>>,
}

struct Question {
    callback: u64,
    answer: SyncSender<Vec<Told>>,
}

/// An observation.
type Told = (Amount, Vec<(String, OwnedValue)>);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks a callback, and tells the observer what it said. The engine waits for so long and no
/// longer.
pub(super) fn ask(callback: u64, begin: &Py<PyAny>, observer: &Observer<'_, Amount>) {
    // A forked child has no thread yet. An interpreter that ends begins none, and one that has
    // ended has nobody to answer: what else was measured need not wait for it. No logger is told
    // from here, for it would run above frames of ours.
    let desk = DESK.get();
    let has_thread = desk.has_thread.load(Ordering::Acquire);
    if join::is_leaving()
        || !has_thread && !matches!(Python::try_attach(|py| be_ready(begin.bind(py))), Some(Ok(())))
    {
        return;
    }
    let (answer, answers) = mpsc::sync_channel(1);
    locked(&desk.questions).push_back(Question { callback, answer });
    desk.news.notify_one();
    // Nothing comes when that thread is gone.
    for (amount, pairs) in answers.recv().unwrap_or_default() {
        lend_pairs(pairs, |pairs| observer.observe(amount, pairs));
    }
}

/// Begins the thread that answers, if this process has none: `begin` does it.
pub(super) fn be_ready(begin: &Bound<'_, PyAny>) -> PyResult<()> {
    let desk = DESK.get();
    if desk.has_thread.swap(true, Ordering::AcqRel) {
        return Ok(());
    }
    let started = begin.call0();
    desk.has_thread.store(started.is_ok(), Ordering::Release);
    started.map(drop)
}

/// Waits for the next question; returns the number of its callback.
#[pyfunction]
pub(crate) fn next_question(py: Python<'_>) -> u64 {
    let desk = DESK.get();
    py.detach(|| {
        let mut questions = locked(&desk.questions);
        loop {
            if let Some(question) = questions.pop_front() {
                let callback = question.callback;
                *locked(&desk.open) = Some(question);
                return callback;
            }
            questions = desk.news.wait(questions).unwrap_or_else(PoisonError::into_inner);
        }
    })
}

/// Answers the question with these observations: pairs of a number and attributes.
#[pyfunction]
pub(crate) fn told(
    py: Python<'_>,
    name: &str,
    observations: Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)>,
) {
    let read = |(value, attributes): &(Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let amount = amount(value).filter(|amount| is_finite(*amount));
        if amount.is_none() {
            refuse(py, name);
        }
        Some((amount?, owned_pairs(api(py), Some(attributes))))
    };
    let told = observations.iter().filter_map(read).collect();
    let open = locked(&DESK.get().open).take();
    if let Some(question) = open {
        // Who asked may have gone.
        let _ = question.answer.try_send(told);
    }
}

fn is_finite(amount: Amount) -> bool {
    match amount {
        Amount::Whole(_) => true,
        Amount::Float(number) => number.is_finite(),
    }
}
