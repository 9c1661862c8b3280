//! What an exporter is, for those who write one: it takes requests as OTLP bytes.

use super::SignalKind;
use crate::wire::json;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Takes requests somewhere; see [`Config::exporter`](crate::Config::exporter).
///
/// It runs on a thread of its own and may block: what it does holds up neither the program nor
/// another exporter. A call that takes longer than the export timeout is given up, and its records
/// are counted as lost; those of later calls wait in the queue meanwhile. A panic is contained and
/// counted, the records at hand are counted as rejected, and a new exporter takes the place of the
/// broken one. What it records itself is not exported.
///
/// A function is one, too:
///
/// ```
/// use oxitel::export::{ExportError, Exporter, Request};
///
/// fn count(request: &Request<'_>) -> Result<(), ExportError> {
///     println!("{} records of {}", request.records(), request.signal());
///     Ok(())
/// }
/// let exporter: Box<dyn Exporter> = Box::new(count);
/// # drop(exporter);
/// ```
pub trait Exporter: Send {
    /// Takes one request. `Ok` means that its records are delivered: nothing is kept back.
    fn export(&mut self, request: &Request<'_>) -> Result<(), ExportError>;

    /// Called once, after the last request: telemetry ends. Nobody waits for it beyond the
    /// shutdown's deadline.
    fn shutdown(&mut self) {}
}

impl<F: FnMut(&Request<'_>) -> Result<(), ExportError> + Send> Exporter for F {
    fn export(&mut self, request: &Request<'_>) -> Result<(), ExportError> {
        self(request)
    }
}

/// Why an exporter did not take a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// Never will: the records are counted as rejected.
    #[error("{0}")]
    Refused(String),
    /// Not now: it is offered again, as long as the export timeout lasts.
    #[error("{reason}")]
    TryAgain {
        /// Not before so long; without it, waits grow from 200 ms to 5 s.
        after: Option<Duration>,
        /// What is in the way, for people.
        reason: String,
    },
}

/// Records of one signal on their way: the bytes of one `Export…ServiceRequest` of OTLP.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    signal: SignalKind,
    records: u64,
    pieces: &'a [&'a [u8]],
}

impl<'a> Request<'a> {
    /// A request of so many records, whose bytes come in pieces; for tests of exporters.
    pub fn new(signal: SignalKind, records: u64, pieces: &'a [&'a [u8]]) -> Self {
        Self { signal, records, pieces }
    }

    /// What the records are.
    pub fn signal(&self) -> SignalKind {
        self.signal
    }

    /// How many spans, log records or data points there are.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The length of the bytes.
    pub fn length(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len()).sum()
    }

    /// The bytes in order, without a copy.
    pub fn pieces(&self) -> impl Iterator<Item = &'a [u8]> {
        self.pieces.iter().copied()
    }

    /// The bytes in one.
    pub fn to_vec(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    /// OTLP's JSON, in one line.
    pub fn to_json(&self) -> String {
        json::request(self.signal, &self.to_vec())
    }
}

/// Makes an exporter for a signal: in each process its own.
pub(crate) type Make = Arc<dyn Fn(SignalKind) -> Box<dyn Exporter> + Send + Sync>;

/// An exporter beside OTLP.
#[derive(Clone)]
pub(crate) struct Extra {
    pub(crate) name: String,
    pub(crate) make: Make,
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The exporters that a program added to its configuration.
#[derive(Clone, Default)]
pub(crate) struct Extras(pub(crate) Vec<Extra>);

/// Their names.
impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

/// Equal when they are the same ones.
impl PartialEq for Extras {
    fn eq(&self, other: &Self) -> bool {
        let same = |(one, two): (&Extra, &Extra)| {
            one.name == two.name && Arc::ptr_eq(&one.make, &two.make)
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same)
    }
}

#[cfg(test)]
mod tests {
    use super::Request;
    use crate::export::SignalKind;

    #[test]
    fn a_request_is_its_pieces_in_order() {
        let pieces: [&[u8]; 3] = [b"\x0a\x03", b"\x1a", b"\x01s"];
        let request = Request::new(SignalKind::Logs, 0, &pieces);
        assert_eq!(request.length(), 5);
        assert_eq!(request.to_vec(), b"\x0a\x03\x1a\x01s");
        assert_eq!(request.pieces().count(), 3);
        assert_eq!(request.to_json(), r#"{"resourceLogs":[{"schemaUrl":"s"}]}"#);
    }
}
