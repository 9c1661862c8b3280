//! Standard output and standard error without the standard library's locks: a forked child may
//! have inherited them held.

use crate::config::Stream;
use std::io;
#[cfg(unix)]
use std::time::Duration;

/// How long a stream that takes nothing for now is left alone.
#[cfg(unix)]
const PAUSE: Duration = Duration::from_millis(5);

/// Writes all of it, and waits where the stream is slow. For threads of our own: their signals
/// are blocked, so a pipe without a reader is an error and not the end of the process.
#[cfg(unix)]
pub(crate) fn write_all(stream: Stream, text: &[u8]) -> io::Result<()> {
    let mut rest = text;
    while !rest.is_empty() {
        match write_once(stream, rest) {
            Ok(written) => rest = &rest[written.min(rest.len())..],
            // The host made it so; the host's other writers bear it.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes as much as the stream takes at once.
#[cfg(unix)]
pub(crate) fn write_once(stream: Stream, text: &[u8]) -> io::Result<usize> {
    loop {
        // SAFETY: the pointer is valid for the length.
        let written = unsafe { libc::write(number(stream), text.as_ptr().cast(), text.len()) };
        match usize::try_from(written) {
            Ok(written) => return Ok(written),
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error => return Err(error),
            },
        }
    }
}

#[cfg(not(unix))]
pub(crate) fn write_once(stream: Stream, text: &[u8]) -> io::Result<usize> {
    write_all(stream, text).map(|()| text.len())
}

#[cfg(not(unix))]
pub(crate) fn write_all(stream: Stream, text: &[u8]) -> io::Result<()> {
    use io::Write as _;
    match stream {
        Stream::Output => io::stdout().write_all(text),
        Stream::Error => io::stderr().write_all(text),
    }
}

/// Whether a person may be looking at it.
pub(crate) fn is_terminal(stream: Stream) -> bool {
    #[cfg(unix)]
    // SAFETY: asks about a number, whatever it stands for.
    return unsafe { libc::isatty(number(stream)) } == 1;
    #[cfg(not(unix))]
    {
        use io::IsTerminal as _;
        match stream {
            Stream::Output => io::stdout().is_terminal(),
            Stream::Error => io::stderr().is_terminal(),
        }
    }
}

#[cfg(unix)]
fn number(stream: Stream) -> libc::c_int {
    match stream {
        Stream::Output => libc::STDOUT_FILENO,
        Stream::Error => libc::STDERR_FILENO,
    }
}
