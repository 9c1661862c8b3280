//! One GET to a process of ours on loopback: all the HTTP that starting and checking needs.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, bail};

/// Enough for a process on the same machine, short enough to keep the table alive.
const LIMIT: Duration = Duration::from_secs(1);

/// The body that `endpoint` (`http://host:port`) gives for `path`.
pub(super) fn get(endpoint: &str, path: &str) -> anyhow::Result<String> {
    let address = endpoint
        .strip_prefix("http://")
        .with_context(|| format!("{endpoint:?} is not an http:// address"))?;
    ask(address, path).with_context(|| format!("GET {endpoint}{path}"))
}

fn ask(address: &str, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address.parse()?, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    // HTTP/1.0: the answer is neither chunked nor kept open, so its end is the end of the stream.
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    body_of(&String::from_utf8_lossy(&answer))
}

fn body_of(answer: &str) -> anyhow::Result<String> {
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no body")?;
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        bail!("the answer is {status:?}");
    }
    Ok(body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_of_a_good_answer_is_returned() {
        let answer = "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(body_of(answer).unwrap(), "{}");
    }

    #[test]
    fn any_other_status_is_an_error_that_quotes_it() {
        let error = body_of("HTTP/1.0 404 Not Found\r\n\r\n").unwrap_err();
        assert_eq!(error.to_string(), "the answer is \"HTTP/1.0 404 Not Found\"");
    }
}
