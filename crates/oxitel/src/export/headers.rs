//! Headers that a program wants to be sent: which of them can go along.
//!
//! Flow: config -> `endpoint` -> **headers** -> `http` or `grpc`.

use super::transport::Transport;
use crate::config::EndpointError;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

/// The headers as they are sent, or which of them cannot go along.
pub(super) fn checked(
    headers: &[(String, String)],
    transport: Transport,
) -> Result<HeaderMap, EndpointError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let invalid = || EndpointError::Header(name.clone());
        // The name of a header is kept in lower case, as gRPC wants it.
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        if transport == Transport::Grpc && !is_metadata(key.as_str()) {
            return Err(EndpointError::Metadata(name.clone()));
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| invalid())?;
        value.set_sensitive(true);
        map.insert(key, value);
    }
    Ok(map)
}

/// Whether a header may stand beside those that gRPC and HTTP/2 set.
fn is_metadata(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.bytes().all(allowed)
        && !name.starts_with("grpc-")
        && !name.ends_with("-bin")
        && !OF_THE_CONNECTION.contains(&name)
}

/// Headers that say how a request travels; HTTP/2 says it by other means.
const OF_THE_CONNECTION: &[&str] = &[
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

#[cfg(test)]
mod tests {
    use super::{Transport, checked};

    #[test]
    fn metadata_is_narrower_than_headers() {
        let (grpc, http) = (Transport::Grpc, Transport::Http);
        let taken = |transport, name: &str| {
            checked(&[(name.to_owned(), "value".to_owned())], transport).is_ok()
        };
        for name in ["x-key", "Authorization", "a_b.c-1"] {
            assert!(taken(grpc, name) && taken(http, name), "{name}");
        }
        for name in ["a!b", "grpc-timeout", "x-bin", "Content-Length", "connection", "te"] {
            assert!(!taken(grpc, name) && taken(http, name), "{name}");
        }
        for name in ["", "a b", "ü", ":path"] {
            assert!(!taken(grpc, name) && !taken(http, name), "{name}");
        }
    }
}
