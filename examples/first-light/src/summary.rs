//! What the receiver remembers: counts of everything, and the latest traces themselves.

use std::collections::{BTreeSet, HashMap, VecDeque};

use oxitel::testing::SpanRecord;
use oxitel::testing::proto::trace::v1::span::SpanKind;
use serde::Serialize;

/// Traces that are kept to be looked at; older ones are only counted.
const KEPT_TRACES: usize = 256;
/// A trace with more spans is cut off here: no sender decides how much memory we use.
const KEPT_SPANS: usize = 4096;

/// Everything that arrived, in bounded space.
#[derive(Default)]
pub(crate) struct Summary {
    traces: u64,
    spans: u64,
    services: BTreeSet<String>,
    kept: HashMap<Vec<u8>, Vec<SpanRecord>>,
    /// The ids of the kept traces by arrival of their first span.
    order: VecDeque<Vec<u8>>,
}

/// The summary as it is served.
#[derive(Serialize)]
struct Page<'a> {
    traces: u64,
    services: &'a BTreeSet<String>,
    spans: u64,
    latest: Option<Latest>,
}

#[derive(Serialize)]
struct Latest {
    trace_id: String,
    spans: usize,
    services: usize,
    complete: bool,
}

impl Summary {
    /// Takes a span in. A span of a trace that is no longer kept begins a new one.
    pub(crate) fn add(&mut self, record: SpanRecord) {
        self.spans += 1;
        if !self.services.contains(record.service()) && self.services.len() < KEPT_TRACES {
            self.services.insert(record.service().to_owned());
        }
        let id = &record.span.trace_id;
        if !self.kept.contains_key(id) {
            self.traces += 1;
            self.order.push_back(id.clone());
            self.forget_the_oldest();
        }
        let trace = self.kept.entry(id.clone()).or_default();
        if trace.len() < KEPT_SPANS {
            trace.push(record);
        }
    }

    /// The summary as JSON.
    pub(crate) fn json(&self) -> String {
        let latest = self.latest().map(|trace| Latest {
            trace_id: trace[0].trace_id(),
            spans: trace.len(),
            services: trace.iter().map(SpanRecord::service).collect::<BTreeSet<_>>().len(),
            complete: is_complete(trace),
        });
        let Summary { traces, spans, services, .. } = self;
        let page = Page { traces: *traces, services, spans: *spans, latest };
        serde_json::to_string(&page).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
    }

    /// The latest complete trace as text; nothing when there is none.
    pub(crate) fn tree(&self) -> String {
        let latest = self.latest().filter(|trace| is_complete(trace));
        latest.map(oxitel::testing::tree).unwrap_or_default()
    }

    /// Of the complete traces the one that began last, or else of all.
    fn latest(&self) -> Option<&[SpanRecord]> {
        let traces = || self.kept.values().map(Vec::as_slice);
        let complete = traces().filter(|trace| is_complete(trace)).max_by_key(began);
        complete.or_else(|| traces().max_by_key(began))
    }

    fn forget_the_oldest(&mut self) {
        if self.order.len() > KEPT_TRACES {
            let oldest = self.order.pop_front();
            oldest.map(|id| self.kept.remove(&id));
        }
    }
}

fn began(trace: &&[SpanRecord]) -> Option<u64> {
    trace.iter().map(|record| record.span.start_time_unix_nano).min()
}

/// Whether the trace has a root, every parent, and the other side of every call.
fn is_complete(trace: &[SpanRecord]) -> bool {
    let ids: BTreeSet<_> = trace.iter().map(|record| &record.span.span_id).collect();
    let parents: BTreeSet<_> = trace.iter().map(|record| &record.span.parent_span_id).collect();
    let is_call = |record: &SpanRecord| record.span.kind == SpanKind::Client as i32;
    parents.iter().any(|parent| parent.is_empty())
        && parents.iter().all(|parent| parent.is_empty() || ids.contains(parent))
        && trace.iter().all(|record| !is_call(record) || parents.contains(&record.span.span_id))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use oxitel::testing::proto::trace::v1::Span;

    use super::*;

    fn record(trace: u8, id: u8, parent: u8, kind: SpanKind) -> SpanRecord {
        let span = Span {
            trace_id: vec![trace; 16],
            span_id: vec![id; 8],
            parent_span_id: if parent == 0 { Vec::new() } else { vec![parent; 8] },
            name: format!("span {id}"),
            kind: kind as i32,
            start_time_unix_nano: u64::from(trace),
            ..Span::default()
        };
        SpanRecord { resource: Arc::default(), scope: Arc::default(), span }
    }

    fn latest(summary: &Summary) -> String {
        let json = summary.json();
        json.split_once("\"latest\":").expect("a latest trace").1.to_owned()
    }

    #[test]
    fn a_trace_is_complete_when_both_sides_of_its_call_have_come() {
        let mut summary = Summary::default();
        summary.add(record(1, 3, 2, SpanKind::Server));
        assert_eq!(summary.tree(), "", "root and client are missing");
        summary.add(record(1, 1, 0, SpanKind::Internal));
        assert_eq!(summary.tree(), "", "the client is missing");
        summary.add(record(1, 2, 1, SpanKind::Client));
        assert_eq!(summary.tree().lines().count(), 3);
        summary.add(record(2, 1, 0, SpanKind::Internal));
        summary.add(record(2, 2, 1, SpanKind::Client));
        insta::assert_snapshot!(
            latest(&summary),
            @r#"{"trace_id":"01010101010101010101010101010101","spans":3,"services":1,"complete":true}}"#
        );
        assert_eq!((summary.traces, summary.spans), (2, 5));
    }

    #[test]
    fn old_traces_are_counted_but_not_kept() {
        let mut summary = Summary::default();
        for number in 0..=KEPT_TRACES as u64 {
            let mut root = record(1, 1, 0, SpanKind::Internal);
            root.span.trace_id = number.to_be_bytes().repeat(2);
            summary.add(root);
        }
        assert_eq!(summary.traces, KEPT_TRACES as u64 + 1);
        assert_eq!((summary.kept.len(), summary.order.len()), (KEPT_TRACES, KEPT_TRACES));
    }
}
