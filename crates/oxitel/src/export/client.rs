//! One attempt in the words of the destination's protocol; the exporter above knows none.
//!
//! Flow: batch -> exporter -> **client** -> `http` or `grpc` -> receiver, or `aside` -> exporter.

use super::batch::Batch;
use super::response::Answer;
use super::tls::{Asked, TLS};
use super::transport::Transport;
use super::{aside, grpc, http};
use crate::pipeline::settings::Target;
use ::http::{HeaderName, HeaderValue};
use std::error::Error;
use std::time::{Duration, Instant};

/// A connection that was idle for longer is not trusted with a request.
pub(super) const IDLE: Duration = Duration::from_secs(30);

/// Posts batches to one destination.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a sender has one of them")]
pub(super) enum Client {
    Http(http::Client),
    Grpc(grpc::Client),
    Aside(aside::Client),
}

impl Client {
    pub(super) fn new(target: &Target) -> Self {
        let destination = match target {
            Target::Receiver(destination) => destination,
            Target::Extra(extra) => return Self::Aside(aside::Client::new(extra)),
        };
        match destination.transport() {
            Transport::Http | Transport::Json => Self::Http(http::Client::new(destination)),
            Transport::Grpc => Self::Grpc(grpc::Client::new(destination)),
        }
    }

    /// Posts the batch once; nobody waits for the answer beyond `give_up`.
    pub(super) async fn post(&mut self, batch: &Batch, give_up: Instant) -> Answer {
        match self {
            Self::Http(client) => client.post(batch).await,
            Self::Grpc(client) => client.post(batch, give_up).await,
            Self::Aside(client) => client.post(batch).await,
        }
    }

    /// Nothing more is posted; what has to be ended is ended.
    pub(super) async fn close(&mut self) {
        if let Self::Aside(client) = self {
            client.close().await;
        }
    }
}

pub(super) fn user_agent() -> HeaderValue {
    let text = concat!("OTel-OTLP-Exporter-Rust/", env!("CARGO_PKG_VERSION"), " (oxitel)");
    HeaderValue::from_static(text)
}

/// The name of a batch: what has it already can drop it when it comes again.
pub(super) const BATCH_ID: HeaderName = HeaderName::from_static("oxitel-batch-id");

/// The name of this batch, the same in each attempt.
pub(super) fn batch_id(batch: &Batch) -> HeaderValue {
    // Hex digits, a hyphen and a number are a header value.
    HeaderValue::try_from(batch.id().to_string()).unwrap_or(HeaderValue::from_static("-"))
}

/// Why nothing was answered.
pub(super) fn failed(error: &(dyn Error + 'static), asked: &Asked) -> Answer {
    let mut reason = root_cause(error).to_string();
    if let Some(hint) = asked.hint()
        && !reason.contains(hint)
    {
        reason = format!("{TLS}{reason}: {hint}");
    }
    if reason.starts_with(TLS) {
        // Over TLS 1.3 a receiver refuses our certificate after the handshake.
        return Answer::NoConnection(reason);
    }
    Answer::TryAgain { after: None, reason }
}

/// The innermost error says what happened ("connection refused"), the outer ones only where.
pub(super) fn root_cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}
