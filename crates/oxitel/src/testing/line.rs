//! A TCP stream that can be slowed down or broken off while hyper speaks over it.
//!
//! Flow: client <-> **line** <-> `server`. The handler of a request holds the [`Control`] of the
//! connection that the request came over.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Sleep, sleep};

/// What the handler of a request may do to its connection.
// Relaxed in all places: handler and connection run on one thread.
#[derive(Default)]
pub(super) struct Control {
    /// 0 is full speed.
    bytes_per_second: AtomicU32,
    reset: AtomicBool,
    reset_asked: Notify,
    end_asked: Notify,
    close_asked: Notify,
}

impl Control {
    /// Sets the connection's speed from here on.
    pub(super) fn pace(&self, bytes_per_second: Option<u32>) {
        let pace = bytes_per_second.map_or(0, |speed| speed.max(1));
        self.bytes_per_second.store(pace, Ordering::Relaxed);
    }

    /// Asks for the connection to be broken off with a reset.
    pub(super) fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
        self.reset_asked.notify_one();
    }

    /// Asks for the connection to end after the requests that are under way.
    pub(super) fn end(&self) {
        self.end_asked.notify_one();
    }

    /// Returns when such an end was asked for.
    pub(super) async fn end_asked(&self) {
        self.end_asked.notified().await;
    }

    /// Asks for the connection to be closed as it is.
    pub(super) fn close(&self) {
        self.close_asked.notify_one();
    }

    /// Returns when that was asked for.
    pub(super) async fn close_asked(&self) {
        self.close_asked.notified().await;
    }

    /// Returns when a reset was asked for.
    pub(super) async fn reset_asked(&self) {
        self.reset_asked.notified().await;
    }
}

/// The stream under a connection.
pub(super) struct Line {
    stream: TcpStream,
    control: Arc<Control>,
    reads: Pace,
    writes: Pace,
}

impl Line {
    pub(super) fn new(stream: TcpStream, control: Arc<Control>) -> Line {
        Line { stream, control, reads: Pace::default(), writes: Pace::default() }
    }

    fn bytes_per_second(&self) -> Option<u32> {
        match self.control.bytes_per_second.load(Ordering::Relaxed) {
            0 => None,
            pace => Some(pace),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.control.reset.load(Ordering::Relaxed) {
            // Closing with zero linger is what sends RST instead of FIN. When the option cannot be
            // set the client sees FIN, which breaks its request off as well.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(pace) = self.bytes_per_second() else {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        };
        ready!(self.reads.poll_wait(context));
        let mut portion = [0; PORTION_BYTES];
        let size = portion_bytes(pace).min(buffer.remaining());
        let mut read = ReadBuf::new(&mut portion[..size]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
        buffer.put_slice(read.filled());
        self.reads.spend(read.filled().len(), pace);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(pace) = self.bytes_per_second() else {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        };
        ready!(self.writes.poll_wait(context));
        let portion = &bytes[..portion_bytes(pace).min(bytes.len())];
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, portion))?;
        self.writes.spend(written, pace);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

const PORTION_BYTES: usize = 1024;

/// Portions of a tenth of a second keep a slow line steady; a single byte is the smallest.
fn portion_bytes(pace: u32) -> usize {
    (pace as usize / 10).clamp(1, PORTION_BYTES)
}

/// Makes each portion wait for the time that the one before it takes at the line's speed.
#[derive(Default)]
struct Pace {
    wait: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    fn poll_wait(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(wait) = &mut self.wait {
            ready!(wait.as_mut().poll(context));
            self.wait = None;
        }
        Poll::Ready(())
    }

    fn spend(&mut self, bytes: usize, pace: u32) {
        let duration = Duration::from_secs_f64(bytes as f64 / f64::from(pace));
        self.wait = Some(Box::pin(sleep(duration)));
    }
}
