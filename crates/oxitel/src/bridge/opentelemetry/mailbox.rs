//! How users of the OpenTelemetry API change a span that somebody else owns.
//!
//! `Context::current().span()` may show a span of `tracing` or of our own API, which is owned
//! elsewhere and changed without a lock. So changes through the Context are *letters*: the owner
//! reads them before its own next change, and when the span ends.

use super::convert::{Borrowed, status, with_pairs};
use crate::context::SpanContext;
use crate::pipeline::scratch::Scratch;
use crate::pipeline::state;
use crate::record::link_target;
use opentelemetry::{KeyValue, trace};
use std::borrow::Cow;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// More unread letters than this are not kept: their number, not their size, is in question.
const MOST_LETTERS: usize = 1024;

/// One change.
#[derive(Debug)]
pub(crate) enum Letter {
    Attribute(KeyValue),
    Event {
        time_ns: u64,
        name: Cow<'static, str>,
        attributes: Vec<KeyValue>,
    },
    Link {
        to: SpanContext,
        attributes: Vec<KeyValue>,
    },
    Status(trace::Status),
    Name(Cow<'static, str>),
    End {
        wall_ns: u64,
    },
    /// So many letters were not kept.
    Lost(u32),
}

/// The letters to one live span.
#[derive(Debug)]
pub(crate) struct Mailbox {
    /// The process (counted in forks) of the span. Another one's lock may be held for ever.
    epoch: u64,
    open: AtomicBool,
    /// Whether there is anything to read: asked at each change of the span.
    waiting: AtomicBool,
    letters: Mutex<Letters>,
}

#[derive(Debug, Default)]
struct Letters {
    list: Vec<Letter>,
    lost: u32,
}

impl Mailbox {
    pub(crate) fn new(epoch: u64) -> Self {
        Self {
            epoch,
            open: AtomicBool::new(true),
            waiting: AtomicBool::new(false),
            letters: Mutex::default(),
        }
    }

    /// For the next span; nobody else knows of it.
    pub(crate) fn reopen(&mut self, epoch: u64) {
        self.epoch = epoch;
        *self.open.get_mut() = true;
    }

    /// Whether the span still listens.
    pub(super) fn is_open(&self) -> bool {
        // Relaxed: a letter that comes too late is dropped under the lock.
        self.epoch == state::epoch() && self.open.load(Ordering::Relaxed)
    }

    /// Leaves a letter, unless the span has ended.
    pub(super) fn send(&self, letter: Letter) {
        if !self.is_open() {
            return;
        }
        let mut letters = self.lock();
        if !self.open.load(Ordering::Relaxed) {
            return;
        }
        if let Letter::End { .. } = letter {
            self.open.store(false, Ordering::Relaxed);
        } else if letters.list.len() >= MOST_LETTERS {
            letters.lost += 1;
            return;
        }
        letters.list.push(letter);
        // Release: who sees the mark finds the letter.
        self.waiting.store(true, Ordering::Release);
    }

    /// What has come so far.
    #[inline]
    pub(crate) fn take(&self) -> Vec<Letter> {
        // Acquire: pairs with `send`.
        if self.waiting.load(Ordering::Acquire) { self.collect() } else { Vec::new() }
    }

    /// What has come; nothing comes after.
    pub(crate) fn close(&self) -> Vec<Letter> {
        if self.epoch != state::epoch() {
            return Vec::new();
        }
        let mut letters = self.lock();
        self.open.store(false, Ordering::Relaxed);
        self.empty(&mut letters)
    }

    #[cold]
    fn collect(&self) -> Vec<Letter> {
        if self.epoch != state::epoch() {
            return Vec::new();
        }
        self.empty(&mut self.lock())
    }

    fn empty(&self, letters: &mut Letters) -> Vec<Letter> {
        self.waiting.store(false, Ordering::Relaxed);
        let mut list = mem::take(&mut letters.list);
        if letters.lost > 0 {
            list.push(Letter::Lost(mem::take(&mut letters.lost)));
        }
        list
    }

    fn lock(&self) -> MutexGuard<'_, Letters> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Letter {
    /// Changes the span.
    pub(crate) fn apply(self, scratch: &mut Scratch) {
        match self {
            Self::Attribute(pair) => {
                scratch.set_attribute(pair.key.as_str(), &Borrowed::of(&pair.value).value());
            }
            Self::Event { time_ns, name, attributes } => {
                with_pairs(&attributes, |pairs| scratch.add_event(time_ns, &name, pairs));
            }
            Self::Link { to, attributes } => {
                with_pairs(&attributes, |pairs| scratch.add_link(&link_target(&to), pairs));
            }
            Self::Status(given) => scratch.set_status(&status(&given)),
            Self::Name(name) => scratch.set_name(&name),
            Self::End { wall_ns } => scratch.ended_at = Some(wall_ns),
            Self::Lost(count) => scratch.attributes.dropped += count,
        }
    }
}
