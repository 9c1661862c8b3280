//! Runs what the program's values print of themselves. A `Display` or `Debug` implementation that
//! fails or panics costs its own text, and nothing else.
//!
//! Never called while anything of the thread's own is borrowed: such code may use telemetry itself.

use super::contained;
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The text, as far as it prints.
pub(crate) fn printed(arguments: fmt::Arguments<'_>) -> String {
    let mut text = String::new();
    print_to(&mut text, arguments);
    text
}

/// Adds to `text`, as far as it prints.
pub(crate) fn print_to(text: &mut String, arguments: fmt::Arguments<'_>) {
    match catch_unwind(AssertUnwindSafe(|| text.write_fmt(arguments))) {
        // An implementation that fails is no reason to do so.
        Ok(Ok(()) | Err(fmt::Error)) => {}
        Err(payload) => contained::told(payload),
    }
}
