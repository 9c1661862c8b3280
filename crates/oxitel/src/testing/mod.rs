//! Tools for tests of programs that send telemetry: a receiver that can be told to fail, traces
//! as text, and a judge.
//!
//! Flow: your program -> OTLP -> [`Receiver`] -> [`SpanRecord`] -> [`tree`] or [`judge`]. What
//! arrives is decoded by `opentelemetry-proto`, never by this crate's own encoder or walker, so
//! that a wrong byte cannot agree with itself.
//!
//! ```
//! use oxitel::testing::{Answer, Receiver};
//!
//! let receiver = Receiver::start();
//! receiver.script([Answer::Status(503)]); // the first request fails, all later ones succeed
//! // ... point the program under test at `receiver.endpoint()` ...
//! assert_eq!(receiver.tree(), "");
//! ```

mod answer;
mod coding;
mod decode;
mod fixed;
mod grpc;
mod http;
mod inbox;
mod json;
mod judge;
mod line;
mod log;
pub mod metrics;
mod receiver;
mod rpc_status;
mod server;
mod spool;
#[cfg(test)]
mod tests;
mod tls;
mod tree;
mod value;

pub use answer::Answer;
pub use decode::SpanRecord;
pub use fixed::{fix_clock, fix_ids};
pub use inbox::Request;
pub use judge::{Broken, Verdict, judge};
pub use log::{LogEntry, log_lines};
/// The messages that [`SpanRecord`] is made of.
pub use opentelemetry_proto::tonic as proto;
pub use receiver::Receiver;
pub use spool::{Segment, SpooledRequest, read_segment};
pub use tls::Identity;
pub use tree::tree;
