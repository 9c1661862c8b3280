//! Traces as indented text, made for inline snapshots: what differs between two runs of the same
//! program (ids, times) is left out, and what a reader compares is on one line per span.
//!
//! Flow: `receiver` -> **tree** -> the test's snapshot.

use std::collections::HashMap;
use std::fmt::Write as _;

use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::decode::SpanRecord;
use super::value::attributes;

/// The spans as one indented tree per trace.
///
/// ```text
/// front: order (internal) order.id=17
///   front: reserve (client) http.response.status_code=200
///     · retry attempt=1
///     back: POST /reserve (server) [error: out of stock]
/// ```
///
/// A line is `service: name (kind) [status] key=value …`; the status is left out when it is
/// unset. Below it stand its events (`· name key=value`), its links (`→ name`, or `→ elsewhere`
/// when the linked span is not among `spans`), and its children by start time. A span whose
/// parent is not among `spans` is marked `(parent missing)`.
pub fn tree(spans: &[SpanRecord]) -> String {
    let forest = Forest::new(spans);
    let mut text = String::new();
    let mut written = vec![false; spans.len()];
    // What no root leads to has itself as an ancestor; it is shown from its earliest span on.
    for root in forest.roots.iter().copied().chain(forest.by_start()) {
        forest.write(&mut text, &mut written, root);
    }
    text
}

/// Trace id and span id.
type Key<'a> = (&'a [u8], &'a [u8]);

struct Forest<'a> {
    spans: &'a [SpanRecord],
    names: HashMap<Key<'a>, &'a str>,
    roots: Vec<usize>,
    children: HashMap<Key<'a>, Vec<usize>>,
}

impl<'a> Forest<'a> {
    fn new(spans: &'a [SpanRecord]) -> Forest<'a> {
        let names = spans.iter().map(|record| (key(record), record.span.name.as_str())).collect();
        let (roots, children) = (Vec::new(), HashMap::new());
        let mut forest = Forest { spans, names, roots, children };
        for index in forest.by_start() {
            let parent = parent(&spans[index]);
            if forest.names.contains_key(&parent) {
                forest.children.entry(parent).or_default().push(index);
            } else {
                forest.roots.push(index);
            }
        }
        forest
    }

    /// By start time; spans of one instant by name, for two processes may be that close.
    fn by_start(&self) -> Vec<usize> {
        let mut order: Vec<_> = (0..self.spans.len()).collect();
        order.sort_by_key(|&index| {
            let span = &self.spans[index].span;
            (span.start_time_unix_nano, span.name.as_str())
        });
        order
    }

    fn write(&self, text: &mut String, written: &mut [bool], root: usize) {
        // A stack of our own: the depth of a trace is the sender's choice.
        let mut open = vec![(root, 0)];
        while let Some((index, depth)) = open.pop() {
            // A span that was sent twice leads to its children twice, a cycle to itself.
            if std::mem::replace(&mut written[index], true) {
                continue;
            }
            let record = &self.spans[index];
            self.write_span(text, record, depth);
            let children = self.children.get(&key(record)).into_iter().flatten();
            open.extend(children.rev().map(|&child| (child, depth + 1)));
        }
    }

    fn write_span(&self, text: &mut String, record: &SpanRecord, depth: usize) {
        line(text, depth, &self.headline(record, depth));
        for event in &record.span.events {
            line(text, depth + 1, &event_line(event));
        }
        for link in &record.span.links {
            line(text, depth + 1, &self.link_line(link));
        }
    }

    fn headline(&self, record: &SpanRecord, depth: usize) -> String {
        let span = &record.span;
        let service = if record.service().is_empty() { "(no service)" } else { record.service() };
        let kind = kind(span.kind);
        let status = status(record);
        let mut text = format!("{service}: {} ({kind}){status}", span.name);
        text += &attributes(&span.attributes);
        text += &dropped(span.dropped_attributes_count, "attribute");
        text += &dropped(span.dropped_events_count, "event");
        text += &dropped(span.dropped_links_count, "link");
        if depth == 0 && !span.parent_span_id.is_empty() {
            let in_cycle = self.names.contains_key(&parent(record));
            text += if in_cycle { " (its own ancestor)" } else { " (parent missing)" };
        }
        text
    }

    fn link_line(&self, link: &Link) -> String {
        let target = (link.trace_id.as_slice(), link.span_id.as_slice());
        let name = self.names.get(&target).copied().unwrap_or("elsewhere");
        let dropped = dropped(link.dropped_attributes_count, "attribute");
        format!("→ {name}{}{dropped}", attributes(&link.attributes))
    }
}

fn key(record: &SpanRecord) -> Key<'_> {
    (&record.span.trace_id, &record.span.span_id)
}

fn parent(record: &SpanRecord) -> Key<'_> {
    (&record.span.trace_id, &record.span.parent_span_id)
}

fn line(text: &mut String, depth: usize, content: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{:indent$}{content}", "", indent = depth * 2);
}

fn event_line(event: &Event) -> String {
    let dropped = dropped(event.dropped_attributes_count, "attribute");
    format!("· {}{}{dropped}", event.name, attributes(&event.attributes))
}

fn kind(kind: i32) -> String {
    match SpanKind::try_from(kind) {
        Ok(SpanKind::Unspecified) => "kind unspecified".to_owned(),
        Ok(SpanKind::Internal) => "internal".to_owned(),
        Ok(SpanKind::Server) => "server".to_owned(),
        Ok(SpanKind::Client) => "client".to_owned(),
        Ok(SpanKind::Producer) => "producer".to_owned(),
        Ok(SpanKind::Consumer) => "consumer".to_owned(),
        Err(_) => format!("unknown kind {kind}"),
    }
}

fn status(record: &SpanRecord) -> String {
    let Some(status) = &record.span.status else { return String::new() };
    let code = match StatusCode::try_from(status.code) {
        Ok(StatusCode::Unset) if status.message.is_empty() => return String::new(),
        Ok(StatusCode::Unset) => "unset".to_owned(),
        Ok(StatusCode::Ok) => "ok".to_owned(),
        Ok(StatusCode::Error) => "error".to_owned(),
        Err(_) => format!("unknown status {}", status.code),
    };
    match status.message.as_str() {
        "" => format!(" [{code}]"),
        message => format!(" [{code}: {message}]"),
    }
}

fn dropped(count: u32, what: &str) -> String {
    match count {
        0 => String::new(),
        1 => format!(" (1 {what} dropped)"),
        _ => format!(" ({count} {what}s dropped)"),
    }
}
