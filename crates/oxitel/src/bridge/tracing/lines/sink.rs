//! Where lines go. A line that cannot be written is counted, and nothing else happens.

use crate::config::Stream;
#[cfg(feature = "otel")]
use crate::diagnose::{self, Cause};
#[cfg(feature = "otel")]
use crate::pipeline::streams;
#[cfg(feature = "otel")]
use crate::record::contained;
use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Lines that could not be written, of the whole process: the stream refused them, or the
/// program's own function did.
pub fn lines_lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

static LOST: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// A function of the program writes a line. Without a destructor: it is there to the end.
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

type Write = Box<dyn Fn(&[u8]) -> io::Result<()> + Send + Sync>;

pub(super) struct Sink {
    to: To,
    /// The last line was written in part: the next one begins on a line of its own.
    is_torn: AtomicBool,
}

enum To {
    Stream(Stream),
    Function(Write),
}

impl Sink {
    pub(super) fn stream(stream: Stream) -> Self {
        Self { to: To::Stream(stream), is_torn: AtomicBool::new(false) }
    }

    pub(super) fn function(
        write: impl Fn(&[u8]) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { to: To::Function(Box::new(write)), is_torn: AtomicBool::new(false) }
    }

    /// Writes the line, which has its end.
    pub(super) fn write(&self, line: &mut String) {
        let written = match &self.to {
            To::Function(write) => call(write, line.as_bytes()),
            To::Stream(stream) => {
                if self.is_torn.swap(false, Ordering::Relaxed) {
                    line.insert(0, '\n');
                }
                self.write_to(*stream, line.as_bytes())
            }
        };
        if let Err(error) = written {
            // Relaxed: a statistic; nothing is ordered by it.
            LOST.fetch_add(1, Ordering::Relaxed);
            warn(&error);
        }
    }

    /// One write, and more only where the stream took a part. A stream that takes nothing for now
    /// is not waited for.
    fn write_to(&self, stream: Stream, line: &[u8]) -> io::Result<()> {
        let mut rest = line;
        while !rest.is_empty() {
            match write_once(stream, rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) => {
                    self.is_torn.store(rest.len() < line.len(), Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// Lets the program write; what it says itself meanwhile is not written.
fn call(write: &Write, line: &[u8]) -> io::Result<()> {
    if WRITING.replace(true) {
        return Err(io::Error::other("an event inside of the function that writes events"));
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| write(line)));
    WRITING.set(false);
    outcome.unwrap_or_else(|payload| {
        told(payload);
        Err(io::Error::other("the function that writes lines panicked"))
    })
}

#[cfg(feature = "otel")]
fn told(payload: Box<dyn Any + Send>) {
    contained::told(payload);
}

#[cfg(not(feature = "otel"))]
fn told(payload: Box<dyn Any + Send>) {
    // What was thrown may panic in its turn when it is dropped.
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(another);
    }
}

#[cfg(feature = "otel")]
fn write_once(stream: Stream, bytes: &[u8]) -> io::Result<usize> {
    streams::write_once(stream, bytes)
}

#[cfg(not(feature = "otel"))]
fn write_once(stream: Stream, bytes: &[u8]) -> io::Result<usize> {
    use std::io::Write as _;
    // The standard library keeps what it has of a line until the line ends: here it always does.
    match stream {
        Stream::Output => io::stdout().lock().write_all(bytes),
        Stream::Error => io::stderr().lock().write_all(bytes),
    }?;
    Ok(bytes.len())
}

#[cfg(feature = "otel")]
fn warn(error: &io::Error) {
    diagnose::warn(Cause::LinesLost, &format_args!("a line of an event was not written: {error}"));
}

/// Without the engine the count alone tells it.
#[cfg(not(feature = "otel"))]
fn warn(_: &io::Error) {}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.to {
            To::Stream(stream) => write!(f, "Sink({stream:?})"),
            To::Function(_) => f.write_str("Sink(a function)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Sink, lines_lost};
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    #[test]
    fn a_line_that_is_refused_or_panicked_over_is_counted_and_the_next_one_is_written() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&written);
        let sink = Sink::function(move |line| match line {
            b"refuse\n" => Err(io::ErrorKind::StorageFull.into()),
            b"panic\n" => panic!("as it was told to"),
            line => {
                kept.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line);
                Ok(())
            }
        });
        let before = lines_lost();
        for line in ["one\n", "refuse\n", "panic\n", "two\n"] {
            sink.write(&mut line.to_owned());
        }
        assert_eq!(*written.lock().unwrap_or_else(PoisonError::into_inner), b"one\ntwo\n");
        assert!(lines_lost() - before >= 2);
    }
}
