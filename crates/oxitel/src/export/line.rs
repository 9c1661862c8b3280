//! The bytes of one connection, plain or under TLS.
//!
//! Flow: `dial` -> **line** -> hyper.

use super::tls;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A connection that carries requests.
#[derive(Debug)]
pub(super) struct Line {
    stream: Stream,
    /// Whether a proxy reads the requests.
    proxied: bool,
}

#[derive(Debug)]
enum Stream {
    Plain(TokioIo<TcpStream>),
    Secured(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Line {
    pub(super) fn plain(stream: TcpStream) -> Self {
        Self { stream: Stream::Plain(TokioIo::new(stream)), proxied: false }
    }

    /// To a proxy that reads whole URLs.
    pub(super) fn proxied(stream: TcpStream) -> Self {
        Self { proxied: true, ..Self::plain(stream) }
    }

    pub(super) fn secured(stream: TlsStream<TcpStream>) -> Self {
        Self { stream: Stream::Secured(Box::new(TokioIo::new(stream))), proxied: false }
    }
}

impl Connection for Line {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.proxied)
    }
}

/// Calls the same function of whichever stream it is. What libraries make of an error keeps its
/// text at most, so it is put into words here.
macro_rules! of_stream {
    ($line:expr, $method:ident($($argument:expr),*)) => {
        match &mut $line.stream {
            Stream::Plain(stream) => Pin::new(stream).$method($($argument),*),
            Stream::Secured(stream) => {
                Pin::new(stream.as_mut()).$method($($argument),*).map_err(tls::told)
            }
        }
    };
}

impl Read for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        of_stream!(self, poll_read(cx, buffer))
    }
}

impl Write for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        of_stream!(self, poll_write(cx, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_stream!(self, poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_stream!(self, poll_shutdown(cx))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Secured(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        of_stream!(self, poll_write_vectored(cx, pieces))
    }
}
