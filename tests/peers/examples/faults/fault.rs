//! The faults, and the receiver that has them.

use oxitel::testing::{Answer, Receiver};
use std::collections::BTreeSet;
use std::net::TcpListener;

/// What goes wrong.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
}

pub(crate) enum Place {
    /// A receiver that first answers so, and then accepts.
    AtFirst(fn() -> Vec<Answer>),
    /// A receiver that always answers so.
    Always(fn() -> Answer),
    /// An address where nobody listens.
    Nobody,
    /// A name that nobody knows.
    NoName,
    /// A secure endpoint where nobody speaks TLS.
    NoTls,
}

pub(crate) const FAULTS: &[Fault] = &[
    Fault { name: "none", place: Place::Always(|| Answer::Accept) },
    Fault { name: "connection refused", place: Place::Nobody },
    Fault { name: "never answers", place: Place::Always(|| Answer::Hang) },
    Fault {
        name: "slow, 1 kB/s",
        place: Place::Always(|| Answer::Slow { bytes_per_second: 1_000 }),
    },
    Fault {
        name: "429 twice, Retry-After: 1",
        place: Place::AtFirst(|| {
            vec![Answer::Throttle { status: 429, retry_after: "1".to_owned() }; 2]
        }),
    },
    Fault { name: "503 once", place: Place::AtFirst(|| vec![Answer::Status(503)]) },
    Fault {
        name: "503 once, Retry-After: 1",
        place: Place::AtFirst(|| {
            vec![Answer::Throttle { status: 503, retry_after: "1".to_owned() }]
        }),
    },
    Fault { name: "400 once", place: Place::AtFirst(|| vec![Answer::Status(400)]) },
    Fault {
        name: "partial success, 10 rejected",
        place: Place::AtFirst(|| {
            vec![Answer::PartialSuccess { rejected: 10, message: "ten are wrong".to_owned() }]
        }),
    },
    Fault { name: "reset twice", place: Place::AtFirst(|| vec![Answer::Reset; 2]) },
    Fault { name: "GOAWAY / close", place: Place::AtFirst(|| vec![Answer::GoAway; 2]) },
    Fault { name: "https, no TLS there", place: Place::NoTls },
    Fault { name: "unknown name", place: Place::NoName },
];

/// A fault in place.
pub(crate) struct Stage {
    receiver: Option<Receiver>,
    endpoint: String,
}

impl Fault {
    pub(crate) fn stage(&self) -> Stage {
        let receiver = match self.place {
            Place::Nobody | Place::NoName => None,
            Place::AtFirst(_) | Place::Always(_) | Place::NoTls => Some(Receiver::start()),
        };
        let plain = receiver.as_ref().map(Receiver::endpoint);
        match (&self.place, &receiver) {
            (Place::AtFirst(answers), Some(receiver)) => receiver.script(answers()),
            (Place::Always(answer), Some(receiver)) => receiver.answer(answer()),
            _ => {}
        }
        let endpoint = match (&self.place, plain) {
            (Place::NoTls, Some(plain)) => plain.replace("http:", "https:"),
            (Place::NoName, _) => "http://receiver.invalid:4318".to_owned(),
            (_, Some(plain)) => plain,
            (_, None) => nobody(),
        };
        Stage { receiver, endpoint }
    }
}

impl Stage {
    pub(crate) fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// Different spans that were taken in.
    pub(crate) fn arrived(&self) -> usize {
        let spans = self.receiver.as_ref().map(Receiver::spans).unwrap_or_default();
        let ids: BTreeSet<_> = spans.into_iter().map(|record| record.span.span_id).collect();
        ids.len()
    }
}

fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("http://{}", listener.local_addr().expect("its address"))
}
