//! Standard error without the standard library's lock: a forked child may have inherited it held.

/// Writes as much as standard error takes; there is nobody to tell about the rest.
pub(crate) fn write(line: &[u8]) {
    #[cfg(unix)]
    // SAFETY: the pointer is valid for the length.
    unsafe {
        libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len());
    }
    #[cfg(not(unix))]
    eprint!("{}", String::from_utf8_lossy(line));
}
