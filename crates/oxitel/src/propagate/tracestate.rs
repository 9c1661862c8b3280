//! The `tracestate` list: what other vendors say about their part of the trace.
//!
//! It is kept as it came. Only what the standard forbids to pass on goes: an older entry of the
//! same key, and whole entries where the list is longer than we carry.

use super::carrier::trim;
use std::borrow::Cow;

const MAX_MEMBERS: usize = 32;
const MAX_KEY: usize = 256;
const MAX_VALUE: usize = 256;
/// The standard asks for 512 at least; it travels in every span.
const MAX_BYTES: usize = 4096;
/// Members longer than this go first where the list is too long.
const LONG_MEMBER: usize = 128;

/// The list that travels; `None` when it is not well formed, or empty.
pub(super) fn read(list: &str) -> Option<Cow<'_, str>> {
    let mut members: Vec<&str> = Vec::new();
    let mut changed = false;
    let mut count = 0;
    for member in list.split(',').map(trim).filter(|member| !member.is_empty()) {
        count += 1;
        let key = key(member)?;
        if count > MAX_MEMBERS {
            return None;
        }
        // The first is the latest; an earlier position in the same system says nothing any more.
        if members.iter().any(|known| known.split_once('=').is_some_and(|(k, _)| k == key)) {
            changed = true;
        } else {
            members.push(member);
        }
    }
    if members.is_empty() {
        return None;
    }
    let list = trim(list);
    if changed || list.len() > MAX_BYTES {
        return Some(Cow::Owned(joined(members)));
    }
    Some(Cow::Borrowed(list))
}

/// Whether it can stand in a header.
pub(super) fn is_header(state: &str) -> bool {
    let printable = |byte| matches!(byte, b' '..=b'~' | b'\t');
    !trim(state).is_empty() && state.bytes().all(printable)
}

/// The key of a well-formed member.
fn key(member: &str) -> Option<&str> {
    let (key, value) = member.split_once('=')?;
    let lower = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let within = |byte: &u8| lower(byte) || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@');
    let (first, others) = key.as_bytes().split_first()?;
    let key_is_valid = lower(first) && others.iter().all(within) && key.len() <= MAX_KEY;
    // The comma cannot be in it, and white space at the end has been trimmed.
    let in_value = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'=';
    let value_is_valid =
        !value.is_empty() && value.len() <= MAX_VALUE && value.bytes().all(in_value);
    (key_is_valid && value_is_valid).then_some(key)
}

/// Whole entries that fit: the long ones go first, then the last.
fn joined(mut members: Vec<&str>) -> String {
    let mut length: usize = members.iter().map(|member| member.len() + 1).sum();
    while length > MAX_BYTES + 1 {
        let long = members.iter().rposition(|member| member.len() > LONG_MEMBER);
        let gone = members.remove(long.unwrap_or(members.len() - 1));
        length -= gone.len() + 1;
    }
    members.join(",")
}

#[cfg(test)]
mod tests {
    use super::read;
    use proptest::prelude::*;

    #[track_caller]
    fn kept(list: &str) {
        assert_eq!(read(list).as_deref(), Some(list));
    }

    #[track_caller]
    fn dropped(list: &str) {
        assert_eq!(read(list), None, "{list:?}");
    }

    #[test]
    fn a_well_formed_list_stays_as_it_is() {
        kept("a=1");
        kept("rojo=00f067aa0cc902b7,congo=t61rcWkgMzE");
        kept("foo=1 \t , \t bar=2, \t baz=3");
        kept("a=1,,b=2,");
        kept("a= leading spaces belong to the value");
        assert_eq!(read(" \ta=1 ").as_deref(), Some("a=1"));
    }

    #[test]
    fn keys_follow_the_grammar_of_2026() {
        let long = |length| format!("{}=1", "k".repeat(length));
        kept(&long(256));
        dropped(&long(257));
        kept("0a=1");
        kept("abcdefghijklmnopqrstuvwxyz0123456789_-*/=1");
        for key in ["foo@", "foo@bar", "foo@@bar", "foo@bar@baz", "tenant@averyveryverylongname"] {
            kept(&format!("{key}=1"));
        }
        for key in ["", "@foo", "_a", "-a", "*a", "/a", "Foo", "fOO", "foo.bar", "foo ", "foo\t"] {
            dropped(&format!("{key}=1"));
        }
    }

    #[test]
    fn values_follow_the_grammar() {
        let long = |length| format!("k={}", "v".repeat(length));
        kept(&long(256));
        dropped(&long(257));
        kept("k=!\"#$%&'()*+-./0123456789:;<>?@ABCXYZ[\\]^_`abcxyz{|}~ .");
        for value in ["", " ", "a=b", "ü", "a\tb", "\u{7f}", "\n"] {
            dropped(&format!("k={value}"));
        }
        dropped("k");
    }

    #[test]
    fn thirty_two_members_are_the_most() {
        let list = |count: usize| (0..count).map(|i| format!("k{i}=v")).collect::<Vec<_>>();
        kept(&list(32).join(","));
        dropped(&list(33).join(","));
        kept(&list(32).join(",,"));
        dropped(&vec!["same=1"; 33].join(","));
        dropped("");
        dropped(" , \t,");
    }

    #[test]
    fn of_two_entries_of_a_key_the_later_position_in_the_trace_stays() {
        assert_eq!(read("congo=2,rojo=1,congo=1").as_deref(), Some("congo=2,rojo=1"));
        assert_eq!(read("a=1,a=1").as_deref(), Some("a=1"));
    }

    #[test]
    fn a_long_list_loses_whole_entries_long_ones_first() {
        let member = |name: &str, length| format!("{name}={}", "v".repeat(length));
        let short: Vec<_> = (0..20).map(|i| member(&format!("s{i}"), 100)).collect();
        let long: Vec<_> = (0..12).map(|i| member(&format!("l{i}"), 200)).collect();
        let list = [&long[..], &short[..]].concat().join(",");
        let truncated = read(&list).expect("well formed");
        assert_eq!(*truncated, [&long[..9], &short[..]].concat().join(","));
        let short: Vec<_> = (0..32).map(|i| member(&format!("s{i:02}"), 124)).collect();
        assert_eq!(*read(&short.join(",")).expect("well formed"), short[..31].join(","));
    }

    proptest! {
        #[test]
        fn what_travels_is_read_again_as_it_is(list in "([a-d@]{0,2}=[ -~]{0,3}[,\t ]{0,2}){0,40}") {
            if let Some(first) = read(&list) {
                let second = read(&first);
                prop_assert_eq!(second.as_deref(), Some(&*first));
                prop_assert!(first.len() <= list.len());
            }
        }
    }
}
