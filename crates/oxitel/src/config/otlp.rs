//! One signal's way out: its own settings, and the general ones where it has none.

use super::{Compression, Config, Headers, InitError, Protocol, Signal, url};
use crate::export::{Destination, SignalKind};
use std::borrow::Cow;
use std::time::Duration;

/// What holds for one signal.
#[derive(Clone, Copy)]
pub(super) struct Otlp<'a> {
    pub(super) endpoint: Option<Endpoint<'a>>,
    /// What was asked for; else the port decides.
    pub(super) protocol: Option<Protocol>,
    pub(super) headers: &'a Headers,
    pub(super) timeout: Duration,
    pub(super) compression: Compression,
    /// Whether a connection without a scheme goes without TLS.
    pub(super) insecure: Option<bool>,
}

/// Where a signal goes.
#[derive(Clone, Copy)]
pub(super) enum Endpoint<'a> {
    /// To its path below this URL.
    Base(&'a str),
    /// To this URL as it stands.
    Exact(&'a str),
}

impl Config {
    /// What holds for `signal`.
    pub(super) fn otlp(&self, signal: SignalKind) -> Otlp<'_> {
        let own = self.signal(signal);
        let base = self.endpoint.as_deref().map(Endpoint::Base);
        Otlp {
            endpoint: own.endpoint.as_deref().map(Endpoint::Exact).or(base),
            protocol: own.protocol.or(self.protocol),
            headers: own.headers.as_ref().unwrap_or(&self.headers),
            timeout: own.timeout.unwrap_or(self.export_timeout),
            compression: own.compression.unwrap_or(self.compression),
            insecure: own.tls.insecure.or(self.tls.insecure),
        }
    }

    /// The settings that a signal has of its own.
    pub(crate) fn signal(&self, signal: SignalKind) -> &Signal {
        match signal {
            SignalKind::Traces => &self.traces,
            SignalKind::Metrics => &self.metrics,
            SignalKind::Logs => &self.logs,
        }
    }

    /// Where a signal goes, and how; `None` without an endpoint.
    pub(crate) fn destination_of(
        &self,
        signal: SignalKind,
    ) -> Result<Option<Destination>, InitError> {
        let otlp = self.otlp(signal);
        let (protocol, headers) = (otlp.protocol, &otlp.headers.0);
        let destination = match otlp.endpoint {
            Some(Endpoint::Exact(url)) => {
                Destination::exactly(&otlp.with_scheme(url), signal, protocol, headers)?
            }
            Some(Endpoint::Base(url)) => {
                Destination::below(&otlp.with_scheme(url), signal, protocol, headers)?
            }
            None => return Ok(None),
        };
        Ok(Some(destination))
    }

    /// What bounds one request of a signal with all its retries, before its batches' own
    /// timeout; zero is no limit.
    pub(crate) fn export_timeout_of(&self, signal: SignalKind) -> Duration {
        self.otlp(signal).timeout
    }
}

impl Otlp<'_> {
    /// A gRPC endpoint without a scheme is plain, unless somebody wants it otherwise. A scheme
    /// that is there decides.
    fn with_scheme<'u>(&self, endpoint: &'u str) -> Cow<'u, str> {
        let by_port = || url::port(endpoint).and_then(Protocol::usual_at);
        let is_grpc = self.protocol.or_else(by_port) == Some(Protocol::Grpc);
        if is_grpc && self.insecure == Some(false) && !endpoint.contains("://") {
            return format!("https://{}", endpoint.trim()).into();
        }
        endpoint.into()
    }
}
