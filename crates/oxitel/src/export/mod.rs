//! The way out: a batch becomes a request, a response becomes an outcome. What a program uses of
//! it are exporters of its own ([`Exporter`]) and of ours.
//!
//! Runs on the sender's thread, and `aside` of it. `batch` puts envelopes around buffers, `client`
//! makes one attempt by `http` or by `grpc`, `response` or `grpc_status` reads the answer, `retry`
//! decides when to try again.

mod aside;
mod batch;
mod body;
mod client;
mod compression;
mod connection;
mod console;
mod dial;
mod endpoint;
mod exporter;
mod files;
mod grpc;
mod grpc_status;
mod headers;
mod http;
mod json_answer;
mod line;
mod memory;
mod proxy;
mod resolver;
mod response;
mod retry;
mod signal;
pub(crate) mod spool;
mod tls;
mod transport;

pub(crate) use batch::{Batch, BatchId};
pub(crate) use console::console;
pub(crate) use endpoint::Destination;
pub use exporter::{ExportError, Exporter, Request};
pub(crate) use exporter::{Extra, Extras};
pub use files::Files;
pub use memory::{KeptRequest, Memory};
pub use signal::SignalKind;
pub(crate) use tls::Files as TlsFiles;

use crate::diagnose::{self, Cause};
use crate::pipeline::control::StopBy;
use crate::pipeline::settings::Way;
use client::Client;
use response::Answer;
use retry::Schedule;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Shutdown's signal to the exporter.
type Stop = watch::Receiver<StopBy>;

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The receiver took it, except for so many records.
    Delivered { rejected: u64 },
    /// The receiver refused it for good.
    Rejected,
    /// Nobody took it within the export timeout.
    Unreachable,
    /// It lies on a disk, durable.
    Spooled,
    /// Too much waits for this exporter already.
    QueueFull,
    /// The engine ended first.
    ShutdownDeadline,
}

/// Takes batches of one signal one way, one after the other.
#[derive(Debug)]
pub(crate) struct Courier {
    client: Client,
    /// Where it sends, for people.
    shown: String,
    timeout: Duration,
    /// The receiver asked for silence until then.
    not_before: Option<Instant>,
    /// Whether anything ever answered at the endpoint.
    reached: bool,
    /// What is not delivered now is not lost, so that a shutdown need not wait.
    has_spool: bool,
}

impl Courier {
    pub(crate) fn new(way: &Way) -> Self {
        Self {
            client: Client::new(&way.target),
            shown: way.target.shown(),
            timeout: way.timeout,
            not_before: None,
            reached: false,
            has_spool: false,
        }
    }

    /// For batches that lie on a disk until they are delivered.
    pub(crate) fn with_spool(way: &Way) -> Self {
        Self { has_spool: true, ..Self::new(way) }
    }

    /// Nothing more is sent.
    pub(crate) async fn close(&mut self) {
        self.client.close().await;
    }

    /// Sends the batch, again and again as the protocol allows, until the export timeout. Where
    /// nobody ever listened, a shutdown is not kept waiting for a first time.
    pub(crate) async fn send(&mut self, batch: &Batch, mut stop: Stop) -> Outcome {
        let give_up = Instant::now() + self.timeout;
        let mut schedule = Schedule::default();
        loop {
            if let Some(until) = self.not_before {
                let silence = tokio::time::sleep_until(until.min(give_up).into());
                tokio::select! {
                    () = silence => {}
                    _ = stop.wait_for(Option::is_some), if self.has_spool => {
                        return self.unreachable(batch, "the program ends");
                    }
                }
                if until > give_up {
                    return self.unreachable(batch, "the receiver asked for a longer silence");
                }
                self.not_before = None;
            }
            let attempt = self.client.post(batch, give_up);
            let Ok(answer) = tokio::time::timeout_at(give_up.into(), attempt).await else {
                return self.unreachable(batch, "no answer within the export timeout");
            };
            let (after, reason) = match answer {
                Answer::Accepted { rejected, message } => {
                    self.reached = true;
                    return self.accepted(rejected, &message);
                }
                Answer::Refused(reason) => {
                    self.reached = true;
                    return self.rejected(batch, &reason);
                }
                Answer::TryAgain { after, reason } => {
                    self.reached = true;
                    (after, reason)
                }
                Answer::NoConnection(reason) => (None, reason),
            };
            let next = Instant::now() + schedule.next(after);
            if after.is_some() {
                self.not_before = Some(next);
            }
            let pause = tokio::time::sleep_until(next.min(give_up).into());
            if self.reached && !self.has_spool {
                pause.await;
            } else {
                tokio::select! {
                    () = pause => {}
                    _ = stop.wait_for(Option::is_some) => return self.unreachable(batch, &reason),
                }
            }
            if next >= give_up {
                return self.unreachable(batch, &reason);
            }
        }
    }

    fn accepted(&self, rejected: u64, message: &str) -> Outcome {
        if rejected > 0 || !message.is_empty() {
            let url = &self.shown;
            let text = format_args!("{url} accepted all but {rejected} records: {message:?}");
            diagnose::warn(Cause::PartialSuccess, &text);
        }
        Outcome::Delivered { rejected }
    }

    fn rejected(&self, batch: &Batch, reason: &str) -> Outcome {
        let (url, records) = (&self.shown, batch.records());
        diagnose::warn(Cause::Rejected, &format_args!("{url} refused {records} records: {reason}"));
        Outcome::Rejected
    }

    fn unreachable(&self, batch: &Batch, reason: &str) -> Outcome {
        let (url, records) = (&self.shown, batch.records());
        let kept = if self.has_spool { "; they wait in the spool" } else { "" };
        let text = format_args!("{records} records could not be sent to {url}: {reason}{kept}");
        diagnose::warn(Cause::Unreachable, &text);
        Outcome::Unreachable
    }
}
