//! The bodies of an exchange: pieces on their way out, bytes with a bound on their way in.
//!
//! Flow: batch -> **body** -> `http` or `grpc` -> receiver -> **body** -> `response`.

use super::batch::Batch;
use ::http::HeaderMap;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::vec;

/// An answer longer than this is not read.
pub(super) const MAX_ANSWER: usize = 4 << 20;

/// A batch's pieces as a request body, without copying them into one.
#[derive(Debug)]
pub(super) struct Pieces {
    rest: vec::IntoIter<Bytes>,
    left: u64,
    /// Whether the length stands in the request's head.
    announced: bool,
}

/// The last piece of a body. HTTP/2 keeps it until the receiver gives it room.
#[derive(Debug)]
struct Last {
    piece: Bytes,
    _held: Arc<()>,
}

impl AsRef<[u8]> for Last {
    fn as_ref(&self) -> &[u8] {
        &self.piece
    }
}

/// Tells whether a body is still on its way out.
#[derive(Debug)]
pub(super) struct Departure(Weak<()>);

impl Departure {
    /// Whether the connection is through with the body.
    pub(super) fn is_over(&self) -> bool {
        self.0.strong_count() == 0
    }
}

impl Pieces {
    /// The batch as it is.
    pub(super) fn of(batch: &Batch) -> Self {
        let pieces = batch.pieces();
        Self { rest: pieces.into_iter(), left: batch.length() as u64, announced: true }
    }

    /// The batch behind `head`, and when it has left. A framed message says its length itself.
    pub(super) fn framed(head: Bytes, batch: &Batch) -> (Self, Departure) {
        let left = (head.len() + batch.length()) as u64;
        let mut pieces = vec![head];
        pieces.extend(batch.pieces().into_iter().filter(|piece| !piece.is_empty()));
        let on_its_way = Arc::new(());
        let departure = Departure(Arc::downgrade(&on_its_way));
        if let Some(last) = pieces.last_mut() {
            *last = Bytes::from_owner(Last { piece: mem::take(last), _held: on_its_way });
        }
        (Self { rest: pieces.into_iter(), left, announced: false }, departure)
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.rest.find(|piece| !piece.is_empty());
        if let Some(piece) = &next {
            self.left -= piece.len() as u64;
        }
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        if self.announced { SizeHint::with_exact(self.left) } else { SizeHint::default() }
    }
}

/// An answer's body, and what came behind it.
#[derive(Debug, Default)]
pub(super) struct Whole {
    pub(super) bytes: Vec<u8>,
    pub(super) trailers: HeaderMap,
}

/// Why there is no whole answer.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is longer than [`MAX_ANSWER`].
    TooLong,
    /// The connection or the stream ended before it did.
    Broken(hyper::Error),
}

impl Unread {
    /// What is said of an answer that is too long.
    pub(super) fn too_long() -> String {
        format!("an answer of more than {MAX_ANSWER} bytes")
    }
}

/// The whole answer, or why there is none.
pub(super) async fn read(mut body: Incoming) -> Result<Whole, Unread> {
    let mut whole = Whole::default();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let data = match frame.map_err(Unread::Broken)?.into_data() {
            Ok(data) => data,
            Err(frame) => {
                // What is no data is trailers; there is nothing third.
                whole.trailers.extend(frame.into_trailers().unwrap_or_default());
                continue;
            }
        };
        if whole.bytes.len() + data.len() > MAX_ANSWER {
            return Err(Unread::TooLong);
        }
        whole.bytes.extend_from_slice(&data);
    }
    Ok(whole)
}
