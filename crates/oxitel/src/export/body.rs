//! The bodies of an exchange: pieces on their way out, bytes with a bound on their way in.
//!
//! Flow: batch -> `compression` -> **body** -> `http` or `grpc` -> receiver -> **body** -> `response`.

use ::http::HeaderMap;
use bytes::{BufMut, Bytes, BytesMut};
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
    /// These pieces, whose length is announced.
    pub(super) fn of(pieces: Vec<Bytes>) -> Self {
        let left = length(&pieces);
        Self { rest: pieces.into_iter(), left, announced: true }
    }

    /// The message that these pieces are, framed, and when it has left. A framed message says its
    /// length itself.
    pub(super) fn framed(compressed: bool, message: Vec<Bytes>) -> (Self, Departure) {
        let mut pieces = vec![frame_head(compressed, length(&message))];
        pieces.extend(message.into_iter().filter(|piece| !piece.is_empty()));
        let left = length(&pieces);
        let on_its_way = Arc::new(());
        let departure = Departure(Arc::downgrade(&on_its_way));
        if let Some(last) = pieces.last_mut() {
            *last = Bytes::from_owner(Last { piece: mem::take(last), _held: on_its_way });
        }
        (Self { rest: pieces.into_iter(), left, announced: false }, departure)
    }
}

/// All pieces together.
pub(super) fn length(pieces: &[Bytes]) -> u64 {
    pieces.iter().map(|piece| piece.len() as u64).sum()
}

/// What stands before a message: whether it is compressed, and its length.
fn frame_head(compressed: bool, length: u64) -> Bytes {
    let mut head = BytesMut::with_capacity(5);
    head.put_u8(u8::from(compressed));
    head.put_u32(length as u32);
    head.freeze()
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
    /// It is in a form that is not understood.
    Unknown,
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

#[cfg(test)]
mod tests {
    use super::frame_head;

    #[test]
    fn a_frame_begins_with_its_length() {
        assert_eq!(&*frame_head(false, 0x0102_0304), [0, 1, 2, 3, 4]);
        assert_eq!(&*frame_head(true, 5), [1, 0, 0, 0, 5]);
    }
}
