//! One collection: callbacks, then every stream's points, scope by scope.

use super::observable;
use super::series::Point;
use super::session::{self, Session};
use super::stream::{Reader, Stream};
use crate::pipeline::scope::ScopeData;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The points of one metric.
#[derive(Debug)]
pub(crate) struct Metric {
    pub(crate) stream: Arc<Stream>,
    pub(crate) points: Vec<Point>,
}

/// All metrics of one scope.
#[derive(Debug)]
pub(crate) struct Scoped {
    pub(crate) scope: &'static ScopeData,
    pub(crate) metrics: Vec<Metric>,
}

/// Everything that was measured, for one reader.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) reader: Reader,
    pub(crate) time_ns: u64,
    pub(crate) scopes: Vec<Scoped>,
}

/// Collects; `None` when metrics are off.
pub(crate) fn collect(reader: Reader, now_ns: u64) -> Option<Collected> {
    let session = session::current()?;
    let _turn = session.collecting();
    let observations = observable::ask(&session);
    for instrument in super::instrument::all() {
        if observations.contains_key(&instrument.id) {
            // An observable instrument has streams when it was first observed.
            session.streams_of(instrument);
        }
    }
    let mut scopes: Vec<Scoped> = Vec::new();
    for stream in session.streams() {
        let points = if stream.instrument.description.kind.is_observable() {
            // Who was not asked, or did not answer in time, has no points this time, and what was
            // told before stays the base of the next delta.
            match observations.get(&stream.instrument.id) {
                Some(said) => stream.observe(reader, now_ns, said),
                None => Vec::new(),
            }
        } else {
            stream.collect(reader, now_ns)
        };
        if !points.is_empty() {
            scope_of(&mut scopes, &stream).metrics.push(Metric { stream, points });
        }
    }
    next_interval(&session);
    Some(Collected { reader, time_ns: now_ns, scopes })
}

fn next_interval(session: &Session) {
    session.interval.fetch_add(1, Ordering::Relaxed);
}

fn scope_of<'a>(scopes: &'a mut Vec<Scoped>, stream: &Stream) -> &'a mut Scoped {
    let scope = stream.instrument.description.scope;
    let at = scopes.iter().position(|known| ptr::eq(known.scope, scope));
    let at = at.unwrap_or_else(|| {
        scopes.push(Scoped { scope, metrics: Vec::new() });
        scopes.len() - 1
    });
    &mut scopes[at]
}
