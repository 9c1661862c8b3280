//! The law of conservation, checked from both ends: what the senders say and what arrived.
//!
//! Flow: `receiver` + the ledgers of all senders -> **judge** -> verdict.

use std::collections::BTreeMap;
use std::fmt;

use super::decode::{SpanRecord, hex};
use super::receiver::Receiver;
use crate::Stats;

/// Compares what `receiver` accepted with the ledgers of all processes that sent to it, each read
/// after its last flush or its end.
///
/// The law: every ledger is balanced, what they call delivered is what was accepted, and no span
/// was accepted twice.
pub fn judge(receiver: &Receiver, ledgers: &[Stats]) -> Verdict {
    judge_records(&receiver.spans(), receiver.logs().len(), ledgers)
}

/// What [`judge`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a verdict that nobody reads proves nothing"]
pub struct Verdict {
    /// Each breach of the law; none is a clean verdict.
    pub broken: Vec<Broken>,
}

impl Verdict {
    /// Whether the law holds.
    pub fn is_clean(&self) -> bool {
        self.broken.is_empty()
    }

    /// Does nothing when the law holds.
    ///
    /// # Panics
    ///
    /// With each breach on a line of its own.
    #[track_caller]
    pub fn expect_clean(&self) {
        assert!(self.is_clean(), "conservation is broken:\n{self}");
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.broken.iter().try_for_each(|broken| writeln!(formatter, "- {broken}"))
    }
}

/// One breach of the law.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Broken {
    /// A ledger's parts do not add up to what it recorded.
    Unbalanced {
        /// Its place among the ledgers, from 0.
        position: usize,
        /// The ledger.
        ledger: Stats,
    },
    /// The senders count other than the receiver.
    Miscounted {
        /// The sum over the ledgers.
        delivered: u64,
        /// The number of different spans, and of log records, that were accepted.
        accepted: u64,
    },
    /// A span was accepted more than once.
    Repeated {
        /// The span's name.
        name: String,
        /// Its id in hex.
        span_id: String,
        /// How often it came.
        times: usize,
    },
    /// A span has no valid id: 16 bytes for its trace and 8 for itself, neither all zero.
    Unidentified {
        /// The span's name.
        name: String,
        /// Its trace's id in hex.
        trace_id: String,
        /// Its id in hex.
        span_id: String,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Unbalanced { position, ledger } => {
                write!(formatter, "ledger {position} is not balanced: {ledger}")
            }
            Broken::Miscounted { delivered, accepted } => {
                write!(formatter, "ledgers: {delivered} delivered, receiver: {accepted} accepted")
            }
            Broken::Repeated { name, span_id, times } => {
                write!(formatter, "span {name:?} ({span_id}) was accepted {times} times")
            }
            Broken::Unidentified { name, trace_id, span_id } => write!(
                formatter,
                "span {name:?} has no valid id: trace id {trace_id:?}, span id {span_id:?}"
            ),
        }
    }
}

/// [`judge`] of spans at hand.
pub(super) fn judge_records(spans: &[SpanRecord], logs: usize, ledgers: &[Stats]) -> Verdict {
    let by_id = by_id(spans);
    let delivered = ledgers.iter().map(|ledger| ledger.delivered).sum();
    let accepted = (by_id.len() + logs) as u64;
    let miscounted = (delivered != accepted).then_some(Broken::Miscounted { delivered, accepted });
    let broken = unbalanced(ledgers)
        .chain(miscounted)
        .chain(by_id.values().filter_map(|same| repeated(same)))
        .chain(spans.iter().filter_map(unidentified))
        .collect();
    Verdict { broken }
}

type Id<'a> = (&'a [u8], &'a [u8]);

fn by_id(spans: &[SpanRecord]) -> BTreeMap<Id<'_>, Vec<&SpanRecord>> {
    let mut by_id: BTreeMap<Id<'_>, Vec<_>> = BTreeMap::new();
    for record in spans {
        by_id.entry((&record.span.trace_id, &record.span.span_id)).or_default().push(record);
    }
    by_id
}

fn unbalanced(ledgers: &[Stats]) -> impl Iterator<Item = Broken> {
    let unbalanced = ledgers.iter().enumerate().filter(|(_, ledger)| !ledger.is_balanced());
    unbalanced.map(|(position, &ledger)| Broken::Unbalanced { position, ledger })
}

fn repeated(same: &[&SpanRecord]) -> Option<Broken> {
    let [first, _, ..] = same else { return None };
    let (name, span_id) = (first.span.name.clone(), first.span_id());
    Some(Broken::Repeated { name, span_id, times: same.len() })
}

fn unidentified(record: &SpanRecord) -> Option<Broken> {
    let span = &record.span;
    let is_valid = |id: &[u8], length| id.len() == length && id.iter().any(|&byte| byte != 0);
    if is_valid(&span.trace_id, 16) && is_valid(&span.span_id, 8) {
        return None;
    }
    let (trace_id, span_id) = (hex(&span.trace_id), hex(&span.span_id));
    Some(Broken::Unidentified { name: span.name.clone(), trace_id, span_id })
}
