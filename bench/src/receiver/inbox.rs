//! What arrived since the last count: bodies as they came, up to a bound.

use super::count::{Count, Signal};
use bytes::Bytes;
use oxitel::wire::WireError;

/// More than any candidate sends between two counts. Beyond it, bodies are counted as they come:
/// slower, but a receiver that nobody asks must not fill the machine's memory.
const MOST_BYTES: usize = 256 << 20;

/// Uncounted bodies, each in the pieces it was read in.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bodies: Vec<(Signal, Vec<Bytes>)>,
    bytes: usize,
    counted: Count,
    broken: Option<WireError>,
}

impl Inbox {
    /// Keeps a body for the next count.
    pub(super) fn keep(&mut self, signal: Signal, body: Vec<Bytes>) {
        self.bytes += body.iter().map(Bytes::len).sum::<usize>();
        self.bodies.push((signal, body));
        if self.bytes > MOST_BYTES {
            self.count_kept();
        }
    }

    /// Counts what came since the last call, and forgets it.
    pub(super) fn take_count(&mut self) -> Result<Count, WireError> {
        self.count_kept();
        let Self { counted, broken, .. } = std::mem::take(self);
        broken.map_or(Ok(counted), Err)
    }

    fn count_kept(&mut self) {
        self.bytes = 0;
        for (signal, body) in self.bodies.drain(..) {
            match Count::of(signal, &body.concat()) {
                Ok(count) => self.counted += count,
                Err(error) => self.broken = Some(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request with one empty span, in two pieces.
    fn body() -> Vec<Bytes> {
        vec![Bytes::from_static(b"\x0a\x04\x12\x02"), Bytes::from_static(b"\x12\x00")]
    }

    #[test]
    fn a_count_starts_where_the_last_one_ended() {
        let mut inbox = Inbox::default();
        inbox.keep(Signal::Traces, body());
        inbox.keep(Signal::Traces, body());
        assert_eq!(inbox.take_count().map(|count| count.spans), Ok(2));
        inbox.keep(Signal::Traces, body());
        assert_eq!(inbox.take_count().map(|count| count.spans), Ok(1));
        assert_eq!(inbox.take_count(), Ok(Count::default()));
    }

    #[test]
    fn what_is_no_protobuf_is_said_once_and_does_not_count() {
        let mut inbox = Inbox::default();
        inbox.keep(Signal::Traces, vec![Bytes::from_static(b"\x0a\x04\x12")]);
        inbox.keep(Signal::Traces, body());
        assert_eq!(inbox.take_count(), Err(WireError::Truncated { offset: 0 }));
        assert_eq!(inbox.take_count(), Ok(Count::default()));
    }

    #[test]
    fn memory_is_bounded_without_anybody_asking() {
        // One large allocation, referred to many times.
        let padding = Bytes::from(vec![0; 64 << 20]);
        let envelope = Bytes::from_static(b"\x9a\x06\x80\x80\x80\x20");
        let mut inbox = Inbox::default();
        for _ in 0..4 {
            inbox.keep(Signal::Traces, [body(), vec![envelope.clone(), padding.clone()]].concat());
        }
        assert!(inbox.bodies.is_empty(), "{} bodies are kept", inbox.bodies.len());
        assert_eq!(inbox.take_count().map(|count| count.spans), Ok(4));
    }
}
