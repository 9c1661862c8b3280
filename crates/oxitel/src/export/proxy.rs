//! A proxy on the way: who it is, and the tunnel through it.
//!
//! Flow: `dial` -> **proxy** -> receiver. Plain requests it reads itself; for TLS and for gRPC it
//! passes bytes on, both ways.

use crate::config::url::masked;
use crate::propagate::percent_decoded_bytes;
use crate::wire::json;
use ::http::uri::{Authority, Scheme};
use ::http::{HeaderValue, Uri};
use std::fmt;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer with a longer head is none.
const LONGEST_HEAD: usize = 16 << 10;

/// A proxy, and how it knows us.
#[derive(Clone)]
pub(crate) struct Proxy {
    url: Uri,
    /// `Basic …`; never shown.
    authorization: Option<HeaderValue>,
    shown: String,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.shown).finish()
    }
}

impl Proxy {
    /// As people write it, with credentials or without.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let place = text.split_once("://").map_or(text, |(_, place)| place);
        let place = place.split(['/', '?', '#']).next().unwrap_or_default();
        let (credentials, place) = match place.rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, place),
        };
        let authority: Authority = place.parse().ok()?;
        let url = Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query("/");
        let authorization = match credentials {
            Some(credentials) => Some(basic(credentials)?),
            None => None,
        };
        Some(Self { url: url.build().ok()?, authorization, shown: masked(text) })
    }

    pub(super) fn url(&self) -> &Uri {
        &self.url
    }

    /// What the proxy is told with each request that it reads.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// For people.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// Asks for a tunnel to the URL's host; then the stream is one to there.
    pub(super) async fn tunnel(&self, stream: &mut TcpStream, url: &Uri) -> Result<(), String> {
        let request = self.request(url);
        stream.write_all(&request).await.map_err(|error| error.to_string())?;
        let head = head(stream).await.map_err(|error| error.to_string())?;
        let status = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let words = String::from_utf8_lossy(status);
        let mut words = words.splitn(3, ' ');
        let (version, code) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match (version, code) {
            ("HTTP/1.1" | "HTTP/1.0", "200") => Ok(()),
            ("HTTP/1.1" | "HTTP/1.0", "407") => {
                Err("it asks for credentials, or for others (status 407)".to_owned())
            }
            ("HTTP/1.1" | "HTTP/1.0", code) => {
                let reason = super::response::cut(words.next().unwrap_or_default().as_bytes());
                Err(format!(
                    "it opens no tunnel: status {:?} {reason:?}",
                    super::response::cut(code.as_bytes())
                ))
            }
            _ => Err("it does not speak HTTP".to_owned()),
        }
    }

    fn request(&self, url: &Uri) -> Vec<u8> {
        let usual = if url.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
        let target =
            format!("{}:{}", url.host().unwrap_or_default(), url.port_u16().unwrap_or(usual));
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n").into_bytes();
        if let Some(authorization) = &self.authorization {
            request.extend_from_slice(b"proxy-authorization: ");
            request.extend_from_slice(authorization.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        request
    }
}

/// The head of an answer, and not a byte more: what follows is the receiver's.
async fn head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == LONGEST_HEAD {
            return Err(io::Error::other("its answer has no end"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

/// Name and password, which may be percent-encoded in a URL.
fn basic(credentials: &str) -> Option<HeaderValue> {
    let (name, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let decoded = [name, password].map(|text| percent_decoded_bytes(text.as_bytes()));
    let mut text = "Basic ".to_owned();
    json::base64_letters(&mut text, &decoded.join(&b':'));
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::Proxy;

    #[test]
    fn a_proxy_is_a_place_with_credentials_or_without() {
        let parsed = |text| {
            let proxy = Proxy::parse(text)?;
            let told = proxy.authorization().map(|value| value.to_str().expect("text").to_owned());
            Some((proxy.url().to_string(), told))
        };
        let plain = |url: &str| Some((url.to_owned(), None));
        assert_eq!(parsed("p:3128"), plain("http://p:3128/"));
        assert_eq!(parsed("http://p/"), plain("http://p/"));
        assert_eq!(parsed("http://[::1]:8080"), plain("http://[::1]:8080/"));
        let known = Some(("http://p:1/".to_owned(), Some("Basic bWU6YSBi".to_owned())));
        assert_eq!(parsed("http://me:a%20b@p:1"), known);
        assert_eq!(parsed("http://"), None);
        assert_eq!(parsed("http://two words"), None);
        let shown = format!("{:?}", Proxy::parse("http://me:hunter2@p:1"));
        assert!(shown.contains("p:1") && !shown.contains("hunter2"), "{shown}");
    }
}
