//! Standard output: one JSON object per line, for whoever started the process.

use std::io::{self, Write as _};

use anyhow::Context as _;
use serde::Serialize;

/// Says where the process answers, now that it does.
pub(crate) fn ready(http: &str) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Ready<'a> {
        ready: bool,
        http: &'a str,
    }
    line(&Ready { ready: true, http })
}

/// Writes one object and sends it off.
pub(crate) fn line(object: &impl Serialize) -> anyhow::Result<()> {
    let line = serde_json::to_string(object).context("no JSON for a line of output")?;
    text(&format!("{line}\n"))
}

/// Writes `text` and sends it off.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .context("standard output is closed: is the reader gone?")
}
