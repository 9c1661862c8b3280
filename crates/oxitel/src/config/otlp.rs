//! One signal's way out: its own settings, and the general ones where it has none.

use super::proxies::is_proxy;
use super::{Compression, Config, EndpointError, Headers, InitError, Protocol, Signal, Tls, url};
use crate::export::{Destination, SignalKind, TlsFiles};
use std::borrow::Cow;
use std::path::PathBuf;
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
    pub(super) files: TlsFiles<'a>,
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
        let (own_tls, general) = (&own.tls, &self.tls);
        Otlp {
            endpoint: own.endpoint.as_deref().map(Endpoint::Exact).or(base),
            protocol: own.protocol.or(self.protocol),
            headers: own.headers.as_ref().unwrap_or(&self.headers),
            timeout: own.timeout.unwrap_or(self.export_timeout),
            compression: own.compression.unwrap_or(self.compression),
            files: files(own_tls, general),
            insecure: own_tls.insecure.or(general.insecure),
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
        let destination = destination.secured_by(otlp.files)?;
        let destination = destination.compressed_by(otlp.compression);
        let (is_tls, host, port) = destination.place();
        match self.proxies.on_the_way_to(is_tls, host, port) {
            Some(proxy) if is_proxy(proxy) => Ok(Some(destination.by_proxy(proxy)?)),
            Some(proxy) => Err(EndpointError::Proxy(url::masked(proxy)).into()),
            None => Ok(Some(destination)),
        }
    }

    /// What bounds one request of a signal with all its retries, before its batches' own
    /// timeout; zero is no limit.
    pub(crate) fn export_timeout_of(&self, signal: SignalKind) -> Duration {
        self.otlp(signal).timeout
    }
}

/// The signal's own files, else those for all.
fn files<'a>(own: &'a Tls, general: &'a Tls) -> TlsFiles<'a> {
    let certificate = own.certificate.as_ref().or(general.certificate.as_ref());
    let client_key = own.client_key.as_ref().or(general.client_key.as_ref());
    let client_certificate =
        own.client_certificate.as_ref().or(general.client_certificate.as_ref());
    TlsFiles {
        certificate: certificate.map(PathBuf::as_path),
        client_key: client_key.map(PathBuf::as_path),
        client_certificate: client_certificate.map(PathBuf::as_path),
    }
}

impl Otlp<'_> {
    /// An endpoint without a scheme is plain, unless something asks for TLS: that it be secure,
    /// or files for it. A scheme that is there decides.
    fn with_scheme<'u>(&self, endpoint: &'u str) -> Cow<'u, str> {
        let asks_for_tls = match self.insecure {
            Some(insecure) => !insecure,
            None => self.files.are_named(),
        };
        if asks_for_tls && !endpoint.contains("://") {
            return format!("https://{}", endpoint.trim()).into();
        }
        endpoint.into()
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Protocol};
    use crate::export::SignalKind;

    fn told(config: &Config) -> String {
        match config.destination_of(SignalKind::Traces) {
            Ok(Some(destination)) => {
                let shown = destination.shown();
                [Some(shown), destination.remark()]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join("; ")
            }
            Ok(None) => "nowhere".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_endpoint_without_a_scheme_is_plain_unless_something_asks_for_tls() {
        let mut lines = Vec::new();
        for endpoint in ["h:4317", "h:4318", "http://h:4317", "https://h:4318"] {
            for insecure in [None, Some(true), Some(false)] {
                let mut config = Config::default().endpoint(endpoint);
                config.tls.insecure = insecure;
                lines.push(format!("{endpoint} {insecure:?}: {}", told(&config)));
            }
        }
        insta::assert_snapshot!(lines.join("\n"), @r"
        h:4317 None: http://h:4317 over gRPC
        h:4317 Some(true): http://h:4317 over gRPC
        h:4317 Some(false): https://h:4317 over gRPC
        h:4318 None: http://h:4318/v1/traces
        h:4318 Some(true): http://h:4318/v1/traces
        h:4318 Some(false): https://h:4318/v1/traces
        http://h:4317 None: http://h:4317 over gRPC
        http://h:4317 Some(true): http://h:4317 over gRPC
        http://h:4317 Some(false): http://h:4317 over gRPC
        https://h:4318 None: https://h:4318/v1/traces
        https://h:4318 Some(true): https://h:4318/v1/traces
        https://h:4318 Some(false): https://h:4318/v1/traces
        ");
    }

    #[test]
    fn files_for_tls_ask_for_tls_and_are_not_passed_over() {
        let mut config = Config::default().endpoint("h:4318");
        config.tls.certificate = Some("/nowhere/ca.pem".into());
        let mut lines = vec![told(&config)];
        config.tls.insecure = Some(true);
        lines.push(told(&config));
        lines.push(told(&config.clone().endpoint("http://h:4317")));
        lines.push(told(&config.endpoint("https://h:4317")));
        insta::assert_snapshot!(lines.join("\n"), @r#"
        OTEL_EXPORTER_OTLP_CERTIFICATE (tls.certificate) names "/nowhere/ca.pem", which cannot be read: No such file or directory (os error 2); name a PEM file that this process may read
        http://h:4318/v1/traces; http://h:4318/v1/traces is plain, and the files for TLS have no effect; write "https://"
        http://h:4317 over gRPC; http://h:4317 over gRPC is plain, and the files for TLS have no effect; write "https://"
        OTEL_EXPORTER_OTLP_CERTIFICATE (tls.certificate) names "/nowhere/ca.pem", which cannot be read: No such file or directory (os error 2); name a PEM file that this process may read
        "#);
    }

    #[test]
    fn what_is_asked_for_wins_over_the_port() {
        let shown = |config: Config| {
            config.destination_of(SignalKind::Traces).map(|to| to.map(|to| to.shown()))
        };
        let base = Config::default().endpoint("http://h:4317");
        assert_eq!(shown(base.clone()), Ok(Some("http://h:4317 over gRPC".to_owned())));
        let http = base.protocol(Protocol::HttpProtobuf);
        assert_eq!(shown(http.clone()), Ok(Some("http://h:4317/v1/traces".to_owned())));
        let json = http.protocol(Protocol::HttpJson);
        assert_eq!(shown(json), Ok(Some("http://h:4317/v1/traces".to_owned())));
    }
}
