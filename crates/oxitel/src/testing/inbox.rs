//! What a receiver has been told and what it got: shared by its thread and by the test.
//!
//! Flow: `server` -> **inbox** -> `receiver`. The server asks for the next answer and records
//! what arrived; the test sets answers and waits.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::http::HeaderMap;
use bytes::Bytes;
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;

use super::answer::Answer;
use super::decode::{Decoded, SpanRecord};
use super::log::LogEntry;

/// One request as it arrived.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The path of the URL.
    pub path: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as sent: framed over gRPC, and not decompressed.
    pub body: Bytes,
    /// Whether the client spoke gRPC.
    pub grpc: bool,
    /// What it was answered; the receiver's own refusals (unknown path, undecodable body …)
    /// stand here as [`Answer::Status`].
    pub answer: Answer,
    /// When the last byte of the body was in.
    pub arrived: Instant,
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} bytes -> {:?}", self.path, self.body.len(), self.answer)
    }
}

/// Takes over what arrives instead of the inbox.
pub(super) type Take = Box<dyn FnMut(Request, Vec<SpanRecord>) + Send>;

/// A page that the receiver serves beside OTLP.
pub(super) struct Page {
    pub(super) content_type: &'static str,
    pub(super) render: Box<dyn Fn() -> String + Send + Sync>,
}

#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    arrived: Condvar,
    /// Apart from the state, so that the function may ask the receiver about other things.
    take: Mutex<Option<Take>>,
    pages: Mutex<HashMap<String, Page>>,
}

#[derive(Default)]
pub(super) struct State {
    standing: Answer,
    script: VecDeque<Answer>,
    pub(super) requests: Vec<Request>,
    pub(super) spans: Vec<SpanRecord>,
    pub(super) logs: Vec<LogEntry>,
    pub(super) metrics: Vec<ResourceMetrics>,
}

impl Inbox {
    pub(super) fn set_standing(&self, answer: Answer) {
        self.state().standing = answer;
    }

    pub(super) fn extend_script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state().script.extend(answers);
    }

    /// The scripted answer whose turn it is, else the standing one.
    pub(super) fn next_answer(&self) -> Answer {
        let mut state = self.state();
        state.script.pop_front().unwrap_or_else(|| state.standing.clone())
    }

    /// Keeps what arrived, or hands it over.
    pub(super) fn record(&self, request: Request, taken: Decoded) {
        if let Some(take) = locked(&self.take).as_mut() {
            take(request, taken.spans);
            return;
        }
        let mut state = self.state();
        state.requests.push(request);
        state.spans.extend(taken.spans);
        state.logs.extend(taken.logs);
        state.metrics.extend(taken.metrics);
        self.arrived.notify_all();
    }

    pub(super) fn set_take(&self, take: Take) {
        *locked(&self.take) = Some(take);
    }

    pub(super) fn add_page(&self, path: &str, page: Page) {
        locked(&self.pages).insert(path.to_owned(), page);
    }

    /// The content type and the text of the page at `path`.
    pub(super) fn page(&self, path: &str) -> Option<(&'static str, String)> {
        locked(&self.pages).get(path).map(|page| (page.content_type, (page.render)()))
    }

    /// Waits until `done` or for `limit`, and tells which it was.
    pub(super) fn wait_until(&self, limit: Duration, done: impl Fn(&State) -> bool) -> bool {
        let (_state, wait) = self
            .arrived
            .wait_timeout_while(self.state(), limit, |state| !done(state))
            .unwrap_or_else(PoisonError::into_inner);
        !wait.timed_out()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

/// A test that panicked elsewhere must still be able to print what arrived: poison is ignored.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
