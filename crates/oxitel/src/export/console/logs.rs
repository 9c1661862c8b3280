//! A log record as a line.

use super::page::{
    BLUE, BOLD, DIM, GREEN, Page, RED, YELLOW, id, last_number, shown, time_of_day, value_text,
};
use super::read::{Group, messages};

/// Writes each record of the resource.
pub(super) fn write(page: &mut Page, group: &Group<'_>) {
    for (scope, records) in &group.scopes {
        for record in records {
            line(page, group.service, scope, record);
        }
    }
}

fn line(page: &mut Page, service: &[u8], scope: &[u8], record: &[u8]) {
    // A record without a time of its own was observed at some time.
    let time = last_number(record, 1).or_else(|| last_number(record, 11)).unwrap_or(0);
    page.painted(DIM, time_of_day(time));
    page.push(" ");
    let (severity, colour) = severity(last_number(record, 2).unwrap_or(0));
    page.painted(colour, format_args!("{severity:5}"));
    page.push(" ");
    page.painted(BOLD, shown(service));
    if !scope.is_empty() {
        page.painted(DIM, format_args!(" {}:", shown(scope)));
    }
    if let Some(name) = messages(record, 12).last() {
        page.painted(BOLD, format_args!(" {}", shown(name)));
    }
    if let Some(body) = messages(record, 5).last() {
        // A text stands for itself.
        let text = messages(body, 1).last().map(shown);
        page.push(" ");
        page.push(&text.unwrap_or_else(|| value_text(body)));
    }
    page.attributes(messages(record, 6));
    let trace = messages(record, 9).last().filter(|trace| !trace.is_empty());
    if let Some(trace) = trace {
        let span = messages(record, 10).last().unwrap_or_default();
        page.painted(DIM, format_args!("  trace {} span {}", id(trace), id(span)));
    }
    page.push("\n");
}

fn severity(number: u64) -> (&'static str, &'static str) {
    match number {
        1..=4 => ("TRACE", DIM),
        5..=8 => ("DEBUG", BLUE),
        9..=12 => ("INFO", GREEN),
        13..=16 => ("WARN", YELLOW),
        17..=20 => ("ERROR", RED),
        21..=24 => ("FATAL", RED),
        _ => ("", DIM),
    }
}
