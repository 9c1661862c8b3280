//! One signal's way out: its own settings, and the general ones where it has none.

use super::{Config, Headers, Protocol, Signal};
use std::time::Duration;

/// What holds for one signal.
#[derive(Clone, Copy)]
pub(super) struct Otlp<'a> {
    pub(super) endpoint: Option<Endpoint<'a>>,
    /// What was asked for; else the port decides.
    pub(super) protocol: Option<Protocol>,
    pub(super) headers: &'a Headers,
    pub(super) timeout: Duration,
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
    /// What holds for `signal`, one of this configuration's.
    pub(super) fn otlp<'a>(&'a self, signal: &'a Signal) -> Otlp<'a> {
        let base = self.endpoint.as_deref().map(Endpoint::Base);
        Otlp {
            endpoint: signal.endpoint.as_deref().map(Endpoint::Exact).or(base),
            protocol: signal.protocol.or(self.protocol),
            headers: signal.headers.as_ref().unwrap_or(&self.headers),
            timeout: signal.timeout.unwrap_or(self.export_timeout),
            insecure: signal.tls.insecure.or(self.tls.insecure),
        }
    }
}
