//! An event as a line of text: time, target, level, message, fields, and where it belongs.

use super::{Told, time};
use crate::bridge::tracing::console;
use std::fmt::Write as _;

/// Appends the event and the end of its line.
pub(super) fn write(line: &mut String, told: &Told<'_>) {
    time::write(line, told.wall_ns);
    // Writing to a String cannot fail.
    let _ = write!(line, " {} {} -", told.metadata.target(), told.metadata.level());
    console::tell_plainly(line, told.fields);
    if let Some((trace_id, span_id)) = told.place {
        let _ = write!(line, " [trace:{trace_id:.8}...] [span:{span_id:.8}...]");
    }
    line.push('\n');
}
