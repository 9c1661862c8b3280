//! What a [`Receiver`](super::Receiver) answers: the truth, or the fault that a test asks for.
//!
//! Flow: request -> **answer** -> `http` or `grpc`, which say it in their own words.

use super::decode::{Decoded, Signal};
use super::rpc_status::http_of;
use std::time::Duration;

/// What a receiver answers to an export request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// Takes the request in and says so; bytes that do not decode are refused with status 400.
    #[default]
    Accept,
    /// Refuses with this HTTP status. Over gRPC: 400 is `INVALID_ARGUMENT`, 401
    /// `UNAUTHENTICATED`, 403 `PERMISSION_DENIED`, 413 `RESOURCE_EXHAUSTED`, 429, 502 and 503
    /// `UNAVAILABLE`, 500 `INTERNAL`, 504 `DEADLINE_EXCEEDED`.
    Status(u16),
    /// Refuses with this HTTP status and a `Retry-After` header, sent as it stands here. Over
    /// gRPC a number of seconds becomes `RetryInfo`; anything else has no form there.
    Throttle {
        /// Usually 429 or 503.
        status: u16,
        /// Seconds, an HTTP date, or whatever a broken server would say.
        retry_after: String,
    },
    /// Says this gRPC status and takes nothing in, not even with code 0. Over HTTP, the status that
    /// `google.rpc.Code` gives it, with the delay in whole seconds as `Retry-After`.
    Code {
        /// 0 to 16 have a name; others can be said as well.
        code: i32,
        /// `grpc-message`.
        message: String,
        /// `RetryInfo`, if there is any.
        retry_delay: Option<Duration>,
    },
    /// Takes in all but the last `rejected` records, and says that `rejected` were refused,
    /// which may be more than were sent, or negative.
    PartialSuccess {
        /// The number in the answer.
        rejected: i64,
        /// The text in the answer.
        message: String,
    },
    /// Reads the request and never answers.
    Hang,
    /// Reads the request, then breaks the connection with a TCP reset.
    Reset,
    /// Reads the request, then resets its stream; the connection stays. Over HTTP/1.1, closes the
    /// connection without an answer.
    ResetStream,
    /// Accepts, and takes no more requests on this connection: `GOAWAY` over HTTP/2, `Connection:
    /// close` over HTTP/1.1.
    GoAway,
    /// Accepts, but from the request's headers on the connection moves this many bytes a second
    /// each way. A client that gives up before the answer has delivered its records all the same.
    Slow {
        /// The speed; 0 counts as 1.
        bytes_per_second: u32,
    },
    /// Accepts, and says so in these bytes: status 200 with this body, whatever it is. Over gRPC
    /// they are what stands before the trailers, framed or not.
    Words {
        /// `Content-Type`; gRPC has its own.
        content_type: String,
        /// The body.
        body: Vec<u8>,
    },
    /// Accepts, and begins an answer that never ends.
    Endless,
    /// Accepts, and closes the connection a moment later without having announced it.
    AcceptAndClose,
    /// Reads the head of the request, and then neither reads nor says anything.
    Deaf,
    /// Reads the head of the request, then breaks the connection with a TCP reset.
    ResetEarly,
}

/// A request that is refused, in the words of HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) message: String,
    pub(super) retry_after: Option<String>,
    /// In the words of gRPC, where a test said it in those.
    pub(super) code: Option<i32>,
    pub(super) retry_delay: Option<Duration>,
}

/// What the client is to hear, before it is put into the words of a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Accepted { signal: Signal, partial: Option<(i64, String)> },
    Words { content_type: String, body: Vec<u8> },
    Endless,
    Refused(Refusal),
    Silence,
    Reset,
    ResetStream,
}

/// How a request ends: what was really answered, what is heard, and what was taken in.
pub(super) struct Outcome {
    pub(super) answer: Answer,
    pub(super) reply: Reply,
    pub(super) taken: Decoded,
}

impl Answer {
    pub(super) fn bytes_per_second(&self) -> Option<u32> {
        match self {
            Answer::Slow { bytes_per_second } => Some(*bytes_per_second),
            _ => None,
        }
    }

    /// Whether the body of the request is never read.
    pub(super) fn is_early(&self) -> bool {
        matches!(self, Answer::Deaf | Answer::ResetEarly)
    }

    /// Gives this answer to a request of `signal` whose message is `message`.
    pub(super) fn give(self, signal: Signal, message: &[u8]) -> Outcome {
        match self {
            Answer::Accept
            | Answer::AcceptAndClose
            | Answer::Endless
            | Answer::GoAway
            | Answer::Slow { .. }
            | Answer::Words { .. } => accept(self, signal, message, None),
            Answer::PartialSuccess { rejected, message: ref text } => {
                let partial = Some((rejected, text.clone()));
                accept(self, signal, message, partial)
            }
            Answer::Status(status) => Refusal::told(status, None).outcome(self),
            Answer::Throttle { status, ref retry_after } => {
                Refusal::told(status, Some(retry_after.clone())).outcome(self)
            }
            Answer::Code { code, message: ref text, retry_delay } => {
                Refusal::coded(code, text, retry_delay).outcome(self)
            }
            Answer::Hang | Answer::Deaf => {
                Outcome { answer: self, reply: Reply::Silence, taken: Decoded::default() }
            }
            Answer::Reset | Answer::ResetEarly => {
                Outcome { answer: self, reply: Reply::Reset, taken: Decoded::default() }
            }
            Answer::ResetStream => {
                Outcome { answer: self, reply: Reply::ResetStream, taken: Decoded::default() }
            }
        }
    }
}

impl Refusal {
    pub(super) fn new(status: u16, message: impl Into<String>) -> Refusal {
        Refusal { status, message: message.into(), ..Refusal::default() }
    }

    fn told(status: u16, retry_after: Option<String>) -> Refusal {
        let message = format!("the receiver was told to answer {status}");
        Refusal { status, message, retry_after, ..Refusal::default() }
    }

    fn coded(code: i32, message: &str, retry_delay: Option<Duration>) -> Refusal {
        // Rounded up: a client that waits for whole seconds waits long enough.
        let seconds = |delay: Duration| delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        Refusal {
            status: http_of(code),
            message: message.to_owned(),
            retry_after: retry_delay.map(|delay| seconds(delay).to_string()),
            code: Some(code),
            retry_delay,
        }
    }

    fn outcome(self, answer: Answer) -> Outcome {
        Outcome { answer, reply: Reply::Refused(self), taken: Decoded::default() }
    }
}

/// The receiver's own refusals count as the answer `Status`.
impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Outcome {
        let answer = Answer::Status(refusal.status);
        refusal.outcome(answer)
    }
}

fn accept(
    answer: Answer,
    signal: Signal,
    message: &[u8],
    partial: Option<(i64, String)>,
) -> Outcome {
    let mut taken = match signal.decode(message) {
        Ok(decoded) => decoded,
        Err(error) => {
            let text = format!("the body is no {signal}: {error}");
            return Refusal::new(400, text).into();
        }
    };
    if let Some((rejected, _)) = partial {
        let refused = usize::try_from(rejected).unwrap_or(0);
        taken.refuse(refused);
    }
    let reply = match &answer {
        Answer::Words { content_type, body } => {
            Reply::Words { content_type: content_type.clone(), body: body.clone() }
        }
        Answer::Endless => Reply::Endless,
        _ => Reply::Accepted { signal, partial },
    };
    Outcome { answer, reply, taken }
}
