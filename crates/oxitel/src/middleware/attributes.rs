//! What the conventions want to know of a request, read from its head without a copy where that
//! is possible.

use crate::record::Value;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Version};

/// Attributes of a span that is about to start. More than the conventions name fit.
pub(super) struct Attributes<'a> {
    pairs: [(&'static str, Value<'a>); Attributes::MOST],
    length: usize,
}

impl<'a> Attributes<'a> {
    const MOST: usize = 16;

    pub(super) fn new() -> Self {
        Self { pairs: [("", Value::Bool(false)); Self::MOST], length: 0 }
    }

    /// Adds one, if there is a value.
    pub(super) fn add(&mut self, key: &'static str, value: Option<impl Into<Value<'a>>>) {
        if let (Some(value), Some(free)) = (value, self.pairs.get_mut(self.length)) {
            *free = (key, value.into());
            self.length += 1;
        }
    }

    pub(super) fn pairs(&self) -> &[(&'static str, Value<'a>)] {
        &self.pairs[..self.length]
    }
}

/// The method as the conventions write it, and as it came where that differs: strangers may send
/// any word, and each would be a name of its own.
pub(super) fn method<'a>(method: &'a Method, also_known: &[String]) -> (&'a str, Option<&'a str>) {
    let known = [
        Method::CONNECT,
        Method::DELETE,
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::PATCH,
        Method::POST,
        Method::PUT,
        Method::TRACE,
    ];
    let text = method.as_str();
    let is_known = known.contains(method) || also_known.iter().any(|other| other == text);
    if is_known { (text, None) } else { ("_OTHER", Some(text)) }
}

/// The method's part of a span's name.
pub(super) fn method_in_name(known: &str) -> &str {
    if known == "_OTHER" { "HTTP" } else { known }
}

/// Host and port of an authority, without the user and the brackets of an IPv6 address.
pub(super) fn host_and_port(authority: &str) -> (&str, Option<u16>) {
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some(rest) = authority.strip_prefix('[')
        && let Some((host, port)) = rest.split_once(']')
    {
        return (host, port.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match authority.rsplit_once(':') {
        Some((host, port)) => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (host, None),
        },
        None => (authority, None),
    }
}

/// Whom a request is for: the authority of its target, else the header `host`.
pub(super) fn authority(request: &Parts) -> Option<&str> {
    let target = request.uri.authority().map(http::uri::Authority::as_str);
    target.or_else(|| header(&request.headers, &HOST)).filter(|text| !text.is_empty())
}

/// A header that is text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The version of HTTP, as `network.protocol.version` has it.
pub(super) fn version(version: Version) -> Option<&'static str> {
    Some(match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => return None,
    })
}

/// The port that a scheme implies.
pub(super) fn usual_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// The absolute URL of a request, with its user and password crossed out.
pub(super) fn full_url(scheme: &str, authority: &str, rest: &str) -> String {
    let (credentials, host) = match authority.rsplit_once('@') {
        Some((_, host)) => ("REDACTED:REDACTED@", host),
        None => ("", authority),
    };
    [scheme, "://", credentials, host, rest].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_has_a_host_and_perhaps_a_port() {
        let cases = [
            ("shop", ("shop", None)),
            ("shop:8080", ("shop", Some(8080))),
            ("[::1]:8080", ("::1", Some(8080))),
            ("[2001:db8::7]", ("2001:db8::7", None)),
            ("user:secret@shop:1", ("shop", Some(1))),
            ("shop:", ("shop", None)),
            ("shop:99999", ("shop", None)),
            ("", ("", None)),
        ];
        for (authority, expected) in cases {
            assert_eq!(host_and_port(authority), expected, "{authority}");
        }
    }

    #[test]
    fn a_method_that_nobody_knows_is_not_a_name() {
        let other = Method::from_bytes(b"PROPFIND").expect("a token");
        assert_eq!(method(&Method::GET, &[]), ("GET", None));
        assert_eq!(method(&other, &[]), ("_OTHER", Some("PROPFIND")));
        assert_eq!(method(&other, &["PROPFIND".to_owned()]), ("PROPFIND", None));
        let lower = Method::from_bytes(b"get").expect("a token");
        assert_eq!(method(&lower, &[]), ("_OTHER", Some("get")));
        assert_eq!((method_in_name("_OTHER"), method_in_name("GET")), ("HTTP", "GET"));
    }

    #[test]
    fn a_url_keeps_no_credentials() {
        let url = full_url("https", "user:hunter2@shop:8443", "/a?b=c");
        assert_eq!(url, "https://REDACTED:REDACTED@shop:8443/a?b=c");
        assert_eq!(full_url("http", "shop", "/"), "http://shop/");
    }

    #[test]
    fn more_attributes_than_there_are_names_for_do_no_harm() {
        let mut attributes = Attributes::new();
        for number in 0..20_i64 {
            attributes.add("key", Some(number));
            attributes.add("absent", None::<i64>);
        }
        assert_eq!(attributes.pairs().len(), 16);
        assert_eq!(attributes.pairs()[15], ("key", Value::I64(15)));
    }
}
