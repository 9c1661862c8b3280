//! Telemetry as text for whoever sits in front of the program: a trace as a tree, a log record and
//! a point of a metric as a line.
//!
//! ```text
//! 14:38:07.123 shop  trace 4bf92f3577b34da6a3ce929d0e0e4736
//! order          12.3 ms  server  http.route=/order
//! ├─ reserve     4.10 ms  client
//! └─ charge      3.00 ms  error: card declined
//! ```
//!
//! Flow: aside -> **console** -> `streams`, one write for each request. It reads OTLP's bytes by
//! the total walker, so it shows whatever can be read of any bytes. What would speak to the
//! terminal is shown escaped.

mod logs;
mod metrics;
mod page;
mod read;
#[cfg(test)]
mod tests;
mod traces;

use super::exporter::{ExportError, Exporter, Extra, Request};
use super::signal::SignalKind;
use crate::config::Stream;
use crate::pipeline::streams;
use page::Page;
use std::sync::Arc;

/// Writes to one of the standard streams.
#[derive(Clone, Copy, Debug)]
struct Console {
    stream: Stream,
    colours: bool,
}

/// The exporter for this stream; in colours if it is a terminal and nobody asked for `NO_COLOR`.
pub(crate) fn console(stream: Stream) -> Extra {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let console = Console { stream, colours: !unwanted && streams::is_terminal(stream) };
    Extra { name: "console".to_owned(), make: Arc::new(move |_| Box::new(console)) }
}

impl Exporter for Console {
    fn export(&mut self, request: &Request<'_>) -> Result<(), ExportError> {
        let page = page(request, self.colours);
        let written = streams::write_all(self.stream, page.as_bytes());
        written.map_err(|error| ExportError::Refused(format!("{}: {error}", self.stream)))
    }
}

fn page(request: &Request<'_>, colours: bool) -> String {
    let bytes = request.to_vec();
    let groups = read::groups(&bytes);
    let mut page = Page::new(colours);
    for group in &groups {
        match request.signal() {
            SignalKind::Traces => traces::write(&mut page, group),
            SignalKind::Metrics => metrics::write(&mut page, group),
            SignalKind::Logs => logs::write(&mut page, group),
        }
    }
    page.text
}
