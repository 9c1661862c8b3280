//! How a gRPC call went: the status of its headers or trailers, by name.

use crate::wire::grpc_code;
use http::{HeaderMap, StatusCode};

/// The codes that say that the server is at fault.
const OF_THE_SERVER: [&str; 6] =
    ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];

pub(super) const CANCELLED: &str = "CANCELLED";

/// The code in headers or trailers; one that is not in the list is `UNKNOWN`.
pub(super) fn of(headers: &HeaderMap) -> Option<&'static str> {
    let text = headers.get("grpc-status")?.to_str().unwrap_or("");
    let number = text.parse().unwrap_or(usize::MAX);
    Some(grpc_code::name(number).unwrap_or("UNKNOWN"))
}

/// What a status of HTTP means, when the answer has none of gRPC.
pub(super) fn of_http(status: StatusCode) -> Option<&'static str> {
    Some(match status.as_u16() {
        200 => return None,
        400 => "INTERNAL",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "UNIMPLEMENTED",
        429 | 502..=504 => "UNAVAILABLE",
        _ => "UNKNOWN",
    })
}

/// Whether the code is an error on this side of the connection.
pub(super) fn is_error(code: &str, on_server: bool) -> bool {
    if on_server { OF_THE_SERVER.contains(&code) } else { code != "OK" }
}

/// What the server says about it; it travels percent-encoded.
pub(super) fn message(headers: &HeaderMap) -> String {
    let encoded = headers.get("grpc-message").map_or(&b""[..], http::HeaderValue::as_bytes);
    crate::propagate::percent_decoded(&String::from_utf8_lossy(encoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(code: &'static str) -> HeaderMap {
        let pair = ("grpc-status".parse().expect("a name"), code.parse().expect("a value"));
        HeaderMap::from_iter([pair])
    }

    #[test]
    fn codes_have_names_and_some_blame_the_server() {
        assert_eq!(of(&headers("0")), Some("OK"));
        assert_eq!(of(&headers("16")), Some("UNAUTHENTICATED"));
        assert_eq!(of(&headers("17")), Some("UNKNOWN"));
        assert_eq!(of(&headers("-1")), Some("UNKNOWN"));
        assert_eq!(of(&HeaderMap::new()), None);
        let blame = grpc_code::NAMES
            .map(|name| is_error(name, true))
            .iter()
            .filter(|error| **error)
            .count();
        assert_eq!(blame, 6);
        assert!(!is_error("NOT_FOUND", true) && is_error("NOT_FOUND", false));
        assert!(!is_error("OK", false));
        assert_eq!(of_http(StatusCode::OK), None);
        assert_eq!(of_http(StatusCode::BAD_GATEWAY), Some("UNAVAILABLE"));
    }
}
