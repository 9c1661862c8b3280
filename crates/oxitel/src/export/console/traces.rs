//! Spans as trees. A batch may have parts of a trace only: a span whose parent is elsewhere stands
//! at the top and names it.

use super::page::{BOLD, DIM, GREEN, Page, RED, duration, id, last_number, shown, time_of_day};
use super::read::{Group, bits, messages};
use crate::wire::{Content, Fields};
use std::collections::BTreeMap;

/// Names are aligned up to this width.
const WIDEST: usize = 44;
/// Deeper spans are not moved further to the right.
const MOST_RAILS: usize = 24;

/// Writes the traces of the resource, in the order in which they come.
pub(super) fn write(page: &mut Page, group: &Group<'_>) {
    let spans = group.scopes.iter().flat_map(|(_, records)| records).map(|record| span(record));
    let mut order = Vec::new();
    let mut traces: BTreeMap<&[u8], Vec<Span<'_>>> = BTreeMap::new();
    for span in spans {
        let trace = traces.entry(span.trace).or_default();
        if trace.is_empty() {
            order.push(span.trace);
        }
        trace.push(span);
    }
    for trace in order.iter().filter_map(|trace| traces.get(trace)) {
        write_trace(page, group.service, trace);
    }
}

/// What is shown of a span.
#[derive(Debug, Default)]
struct Span<'a> {
    trace: &'a [u8],
    id: &'a [u8],
    parent: &'a [u8],
    name: &'a [u8],
    kind: u64,
    start: u64,
    end: u64,
    /// The whole of it, for what there may be several of.
    message: &'a [u8],
}

fn span(message: &[u8]) -> Span<'_> {
    let mut span = Span { message, ..Span::default() };
    for (number, content) in Fields::new(message).flatten() {
        match (number, content) {
            (1, Content::Bytes(bytes)) => span.trace = bytes,
            (2, Content::Bytes(bytes)) => span.id = bytes,
            (4, Content::Bytes(bytes)) => span.parent = bytes,
            (5, Content::Bytes(bytes)) => span.name = bytes,
            (6, content) => span.kind = bits(content),
            (7, content) => span.start = bits(content),
            (8, content) => span.end = bits(content),
            _ => {}
        }
    }
    span
}

fn write_trace(page: &mut Page, service: &[u8], spans: &[Span<'_>]) {
    let start = spans.iter().map(|span| span.start).min().unwrap_or(0);
    page.painted(DIM, time_of_day(start));
    page.push(" ");
    page.painted(BOLD, shown(service));
    let trace = spans.first().map_or(&[][..], |span| span.trace);
    page.painted(DIM, format_args!("  trace {}", id(trace)));
    page.push("\n");
    let rows = rows(spans);
    let width = |row: &Row| row.rails.chars().count() + shown(spans[row.span].name).chars().count();
    let widest = rows.iter().map(width).max().unwrap_or(0).min(WIDEST);
    for row in &rows {
        let pad = widest.saturating_sub(width(row));
        write_span(page, row, &spans[row.span], pad);
    }
}

/// One span in the order of the tree.
#[derive(Debug)]
struct Row {
    span: usize,
    /// What is drawn before its name, and before the lines below it.
    rails: String,
    below: String,
    /// It has a parent, which is not above it.
    is_torn: bool,
}

fn write_span(page: &mut Page, row: &Row, span: &Span<'_>, pad: usize) {
    let status = messages(span.message, 15).last().unwrap_or_default();
    let code = last_number(status, 3).unwrap_or(0);
    if !row.rails.is_empty() {
        page.painted(DIM, &row.rails);
    }
    page.painted(if code == 2 { RED } else { BOLD }, shown(span.name));
    page.push(&" ".repeat(pad));
    page.push(&format!("  {:>9}", duration(span.end.saturating_sub(span.start))));
    if let Some(kind) = kind(span.kind) {
        page.painted(DIM, format_args!("  {kind}"));
    }
    match code {
        1 => page.painted(GREEN, "  ok"),
        2 => {
            let message = messages(status, 2).last().map(shown).unwrap_or_default();
            let colon = if message.is_empty() { "" } else { ": " };
            page.painted(RED, format_args!("  error{colon}{message}"));
        }
        _ => {}
    }
    page.attributes(messages(span.message, 9));
    if row.is_torn {
        page.painted(DIM, format_args!("  parent {}", id(span.parent)));
    }
    page.push("\n");
    for event in messages(span.message, 11) {
        write_event(page, row, span, event);
    }
}

fn write_event(page: &mut Page, row: &Row, span: &Span<'_>, event: &[u8]) {
    let name = messages(event, 2).last().unwrap_or_default();
    let time = last_number(event, 1).unwrap_or(0).saturating_sub(span.start);
    page.painted(DIM, format_args!("{}· +{} ", row.below, duration(time)));
    let colour = if name == b"exception" { RED } else { BOLD };
    page.painted(colour, shown(name));
    page.attributes(messages(event, 3));
    page.push("\n");
}

fn kind(number: u64) -> Option<&'static str> {
    match number {
        2 => Some("server"),
        3 => Some("client"),
        4 => Some("producer"),
        5 => Some("consumer"),
        _ => None,
    }
}

/// The spans as they are drawn: parents before children, older siblings before younger ones. Each
/// stands there once, also if some of them are each other's parents.
fn rows(spans: &[Span<'_>]) -> Vec<Row> {
    let by_id: BTreeMap<&[u8], usize> =
        spans.iter().enumerate().rev().map(|(index, span)| (span.id, index)).collect();
    let mut children = vec![Vec::new(); spans.len()];
    let mut tops = Vec::new();
    for (index, span) in spans.iter().enumerate() {
        match by_id.get(span.parent) {
            Some(parent) if !span.parent.is_empty() && *parent != index => {
                children[*parent].push(index);
            }
            _ => tops.push(index),
        }
    }
    let by_start = |list: &mut Vec<usize>| list.sort_by_key(|index| spans[*index].start);
    by_start(&mut tops);
    children.iter_mut().for_each(by_start);
    let mut drawing = Drawing { spans, children, drawn: vec![false; spans.len()], rows: vec![] };
    // Those that are only below each other come after all others, as they come.
    for top in tops.into_iter().chain(0..spans.len()) {
        drawing.tree(top);
    }
    drawing.rows
}

struct Drawing<'a> {
    spans: &'a [Span<'a>],
    children: Vec<Vec<usize>>,
    drawn: Vec<bool>,
    rows: Vec<Row>,
}

impl Drawing<'_> {
    fn tree(&mut self, top: usize) {
        // A span, and what is drawn before its name and before the lines below it.
        let mut open = vec![(top, String::new(), String::new())];
        while let Some((span, rails, below)) = open.pop() {
            if std::mem::replace(&mut self.drawn[span], true) {
                continue;
            }
            let children = std::mem::take(&mut self.children[span]);
            let is_deep = below.chars().count() >= 3 * MOST_RAILS;
            // The last one first: the stack turns them round.
            for (place, child) in children.iter().rev().enumerate() {
                let (corner, bar) =
                    if place == 0 { ("└─ ", "   ") } else { ("├─ ", "│  ") };
                let draw =
                    |end: &str| if is_deep { below.clone() } else { format!("{below}{end}") };
                open.push((*child, draw(corner), draw(bar)));
            }
            let is_torn = span == top && !self.spans[span].parent.is_empty();
            let bar = if children.is_empty() { "   " } else { "│  " };
            self.rows.push(Row { span, rails, below: format!("{below}{bar}"), is_torn });
        }
    }
}
