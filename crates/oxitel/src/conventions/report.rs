//! What is told of a piece of work while it runs, by functions that do not have its span.
//!
//! A span belongs to whoever holds it, so that nobody else can write to it. What is told lies in
//! the thread's list of open work instead, and goes to the span when the work ends or leaves the
//! thread.

use super::{background, db};
use crate::pipeline::{clock, state};
use crate::record::Span;
use std::borrow::Cow;
use std::cell::RefCell;
use std::thread::LocalKey;

/// What can be told of one kind of work.
pub trait Report: Default + 'static {
    /// Where the thread keeps it.
    fn open() -> &'static LocalKey<RefCell<Open<Self>>>;
    /// Puts it on the span that ends.
    fn write(&mut self, span: &mut Span);
}

/// What was told of the work that is current on this thread, the innermost last.
#[derive(Debug)]
pub struct Open<R> {
    reports: Vec<(u64, R)>,
    last: u64,
}

impl<R> Open<R> {
    const NOTHING: Self = Self { reports: Vec::new(), last: 0 };
}

thread_local! {
    static ROWS: RefCell<Open<Rows>> = const { RefCell::new(Open::NOTHING) };
    static PROGRESS: RefCell<Open<Progress>> = const { RefCell::new(Open::NOTHING) };
}

/// Runs with the thread's list; `None` when the thread ends. Nothing of the program's runs there.
fn with_open<R: Report, T>(action: impl FnOnce(&mut Open<R>) -> T) -> Option<T> {
    let act =
        |open: &RefCell<Open<R>>| open.try_borrow_mut().ok().map(|mut open| action(&mut open));
    R::open().try_with(act).ok().flatten()
}

/// The work becomes current; the number says which it is. Work that is not recorded matters only
/// where it hides work that is.
#[inline]
pub(super) fn lend<R: Report>(report: &mut R, is_recording: bool) -> Option<u64> {
    (is_recording || state::is_on()).then(|| push(report, is_recording)).flatten()
}

fn push<R: Report>(report: &mut R, is_recording: bool) -> Option<u64> {
    let push = |open: &mut Open<R>| {
        (is_recording || !open.reports.is_empty()).then(|| {
            open.last += 1;
            open.reports.push((open.last, std::mem::take(report)));
            open.last
        })
    };
    with_open(push).flatten()
}

/// It is current no more. Guards may be dropped in any order.
pub(super) fn take_back<R: Report>(number: u64, report: &mut R) {
    with_open(|open: &mut Open<R>| {
        if let Some(at) = open.reports.iter().rposition(|(known, _)| *known == number) {
            *report = open.reports.remove(at).1;
        }
    });
}

#[inline]
fn tell<R: Report>(what: impl FnOnce(&mut R)) {
    if state::is_on() {
        with_open(|open: &mut Open<R>| open.reports.last_mut().map(|(_, report)| what(report)));
    }
}

/// What a database operation answered with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rows {
    returned: Option<u64>,
    affected: Option<u64>,
}

pub(super) fn tell_rows(returned: Option<u64>, affected: Option<u64>) {
    tell(|rows: &mut Rows| {
        rows.returned = returned.or(rows.returned);
        rows.affected = affected.or(rows.affected);
    });
}

impl Report for Rows {
    fn open() -> &'static LocalKey<RefCell<Open<Self>>> {
        &ROWS
    }

    fn write(&mut self, span: &mut Span) {
        if let Some(returned) = self.returned {
            span.set_attribute(db::RETURNED_ROWS, returned);
        }
        if let Some(affected) = self.affected {
            span.set_attribute(db::AFFECTED_ROWS, affected);
        }
    }
}

/// How a job went so far.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    batch_size: Option<u64>,
    duration_ms: Option<u64>,
    started_ns: Option<u64>,
    status: Option<Cow<'static, str>>,
}

pub(super) fn tell_progress(batch_size: Option<u64>, duration_ms: Option<u64>, status: &str) {
    tell(|progress: &mut Progress| {
        progress.batch_size = batch_size.or(progress.batch_size);
        progress.duration_ms = duration_ms.or(progress.duration_ms);
        if status == background::STARTED {
            progress.started_ns.get_or_insert_with(|| clock::now().wall_ns);
        }
        let known = STATUSES.into_iter().find(|known| *known == status);
        progress.status = Some(known.map_or_else(|| status.to_owned().into(), Cow::Borrowed));
    });
}

/// Those that need no copy.
const STATUSES: [&str; 4] =
    [background::STARTED, background::SUCCESS, background::FAILED, background::PARTIAL];
const NO_END: &str = "the job began and did not tell how it ended";

impl Report for Progress {
    fn open() -> &'static LocalKey<RefCell<Open<Self>>> {
        &PROGRESS
    }

    fn write(&mut self, span: &mut Span) {
        if let Some(batch_size) = self.batch_size {
            span.set_attribute(background::BATCH_SIZE, batch_size);
        }
        if let Some(duration_ms) = self.duration_ms {
            span.set_attribute(background::DURATION_MS, duration_ms);
        }
        if let Some(started_ns) = self.started_ns {
            span.add_event_at(started_ns, background::STARTED_EVENT, &[]);
        }
        let Some(told) = self.status.as_deref() else { return };
        // Who began and never said how it ended gave up on the way.
        let has_no_end = told == background::STARTED;
        let status = if has_no_end { background::FAILED } else { told };
        span.set_attribute(background::STATUS, status);
        if status == background::FAILED {
            let why = if has_no_end { NO_END } else { "" };
            span.fail(why);
        }
    }
}
