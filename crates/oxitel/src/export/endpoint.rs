//! Where telemetry goes: an endpoint as people write it becomes a URL and headers.

use super::headers;
use super::proxy::Proxy;
use super::signal::SignalKind;
use super::tls::{Files, Trust};
use super::transport::Transport;
use crate::config::url::masked;
use crate::config::{Compression, EndpointError, Protocol, TlsError};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Uri};
use std::fmt;

/// A URL to post to, the headers to send along, and how.
#[derive(Clone)]
pub(crate) struct Destination {
    transport: Transport,
    url: Uri,
    headers: HeaderMap,
    /// With TLS.
    trust: Option<Trust>,
    compression: Compression,
    proxy: Option<Proxy>,
    /// A path that gRPC has no use for.
    unused_path: Option<String>,
    /// Files for TLS that a plain connection has no use for.
    unused_files: bool,
}

impl Destination {
    /// The signal's URL below a base endpoint: its path plus `v1/traces` or its like; over gRPC
    /// the service's.
    pub(crate) fn below(
        base: &str,
        signal: SignalKind,
        protocol: Option<Protocol>,
        headers: &[(String, String)],
    ) -> Result<Self, EndpointError> {
        Self::new(base, signal, protocol, headers, |url| {
            format!("{}/{}", url.path().trim_end_matches('/'), signal.path())
        })
    }

    /// Exactly the given URL; over gRPC its host and port.
    pub(crate) fn exactly(
        url: &str,
        signal: SignalKind,
        protocol: Option<Protocol>,
        headers: &[(String, String)],
    ) -> Result<Self, EndpointError> {
        Self::new(url, signal, protocol, headers, |url| url.path().to_owned())
    }

    fn new(
        given: &str,
        signal: SignalKind,
        protocol: Option<Protocol>,
        headers: &[(String, String)],
        http_path: impl FnOnce(&Uri) -> String,
    ) -> Result<Self, EndpointError> {
        let malformed = || EndpointError::Malformed(masked(given));
        let url = parse(given)?;
        let transport = Transport::choose(protocol, url.port_u16());
        let authority = url.authority().ok_or_else(malformed)?;
        let (credentials, authority) = split(authority);
        let query = url.query().map_or(String::new(), |query| format!("?{query}"));
        let target = match transport {
            Transport::Http | Transport::Json => format!("{}{query}", http_path(&url)),
            Transport::Grpc => signal.method().to_owned(),
        };
        let is_unused = transport == Transport::Grpc && !matches!(url.path(), "" | "/");
        let unused_path = is_unused.then(|| url.path().to_owned());
        let url = Uri::builder()
            .scheme(url.scheme().cloned().unwrap_or(Scheme::HTTP))
            .authority(authority)
            .path_and_query(target)
            .build()
            .map_err(|_| malformed())?;
        if credentials {
            // Never sent, never shown: a password in a URL ends up in somebody's log.
            return Err(malformed());
        }
        let headers = headers::checked(headers, transport)?;
        // Until more is known: whom the system trusts. Never plain where TLS is asked for.
        let trust = (url.scheme() == Some(&Scheme::HTTPS)).then(Trust::default);
        Ok(Self {
            transport,
            url,
            headers,
            trust,
            compression: Compression::None,
            proxy: None,
            unused_path,
            unused_files: false,
        })
    }

    /// With these files for TLS, where it is spoken.
    pub(crate) fn secured_by(mut self, files: Files<'_>) -> Result<Self, TlsError> {
        if self.trust.is_some() {
            self.trust = Some(Trust::read(files)?);
        } else {
            self.unused_files = files.are_named();
        }
        Ok(self)
    }

    /// With bodies compressed so.
    pub(crate) fn compressed_by(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// By this proxy.
    pub(crate) fn by_proxy(mut self, proxy: &str) -> Result<Self, EndpointError> {
        let parsed = Proxy::parse(proxy);
        self.proxy = Some(parsed.ok_or_else(|| EndpointError::Proxy(masked(proxy)))?);
        Ok(self)
    }

    pub(super) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// Whether TLS is spoken there, the host and the port.
    pub(crate) fn place(&self) -> (bool, &str, u16) {
        let is_tls = self.trust.is_some();
        let port = self.url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        (is_tls, self.url.host().unwrap_or_default(), port)
    }

    pub(super) fn compression(&self) -> Compression {
        self.compression
    }

    /// Whom to trust, where TLS is spoken.
    pub(super) fn trust(&self) -> Option<&Trust> {
        self.trust.as_ref()
    }

    pub(crate) fn transport(&self) -> Transport {
        self.transport
    }

    pub(crate) fn url(&self) -> &Uri {
        &self.url
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// What is done other than the endpoint says.
    pub(crate) fn remark(&self) -> Option<String> {
        let shown = self.shown();
        let path = self.unused_path.as_ref();
        let path = path.map(|path| format!("{shown} has a path of its own; {path:?} is left out"));
        let files = self.unused_files.then(|| {
            format!("{shown} is plain, and the files for TLS have no effect; write \"https://\"")
        });
        let remarks: Vec<_> = path.into_iter().chain(files).collect();
        (!remarks.is_empty()).then(|| remarks.join("; "))
    }

    /// For people: without the query, which may hold a key.
    pub(crate) fn shown(&self) -> String {
        let scheme = self.url.scheme_str().unwrap_or_default();
        let authority = self.url.authority().map_or("", Authority::as_str);
        match self.transport {
            Transport::Http | Transport::Json => {
                format!("{scheme}://{authority}{}", self.url.path())
            }
            Transport::Grpc => format!("{scheme}://{authority} over gRPC"),
        }
    }
}

/// Header values may be secrets, and so may be a query: names only.
impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().collect();
        let mut shown = f.debug_struct("Destination");
        shown
            .field("transport", &self.transport)
            .field("url", &self.shown())
            .field("headers", &names);
        shown.finish_non_exhaustive()
    }
}

/// A URL; one without a scheme is plain HTTP (`localhost:4318`).
fn parse(endpoint: &str) -> Result<Uri, EndpointError> {
    let shown = || masked(endpoint);
    let endpoint = endpoint.trim();
    let full =
        if endpoint.contains("://") { endpoint.into() } else { format!("http://{endpoint}") };
    let url: Uri = full.parse().map_err(|_| EndpointError::Malformed(shown()))?;
    match url.scheme_str() {
        Some("http" | "https") => Ok(url),
        _ => Err(EndpointError::Scheme(shown())),
    }
}

/// Whether there are credentials, and the authority without them.
fn split(authority: &Authority) -> (bool, &str) {
    match authority.as_str().rsplit_once('@') {
        Some((_, host)) => (true, host),
        None => (false, authority.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Destination, Protocol, SignalKind};
    use SignalKind::Traces;

    fn url(endpoint: &str) -> String {
        match Destination::below(endpoint, Traces, None, &[]) {
            Ok(destination) => destination.url().to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_base_endpoint_gets_the_signal_path() {
        assert_eq!(url("http://host:4318"), "http://host:4318/v1/traces");
        assert_eq!(url("http://host:4318/"), "http://host:4318/v1/traces");
        assert_eq!(url("http://host/otlp/"), "http://host/otlp/v1/traces");
        assert_eq!(url("localhost:4318"), "http://localhost:4318/v1/traces");
        assert_eq!(url("http://[::1]:4318"), "http://[::1]:4318/v1/traces");
    }

    #[test]
    fn each_signal_has_its_own_path_and_its_own_call() {
        let told = |protocol| {
            SignalKind::ALL.map(|signal| {
                let to = Destination::below("http://h/otlp", signal, protocol, &[]);
                format!("{signal}: {}", to.expect("it works").url().path())
            })
        };
        let told = [told(None), told(Some(Protocol::Grpc))].concat();
        insta::assert_snapshot!(told.join("\n"), @r"
        traces: /otlp/v1/traces
        metrics: /otlp/v1/metrics
        logs: /otlp/v1/logs
        traces: /opentelemetry.proto.collector.trace.v1.TraceService/Export
        metrics: /opentelemetry.proto.collector.metrics.v1.MetricsService/Export
        logs: /opentelemetry.proto.collector.logs.v1.LogsService/Export
        ");
    }

    #[test]
    fn a_signal_endpoint_is_used_as_it_is() {
        let exact =
            |url| Destination::exactly(url, Traces, None, &[]).map(|to| to.url().to_string());
        assert_eq!(exact("http://host:4318/x"), Ok("http://host:4318/x".into()));
        assert_eq!(exact("http://host:4318"), Ok("http://host:4318/".into()));
    }

    #[test]
    fn what_cannot_work_is_said_at_once_and_without_secrets() {
        insta::assert_snapshot!(
            ["http://", "ftp://host", "https://host:4318", "https://host:4317", "http://me:pw@host:4317"]
                .map(url)
                .join("\n"),
            @r#"
        endpoint "http://" is no URL; write it like "http://localhost:4318"
        endpoint "ftp://host" has a scheme that OTLP does not use; write "http://…" or "https://…"
        https://host:4318/v1/traces
        https://host:4317/opentelemetry.proto.collector.trace.v1.TraceService/Export
        endpoint "http://…@host:4317" is no URL; write it like "http://localhost:4318"
        "#
        );
        let error = |protocol, name: &str, value: &str| {
            let bad =
                Destination::below("http://h", Traces, protocol, &[(name.into(), value.into())]);
            bad.expect_err("it cannot work").to_string()
        };
        insta::assert_snapshot!(
            [
                error(None, "x-key", "a\nb"),
                error(Some(Protocol::Grpc), "Grpc-Timeout", "1S"),
            ].join("\n"),
            @r#"
        header "x-key" has a name or a value that HTTP does not allow
        header "Grpc-Timeout" cannot go along over gRPC: names there have letters, digits, "-", "_" and ".", do not begin with "grpc-" or end with "-bin", and are none that the connection itself sets
        "#
        );
    }

    /// The transport and the URL, with what is remarked about them.
    fn chosen(endpoint: &str, protocol: Option<Protocol>) -> String {
        let both = [Destination::below, Destination::exactly];
        let to = both.map(|new| new(endpoint, Traces, protocol, &[]).expect("it works"));
        let [below, exactly] = to.map(|to| {
            let chosen =
                format!("{:?} {} shown as {}", to.transport(), to.url().path(), to.shown());
            [Some(chosen), to.remark()].into_iter().flatten().collect::<Vec<_>>().join("\n  ")
        });
        if below == exactly { below } else { format!("{below}\n or {exactly}") }
    }

    #[test]
    fn protocol_or_port_choose_the_transport() {
        let chosen = [
            chosen("h", None),
            chosen("h:4317", None),
            chosen("h:4317", Some(Protocol::HttpProtobuf)),
            chosen("http://h:4318", Some(Protocol::Grpc)),
            chosen("otlp:9000", Some(Protocol::Grpc)),
            chosen("http://h:4317/v1/traces?key=secret", None),
        ];
        insta::assert_snapshot!(chosen.join("\n"), @r#"
        Http /v1/traces shown as http://h/v1/traces
         or Http / shown as http://h/
        Grpc /opentelemetry.proto.collector.trace.v1.TraceService/Export shown as http://h:4317 over gRPC
        Http /v1/traces shown as http://h:4317/v1/traces
         or Http / shown as http://h:4317/
        Grpc /opentelemetry.proto.collector.trace.v1.TraceService/Export shown as http://h:4318 over gRPC
        Grpc /opentelemetry.proto.collector.trace.v1.TraceService/Export shown as http://otlp:9000 over gRPC
        Grpc /opentelemetry.proto.collector.trace.v1.TraceService/Export shown as http://h:4317 over gRPC
          http://h:4317 over gRPC has a path of its own; "/v1/traces" is left out
        "#);
    }

    #[test]
    fn errors_show_no_query() {
        for url in ["https://me@h/?key=hunter2", "ftp://h/?key=hunter2", "http://h h/?key=hunter2"]
        {
            let error = Destination::exactly(url, Traces, None, &[]).expect_err("it cannot work");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn debug_output_hides_header_values_and_queries() {
        let headers = [("authorization".into(), "Bearer hunter2".into())];
        let url = "http://h:1/?key=hunter2";
        let text = format!("{:?}", Destination::exactly(url, Traces, None, &headers));
        assert!(text.contains("authorization") && !text.contains("hunter2"), "{text}");
    }
}
