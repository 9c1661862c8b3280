//! From the text of a variable to a value, by the standard's rules. Nothing here fails for good: a
//! [`Fault`] becomes one warning.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// Why a value is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// What is wrong with it; the default is used.
    Default(String),
    /// What is wrong with it, and what follows.
    Said(String),
}

pub(super) type Parsed<T> = Result<T, Fault>;

fn fault<T>(problem: impl Into<String>) -> Parsed<T> {
    Err(Fault::Default(problem.into()))
}

/// Whole milliseconds, at least so many.
pub(super) fn milliseconds(text: &str, least: u64) -> Parsed<Duration> {
    match text.parse() {
        Ok(milliseconds) if milliseconds >= least => Ok(Duration::from_millis(milliseconds)),
        _ => fault("is no number of milliseconds"),
    }
}

/// A whole number in the range.
pub(super) fn number<N>(text: &str, range: &RangeInclusive<N>) -> Parsed<N>
where
    N: FromStr + PartialOrd + Display,
{
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => fault(format!("is no whole number from {} to {}", range.start(), range.end())),
    }
}

/// A share, from 0 to 1.
pub(super) fn ratio(text: &str) -> Option<f64> {
    text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
}

/// One of a few words.
pub(super) fn choice<T>(named: Option<T>, what: &str) -> Parsed<T> {
    named.map_or_else(|| fault(format!("is no known {what}")), Ok)
}

/// A list's members: trimmed, in lower case, each once, none empty.
pub(super) fn members(list: &str) -> Vec<String> {
    let mut members = Vec::new();
    for member in list.split(',').map(|member| member.trim().to_ascii_lowercase()) {
        if !member.is_empty() && !members.contains(&member) {
            members.push(member);
        }
    }
    members
}

/// `key=value,key=value` with percent-encoding, or the member that is none.
pub(super) fn pairs(list: &str) -> Result<Vec<(String, String)>, String> {
    list.split(',')
        .map(str::trim)
        .filter(|member| !member.is_empty())
        .map(|member| pair(member).ok_or_else(|| member.to_owned()))
        .collect()
}

fn pair(member: &str) -> Option<(String, String)> {
    let (key, value) = member.split_once('=')?;
    let (key, value) = (percent_decoded(key.trim())?, percent_decoded(value.trim())?);
    (!key.is_empty()).then_some((key, value))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push((high << 4 | low) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Headers in the same form. Nothing of them is quoted: they may be secrets.
pub(super) fn headers(list: &str) -> Parsed<Vec<(String, String)>> {
    let said = |problem: &str| Err(Fault::Said(format!("is ignored as a whole: {problem}")));
    if list.contains(';') {
        return said("it has a semicolon, which has to be written %3B");
    }
    let Ok(pairs) = pairs(list) else { return said("it is no list of key=value") };
    let is_header =
        |(name, value): &(String, String)| name.bytes().all(is_token) && value.bytes().all(is_text);
    if !pairs.iter().all(is_header) {
        return said("it has a name or a value that HTTP does not allow");
    }
    Ok(pairs)
}

/// A byte of a header's name.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A byte of a header's value.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (b' '..0x7f).contains(&byte)
}
