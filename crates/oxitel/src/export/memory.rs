//! Requests kept in memory, for tests and for programs that look at their own telemetry.

use super::SignalKind;
use super::exporter::{ExportError, Exporter, Request};
use crate::wire::json;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The bytes that a memory holds unless it is told otherwise.
const USUAL: usize = 64 << 20;

/// Keeps the requests that an exporter got; a clone is another handle on the same ones.
///
/// It holds 64 MiB, or as many as [`Memory::with_limit`] says. What does not fit is refused, and
/// counted as rejected, until [`Memory::clear`] makes room: nothing is replaced silently.
///
/// A forked child has nothing in it, and what it exports there is refused: the memory belongs to
/// the process that made it.
///
/// ```
/// use oxitel::export::Memory;
/// use oxitel::{Config, Scope};
/// # #[cfg(feature = "otel")] {
/// static SHOP: Scope = Scope::new("shop");
///
/// let memory = Memory::new();
/// let guard = oxitel::init(Config::default().memory(&memory))?;
/// drop(SHOP.span("order"));
/// oxitel::flush(std::time::Duration::from_secs(5))?;
/// assert!(memory.json().contains(r#""name":"order""#));
/// # drop(guard);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Memory {
    /// Locked by threads of this process only: a forked child may have inherited it held.
    kept: Arc<Mutex<Kept>>,
    limit: usize,
    process: u32,
}

#[derive(Debug, Default)]
struct Kept {
    requests: VecDeque<KeptRequest>,
    bytes: usize,
}

/// A request in a [`Memory`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptRequest {
    /// What the records are.
    pub signal: SignalKind,
    /// How many there are.
    pub records: u64,
    /// The bytes of one `Export…ServiceRequest` of OTLP.
    pub bytes: Vec<u8>,
}

impl KeptRequest {
    /// OTLP's JSON, in one line.
    pub fn to_json(&self) -> String {
        json::request(self.signal, &self.bytes)
    }
}

impl Memory {
    /// An empty one.
    pub fn new() -> Self {
        Self::with_limit(USUAL)
    }

    /// An empty one that holds so many bytes of requests.
    pub fn with_limit(bytes: usize) -> Self {
        Self { kept: Arc::default(), limit: bytes, process: std::process::id() }
    }

    /// The requests so far, the oldest first.
    pub fn requests(&self) -> Vec<KeptRequest> {
        self.kept().map_or_else(Vec::new, |kept| kept.requests.iter().cloned().collect())
    }

    /// OTLP's JSON of all requests, one line each.
    pub fn json(&self) -> String {
        self.requests().iter().map(|request| request.to_json() + "\n").collect()
    }

    /// How many records there are.
    pub fn records(&self) -> u64 {
        self.kept().map_or(0, |kept| kept.requests.iter().map(|request| request.records).sum())
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        if let Some(mut kept) = self.kept() {
            *kept = Kept::default();
        }
    }

    /// `None` in a forked child.
    fn kept(&self) -> Option<MutexGuard<'_, Kept>> {
        let is_ours = self.process == std::process::id();
        is_ours.then(|| self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Exporter for Memory {
    fn export(&mut self, request: &Request<'_>) -> Result<(), ExportError> {
        let Some(mut kept) = self.kept() else {
            let reason = "the memory is that of the process before the fork";
            return Err(ExportError::Refused(reason.to_owned()));
        };
        let bytes = kept.bytes + request.length();
        if bytes > self.limit {
            let reason = format!("{} bytes are in memory, which is all it holds", kept.bytes);
            return Err(ExportError::Refused(reason));
        }
        kept.bytes = bytes;
        kept.requests.push_back(KeptRequest {
            signal: request.signal(),
            records: request.records(),
            bytes: request.to_vec(),
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;
    use crate::export::{ExportError, Exporter, Request, SignalKind};

    #[test]
    fn a_full_memory_refuses_until_it_is_cleared() {
        let mut memory = Memory::with_limit(10);
        let request = Request::new(SignalKind::Traces, 2, &[b"123456"]);
        let other = memory.clone();
        assert_eq!(memory.export(&request), Ok(()));
        assert!(matches!(memory.export(&request), Err(ExportError::Refused(_))));
        assert_eq!((other.records(), other.requests().len()), (2, 1));
        other.clear();
        assert_eq!((memory.export(&request), memory.records()), (Ok(()), 2));
    }
}
