//! Where telemetry goes: an endpoint as people write it becomes a URL and headers.

use crate::config::EndpointError;
use http::header::{HeaderName, HeaderValue};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Uri};
use std::fmt;

/// A URL to post to and the headers to send along.
#[derive(Clone)]
pub(crate) struct Destination {
    url: Uri,
    headers: HeaderMap,
}

impl Destination {
    /// The traces URL below a base endpoint: its path plus `v1/traces`.
    pub(crate) fn below(
        base: &str,
        protocol: Option<&str>,
        headers: &[(String, String)],
    ) -> Result<Self, EndpointError> {
        let base_url = parse(base, protocol)?;
        let path = format!("{}/v1/traces", base_url.path().trim_end_matches('/'));
        Self::new(base, &base_url, &path, headers)
    }

    /// Exactly the given URL.
    pub(crate) fn exactly(
        url: &str,
        protocol: Option<&str>,
        headers: &[(String, String)],
    ) -> Result<Self, EndpointError> {
        let parsed = parse(url, protocol)?;
        let path = parsed.path().to_owned();
        Self::new(url, &parsed, &path, headers)
    }

    fn new(
        given: &str,
        url: &Uri,
        path: &str,
        headers: &[(String, String)],
    ) -> Result<Self, EndpointError> {
        let malformed = || EndpointError::Malformed(without_credentials(given));
        let query = url.query().map_or(String::new(), |query| format!("?{query}"));
        let authority = url.authority().ok_or_else(malformed)?;
        let (credentials, authority) = split(authority);
        let url = Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(authority)
            .path_and_query(format!("{path}{query}"))
            .build()
            .map_err(|_| malformed())?;
        if credentials {
            // Never sent, never shown: a password in a URL ends up in somebody's log.
            return Err(malformed());
        }
        Ok(Self { url, headers: header_map(headers)? })
    }

    pub(crate) fn url(&self) -> &Uri {
        &self.url
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

/// Header values may be secrets: names only.
impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().collect();
        f.debug_struct("Destination").field("url", &self.url).field("headers", &names).finish()
    }
}

/// A URL; one without a scheme is plain HTTP (`localhost:4318`).
fn parse(endpoint: &str, protocol: Option<&str>) -> Result<Uri, EndpointError> {
    let shown = || without_credentials(endpoint);
    let endpoint = endpoint.trim();
    let full =
        if endpoint.contains("://") { endpoint.into() } else { format!("http://{endpoint}") };
    let url: Uri = full.parse().map_err(|_| EndpointError::Malformed(shown()))?;
    match url.scheme_str() {
        Some("http") => {}
        Some("https") => return Err(EndpointError::Tls(shown())),
        _ => return Err(EndpointError::Scheme(shown())),
    }
    // What is asked for counts; what is not follows from the port.
    let protocol = match (protocol, url.port_u16()) {
        (Some(protocol), _) => protocol.trim(),
        (None, Some(4317)) => "grpc",
        (None, _) => HTTP_PROTOBUF,
    };
    if protocol.eq_ignore_ascii_case(HTTP_PROTOBUF) {
        return Ok(url);
    }
    Err(EndpointError::Protocol { endpoint: shown(), protocol: protocol.to_owned() })
}

const HTTP_PROTOBUF: &str = "http/protobuf";

/// Whether there are credentials, and the authority without them.
fn split(authority: &Authority) -> (bool, &str) {
    match authority.as_str().rsplit_once('@') {
        Some((_, host)) => (true, host),
        None => (false, authority.as_str()),
    }
}

fn without_credentials(endpoint: &str) -> String {
    match endpoint.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => endpoint.to_owned(),
    }
}

fn header_map(headers: &[(String, String)]) -> Result<HeaderMap, EndpointError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let invalid = || EndpointError::Header(name.clone());
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| invalid())?;
        value.set_sensitive(true);
        map.insert(key, value);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::Destination;

    fn url(endpoint: &str) -> String {
        match Destination::below(endpoint, None, &[]) {
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
    fn a_signal_endpoint_is_used_as_it_is() {
        let exact = |url| Destination::exactly(url, None, &[]).map(|to| to.url().to_string());
        assert_eq!(exact("http://host:4318/x"), Ok("http://host:4318/x".into()));
        assert_eq!(exact("http://host:4318"), Ok("http://host:4318/".into()));
    }

    #[test]
    fn what_cannot_work_is_said_at_once_and_without_secrets() {
        insta::assert_snapshot!(
            ["http://", "ftp://host", "https://host:4318", "host:4317", "http://me:pw@host:4318"]
                .map(url)
                .join("\n"),
            @r#"
        endpoint "http://" is no URL; write it like "http://localhost:4318"
        endpoint "ftp://host" has a scheme that OTLP does not use; write "http://…"
        endpoint "https://host:4318" asks for TLS, which this version cannot do; send to a collector on this host by "http://"
        endpoint "host:4317" speaks "grpc", which this version cannot send; use the protocol "http/protobuf" and its port, usually 4318
        endpoint "…@host:4318" is no URL; write it like "http://localhost:4318"
        "#
        );
        let bad = Destination::below("http://h", None, &[("x-key".into(), "a\nb".into())]);
        let error = bad.expect_err("a line break").to_string();
        assert_eq!(error, r#"header "x-key" has a name or a value that HTTP does not allow"#);
    }

    #[test]
    fn an_explicit_protocol_beats_the_port() {
        assert!(Destination::below("http://h:4317", Some("http/protobuf"), &[]).is_ok());
        assert!(Destination::below("http://h:4318", Some("grpc"), &[]).is_err());
    }

    #[test]
    fn debug_output_hides_header_values() {
        let headers = [("authorization".into(), "Bearer hunter2".into())];
        let text = format!("{:?}", Destination::below("http://h:1", None, &headers));
        assert!(text.contains("authorization") && !text.contains("hunter2"), "{text}");
    }
}
