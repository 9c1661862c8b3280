//! Secrets inside of texts: credentials and signatures in URLs, `Bearer …`, `password=…`.
//!
//! Every function reads its text once from left to right and returns `None` when there is
//! nothing to change, so that an ordinary text is not copied.

use super::keys;
use crate::record::REDACTED;

/// What stands for a secret inside of a URL, as the semantic conventions say.
const IN_URL: &str = "REDACTED";

/// Whether there can be a URL in it: a colon before a slash. Eight bytes at a time, because every
/// text attribute is asked.
#[inline(always)]
pub(crate) fn may_hold_url(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(last) = bytes.last_chunk::<8>() else { return false };
    let mut at = 0;
    // Steps of seven: a pair on the border of two words is seen whole in one of them.
    while let Some(word) = bytes.get(at..at + 8).and_then(<[u8]>::first_chunk) {
        if has_colon_slash(*word) {
            return true;
        }
        at += 7;
    }
    has_colon_slash(*last)
}

#[inline(always)]
fn has_colon_slash(word: [u8; 8]) -> bool {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    let word = u64::from_le_bytes(word);
    // A byte of `pairs` is zero where a colon is and a slash follows.
    let pairs =
        (word ^ u64::from_le_bytes([b':'; 8])) | ((word >> 8) ^ u64::from_le_bytes([b'/'; 8]));
    pairs.wrapping_sub(ONES) & !pairs & HIGHS != 0
}

/// Whether a sentence can hold what [`schemes`], [`urls`] or [`assignments`] take out.
pub(super) fn may_tell_secrets(text: &str) -> bool {
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let next = bytes.peek().copied().unwrap_or(0);
        let tells = match byte {
            b':' | b'=' => true,
            b'-' => next == b'-',
            // `Bearer …`, `Basic …`
            b'r' | b'R' | b'c' | b'C' => next.is_ascii_whitespace() || next >= 0x80,
            _ => false,
        };
        if tells {
            return true;
        }
    }
    false
}

/// Where a URL ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// With the text.
    Whole,
    /// At the next space: it stands in a sentence.
    Word,
}

impl Extent {
    fn end(self, text: &str) -> usize {
        match self {
            Self::Whole => text.len(),
            Self::Word => text.find(char::is_whitespace).unwrap_or(text.len()),
        }
    }
}

/// Takes credentials and secret parameters out of every URL in `text`.
pub(super) fn urls(text: &str, extent: Extent) -> Option<String> {
    let mut out = Changed::of(text);
    let mut at = 0;
    while let Some(found) = text[at..].find("://") {
        let authority = at + found + 3;
        let end = authority + extent.end(&text[authority..]);
        let url =
            Url { text, end, last_at: text[authority..end].rfind('@').map(|at| authority + at) };
        credentials(url, authority, &mut out);
        rest_of_url(url, authority, &mut out);
        at = end;
    }
    out.finish()
}

/// Takes secret parameters out of a path with a query, or of a query alone.
pub(super) fn query(text: &str) -> Option<String> {
    let mut out = Changed::of(text);
    parameter(text, 0, text.len(), &mut out);
    rest_of_url(Url { text, end: text.len(), last_at: text.rfind('@') }, 0, &mut out);
    out.finish()
}

/// One URL, and where its last `@` is: looked for once, as there may be many URLs inside of it.
#[derive(Clone, Copy)]
struct Url<'a> {
    text: &'a str,
    end: usize,
    last_at: Option<usize>,
}

/// `user:password@` in front of a host.
fn credentials(url: Url<'_>, authority: usize, out: &mut Changed<'_>) {
    let rest = &url.text[authority..url.end];
    let last_at = url.last_at.and_then(|at| at.checked_sub(authority));
    let host = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    // Behind the brackets of an address.
    let name = host.rfind(']').map_or(0, |bracket| bracket + 1);
    let colon = host[name..].find(':').map(|colon| name + colon);
    // `%d` is the place of one, in a format string.
    let is_port = |port: &str| port == "%d" || port.bytes().all(|byte| byte.is_ascii_digit());
    let odd_port = colon.filter(|colon| !is_port(&host[colon + 1..]));
    // A password may hold what ends an authority, and then more than one `@`: better too much is
    // taken out than a piece of it stays. Then the "port" is no number.
    let is_password = |at: &usize| host[..*at].contains(':');
    let user = match host.rfind('@') {
        Some(at) if !is_password(&at) => Some(at),
        Some(_) => last_at,
        None => odd_port.and(last_at),
    };
    match (user, odd_port) {
        (Some(length), _) => {
            let both = rest[..length].contains(':');
            let with = if both { "REDACTED:REDACTED" } else { IN_URL };
            if length > 0 {
                out.replace(authority, authority + length, with);
            }
        }
        // Cut off in front of the host, perhaps: what is no port may be a password.
        (None, Some(colon)) => {
            out.replace(authority + colon + 1, authority + host.len(), IN_URL);
        }
        (None, None) => {}
    }
}

/// Secret parameters behind `?`, `&`, `;` and `#`, and URLs inside of the URL, as in a redirect.
fn rest_of_url(url: Url<'_>, start: usize, out: &mut Changed<'_>) {
    let Url { text, end, .. } = url;
    let bytes = &text.as_bytes()[..end];
    let mut at = start.max(out.at);
    while at < end {
        at = match &bytes[at..] {
            [b'?' | b'&' | b';' | b'#', ..] => parameter(text, at + 1, end, out),
            [b':', b'/', b'/', ..] => {
                credentials(url, at + 3, out);
                out.at.max(at + 3)
            }
            _ => at + 1,
        };
    }
}

/// One parameter; returns where to go on.
fn parameter(text: &str, start: usize, end: usize, out: &mut Changed<'_>) -> usize {
    let rest = &text[start..end];
    let name_length = rest.find(['=', '?', '&', ';', '#']).unwrap_or(rest.len());
    let is_assigned = rest.as_bytes().get(name_length) == Some(&b'=');
    if !is_assigned || !is_secret_parameter(&rest[..name_length]) {
        return start;
    }
    let value = start + name_length + 1;
    let length = text[value..end].find(['&', ';', '#']).unwrap_or(end - value);
    if length > 0 {
        out.replace(value, value + length, IN_URL);
    }
    value + length
}

fn is_secret_parameter(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "sig",
        "signature",
        "x-amz-signature",
        "x-goog-signature",
        "awsaccesskeyid",
        "key",
        "auth",
    ];
    let name = name.strip_prefix("amp;").unwrap_or(name);
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name)) || keys::is_secret(name)
}

/// How sure one has to be that a word behind a scheme is a credential.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    /// A header's value.
    Header,
    /// A sentence, in which "basic" is a word like any other.
    Sentence,
}

/// Takes out what follows `Bearer`, `Basic` and their like.
pub(super) fn schemes(text: &str, speech: Speech) -> Option<String> {
    let mut out = Changed::of(text);
    let mut before = "";
    let mut at = 0;
    for word in text.split(char::is_whitespace) {
        if !word.is_empty() && !is_replaced(word) && is_credential(before, word, speech) {
            let kept = word.trim_end_matches(['"', '\'', ',', ';', ')', ']', '}', '`']);
            out.replace(at, at + kept.len(), REDACTED);
        }
        if !word.is_empty() {
            before = word;
        }
        // Each split was at one character of white space.
        at += word.len();
        at += text[at..].chars().next().map_or(0, char::len_utf8);
    }
    out.finish()
}

fn is_credential(scheme: &str, word: &str, speech: Speech) -> bool {
    let scheme = scheme.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    // `authorization:Bearer`, `header="Bearer`
    let scheme = scheme.rsplit([':', '=', '"', '\'']).next().unwrap_or(scheme);
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    match speech {
        _ if is("bearer") => true,
        Speech::Header => ["basic", "token", "apikey", "negotiate"].into_iter().any(is),
        Speech::Sentence => is("basic") && holds_user_and_password(word),
    }
}

/// Whether it is `user:password` in base64.
fn holds_user_and_password(word: &str) -> bool {
    let mut bits = 0_u32;
    let mut count = 0;
    let mut found = false;
    for byte in word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return found,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            found |= (bits >> count) as u8 == b':';
        }
    }
    found
}

/// Takes out the values of `password=…`, `"token": "…"`, `--secret …` and their like.
pub(super) fn assignments(text: &str) -> Option<String> {
    let mut out = Changed::of(text);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|byte| is_name(**byte)).count();
        if length == 0 {
            at += 1;
            continue;
        }
        let end = at + length;
        let name = text[at..end].trim_matches(['-', '.']);
        at = match value_of(text, at, end) {
            Some(value) if is_replaced(&text[value.start..]) => value.end(text),
            Some(value) if keys::is_secret(name) => {
                let whole_line = ends_with_the_line(name);
                let end = if whole_line { line_end(text, value.start) } else { value.end(text) };
                if value.start < end {
                    out.replace(value.start, end, REDACTED);
                }
                end.max(value.start)
            }
            _ => end,
        };
    }
    out.finish()
}

/// Whether it is an argument that names a secret, which is the argument behind it.
pub(super) fn is_secret_flag(argument: &str) -> bool {
    argument.starts_with('-') && !argument.contains('=') && keys::is_secret(argument)
}

/// Whether a value was replaced before.
fn is_replaced(value: &str) -> bool {
    value.starts_with(REDACTED) || value.starts_with(IN_URL)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || byte >= 0x80
}

/// A header's line is its value to the end.
fn ends_with_the_line(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with("authorization") || name.ends_with("cookie")
}

fn line_end(text: &str, start: usize) -> usize {
    text[start..].find(['\n', '\r']).map_or(text.len(), |length| start + length)
}

/// Where a value begins, and the quote in front of it. Its end is looked for only where it is
/// needed: a text may have as many names as it has bytes.
#[derive(Clone, Copy)]
struct Assigned {
    start: usize,
    quote: Option<char>,
}

impl Assigned {
    fn end(self, text: &str) -> usize {
        let value = &text[self.start..];
        if let Some(quote) = self.quote {
            return self.start + quoted_length(value, quote);
        }
        let is_end = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '&' | ')' | '}' | ']');
        self.start + value.find(is_end).unwrap_or(value.len())
    }
}

/// The value of the name at `start..end`, if it has one.
fn value_of(text: &str, start: usize, end: usize) -> Option<Assigned> {
    let rest = &text[end..];
    let unquoted = rest.trim_start_matches(['"', '\'']);
    let behind = unquoted.trim_start();
    let value = match behind.strip_prefix(['=', ':']) {
        Some(value) => value.strip_prefix(['=', '>']).unwrap_or(value).trim_start(),
        // `--password hunter2`
        None if text[start..].starts_with("--") && rest.starts_with(' ') => rest.trim_start(),
        None => return None,
    };
    let from = text.len() - value.len();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
    Some(Assigned { start: from + usize::from(quote.is_some()), quote })
}

/// Up to the closing quote; a backslash escapes.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at,
            _ => {}
        }
    }
    text.len()
}

/// A text of which some ranges were replaced, from left to right.
struct Changed<'a> {
    text: &'a str,
    out: String,
    /// Up to here the text is in `out`.
    at: usize,
}

impl<'a> Changed<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, out: String::new(), at: 0 }
    }

    /// What lies before the last replacement stays as it is.
    fn replace(&mut self, start: usize, end: usize, with: &str) {
        let start = start.max(self.at);
        if end >= start && &self.text[start..end] != with {
            self.out.push_str(&self.text[self.at..start]);
            self.out.push_str(with);
            self.at = end;
        }
    }

    fn finish(mut self) -> Option<String> {
        if self.out.is_empty() {
            return None;
        }
        self.out.push_str(&self.text[self.at..]);
        Some(self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Extent, Speech, assignments, may_hold_url, may_tell_secrets, query, schemes, urls,
    };
    use proptest::prelude::*;

    fn shown<const N: usize>(texts: [&str; N], change: impl Fn(&str) -> Option<String>) -> String {
        texts.map(|text| change(text).unwrap_or_else(|| format!("= {text}"))).join("\n")
    }

    #[test]
    fn credentials_and_signatures_leave_urls() {
        let texts = [
            "https://user:secret@host/path",
            "https://secret@host",
            "postgres://user:se@cr/et?@host:5432/db?sslmode=disable",
            "https://host:8080/@someone/a@b?color=blue",
            "https://host/a?color=blue&sig=secret&size=1#access_token=secret",
            "https://b.s3.amazonaws.com/k?AWSAccessKeyId=secret&Signature=secret&Expires=1",
            "https://host/?x-goog-signature=secret;key=secret",
            "https://host/?to=https://user:secret@other/?token=secret",
            "redis://:secret@host/0",
            "http://[::1]:4318/v1/traces",
            "http://user:secret",
            "http://host:/",
            "%s://%s:%d",
            "https://REDACTED:REDACTED@host/?sig=REDACTED",
            "https://host/?sig=",
        ];
        insta::assert_snapshot!(shown(texts, |text| urls(text, Extent::Whole)), @r#"
        https://REDACTED:REDACTED@host/path
        https://REDACTED@host
        postgres://REDACTED:REDACTED@host:5432/db?sslmode=disable
        = https://host:8080/@someone/a@b?color=blue
        https://host/a?color=blue&sig=REDACTED&size=1#access_token=REDACTED
        https://b.s3.amazonaws.com/k?AWSAccessKeyId=REDACTED&Signature=REDACTED&Expires=1
        https://host/?x-goog-signature=REDACTED;key=REDACTED
        https://host/?to=https://REDACTED:REDACTED@other/?token=REDACTED
        redis://REDACTED:REDACTED@host/0
        = http://[::1]:4318/v1/traces
        http://user:REDACTED
        = http://host:/
        = %s://%s:%d
        = https://REDACTED:REDACTED@host/?sig=REDACTED
        = https://host/?sig=
        "#);
        let sentence = "GET https://u:secret@host/a?token=secret failed, see https://docs/?q=1";
        insta::assert_snapshot!(shown([sentence], |text| urls(text, Extent::Word)), @"GET https://REDACTED:REDACTED@host/a?token=REDACTED failed, see https://docs/?q=1");
        let targets = ["/a?sig=secret&b=1", "sig=secret&b=1", "/a/b"];
        insta::assert_snapshot!(shown(targets, query), @r"
        /a?sig=REDACTED&b=1
        sig=REDACTED&b=1
        = /a/b
        ");
    }

    #[test]
    fn credentials_leave_headers_and_sentences() {
        let headers = ["Bearer secret", "basic c2VjcmV0", "Token secret", "text/html"];
        insta::assert_snapshot!(shown(headers, |text| schemes(text, Speech::Header)), @r#"
        Bearer [redacted]
        basic [redacted]
        Token [redacted]
        = text/html
        "#);
        let sentences = [
            "401 for 'authorization: Bearer secret', retry",
            "sent Basic dXNlcjpzZWNyZXQ=",
            "basic authentication is required",
        ];
        insta::assert_snapshot!(shown(sentences, |text| schemes(text, Speech::Sentence)), @r#"
        401 for 'authorization: Bearer [redacted]', retry
        sent Basic [redacted]
        = basic authentication is required
        "#);
    }

    #[test]
    fn assigned_secrets_leave_messages() {
        let texts = [
            "host=db password=secret user=me",
            "Server=db;Password='se;cret';Timeout=5",
            r#"{"token": "sec\"ret", "size": 1}"#,
            "cookie: a=secret; b=secret\nhost: x",
            "run --api-key secret --verbose",
            "api_key => secret, next",
            "unexpected token",
            "password:",
            "12:30:00 level=info",
        ];
        insta::assert_snapshot!(shown(texts, assignments), @r#"
        host=db password=[redacted] user=me
        Server=db;Password='[redacted]';Timeout=5
        {"token": "[redacted]", "size": 1}
        cookie: [redacted]
        host: x
        run --api-key [redacted] --verbose
        api_key => [redacted], next
        = unexpected token
        = password:
        = 12:30:00 level=info
        "#);
    }

    #[test]
    fn the_time_is_linear_in_the_text_whatever_is_in_it() {
        let begun = std::time::Instant::now();
        for part in ["a=", "a=\"b='", "://a:b", "?a=://b:c", "--a ", "Basic a=", "a: "] {
            let text = part.repeat((4 << 20) / part.len());
            let _ = urls(&text, Extent::Whole);
            let _ = query(&text);
            let _ = schemes(&text, Speech::Sentence);
            let _ = assignments(&text);
        }
        // In quadratic time it is many minutes.
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
    }

    proptest! {
        #[test]
        fn the_first_look_misses_no_url(before in ".{0,20}", after in ".{0,20}") {
            let text = format!("{before}s://{after}");
            prop_assert!(may_hold_url(&text) || text.len() < 8);
            prop_assert_eq!(may_hold_url(&before), before.len() >= 8 && before.contains(":/"));
        }

        #[test]
        fn a_password_never_stays_in_a_url(
            before in "[a-z .:/@?&=]{0,12}",
            user in "[a-z]{0,8}",
            odd in "[a-z/?#@:&;=%]{0,6}",
            after in "[a-z/?#@:&;= ]{0,20}",
        ) {
            let text = format!("{before} scheme://{user}:Hunter2{odd}Hunter2@host/{after}");
            let shown = urls(&text, Extent::Word).unwrap_or(text);
            prop_assert!(!shown.contains("Hunter2"), "{shown}");
        }

        #[test]
        fn a_text_that_passes_the_first_look_has_nothing_to_take_out(
            text in "(Bearer|basic|dTpzZWNyZXQ=|password|--|a|:|/|=| |\u{2003}){0,12}",
        ) {
            let changed = schemes(&text, Speech::Sentence)
                .or_else(|| urls(&text, Extent::Word))
                .or_else(|| assignments(&text));
            prop_assert!(may_tell_secrets(&text) || changed.is_none(), "{changed:?}");
        }

        #[test]
        fn any_text_is_read(text in "(://|[a-zA-Z =:@/?&;#'\"\\\\é-]|token|password|Bearer |Basic ){0,40}") {
            let _ = urls(&text, Extent::Whole);
            let _ = urls(&text, Extent::Word);
            let _ = query(&text);
            let _ = schemes(&text, Speech::Sentence);
            let _ = assignments(&text);
        }
    }
}
