//! W3C baggage: the `baggage` header.
//!
//! A member that is not well formed loses itself and no other.

use super::carrier::{Extract, Inject, trim};
use super::percent;
use crate::context::{Baggage, is_octet};

const BAGGAGE: &str = "baggage";
pub(super) const FIELDS: [&str; 1] = [BAGGAGE];

/// Names that are no tokens cannot travel in this format and stay behind.
pub(super) fn inject(baggage: &Baggage, carrier: &mut dyn Inject) {
    let mut header = String::new();
    for (name, value, metadata) in baggage.iter().filter(|(name, ..)| is_token(name)) {
        if !header.is_empty() {
            header.push(',');
        }
        header.push_str(name);
        header.push('=');
        percent::encode(&mut header, value, is_octet);
        if !metadata.is_empty() {
            header.push(';');
            header.push_str(metadata);
        }
    }
    if !header.is_empty() {
        carrier.set(BAGGAGE, &header);
    }
}

/// Several headers are one list. Of two members of one name the later one counts.
pub(super) fn extract(carrier: &dyn Extract) -> Baggage {
    let mut baggage = Baggage::new();
    let mut has_room = true;
    carrier.get_all(BAGGAGE, &mut |header| {
        for member in header.split(',') {
            if !has_room {
                return;
            }
            has_room = add(&mut baggage, member);
        }
    });
    baggage
}

/// `false` when there is no room for what follows. Without that, a list of millions of names
/// would be compared with the same 64 again and again.
fn add(baggage: &mut Baggage, member: &str) -> bool {
    let Some((name, value, metadata)) = read(member) else { return true };
    let is_known = baggage.get(name).is_some();
    if baggage.is_full() && !is_known {
        return false;
    }
    // One that is too long loses itself; a shorter one behind it may still fit.
    let _ = baggage.insert_with_metadata(name, percent::decode(value, false), metadata);
    true
}

/// Name, encoded value and properties of a well-formed member.
fn read(member: &str) -> Option<(&str, &str, &str)> {
    let (pair, metadata) = member.split_once(';').unwrap_or((member, ""));
    let (name, value) = pair.split_once('=')?;
    let (name, value) = (trim(name), trim(value));
    let in_value = |byte| is_octet(byte) || byte == b'%';
    (is_token(name) && value.bytes().all(in_value)).then_some((name, value, metadata))
}

/// A token of HTTP.
pub(super) fn is_token(name: &str) -> bool {
    let in_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(in_token)
}

#[cfg(test)]
mod tests {
    use super::{extract, inject};
    use crate::context::Baggage;
    use proptest::prelude::*;

    /// One entry a line, as `name: value {metadata}`.
    fn read(headers: &[&str]) -> String {
        let headers: Vec<_> = headers.iter().map(|header| ("Baggage", *header)).collect();
        let line = |(name, value, metadata)| match metadata {
            "" => format!("{name}: {value}\n"),
            _ => format!("{name}: {value} {{{metadata}}}\n"),
        };
        extract(&headers).iter().map(line).collect()
    }

    fn written(entries: &[(&str, &str, &str)]) -> String {
        let mut baggage = Baggage::new();
        for &(name, value, metadata) in entries {
            assert!(baggage.insert_with_metadata(name, value, metadata), "{name}");
        }
        header(&baggage)
    }

    fn header(baggage: &Baggage) -> String {
        let mut headers: Vec<(String, String)> = Vec::new();
        inject(baggage, &mut headers);
        headers.pop().map_or(String::new(), |(_, value)| value)
    }

    #[test]
    fn the_examples_of_the_standard_are_read() {
        insta::assert_snapshot!(
            read(&["key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue"]),
            @r"
        key1: value1 {property1;property2}
        key2: value2
        key3: value3 {propertyKey=propertyValue}
        "
        );
        let three = "userId: alice\nserverNode: DF 28\nisProduction: false\n";
        assert_eq!(read(&["userId=alice,serverNode=DF%2028,isProduction=false"]), three);
        assert_eq!(read(&["userId=alice", "serverNode=DF%2028,isProduction=false"]), three);
        let spaced = ["userId =   alice", "serverNode = DF%2028, isProduction = false"];
        assert_eq!(read(&spaced), three);
    }

    #[test]
    fn a_broken_member_loses_only_itself() {
        insta::assert_snapshot!(
            read(&["a=1,no value,=no name,b c=no token,d=two words,e=\"quoted\",f=ü,,g=2", "h"]),
            @r"
        a: 1
        g: 2
        "
        );
    }

    #[test]
    fn values_are_decoded_and_what_is_no_utf_8_is_replaced() {
        insta::assert_snapshot!(
            read(&["a=%C3%BC%2C,b=%ff%FE,c=100%,d=1+1,e=a=b==,f="]),
            @r"
        a: ü,
        b: ��
        c: 100%
        d: 1+1
        e: a=b==
        f: 
        "
        );
    }

    #[test]
    fn the_later_of_two_members_of_a_name_counts() {
        assert_eq!(read(&["a=1;old,b=2", "a=3"]), "a: 3\nb: 2\n");
        assert_eq!(read(&["a=1,A=2"]), "a: 1\nA: 2\n", "names have case");
    }

    #[test]
    fn what_needs_encoding_is_encoded() {
        assert_eq!(
            written(&[("a", "ü, \"x\"; \\ 100%\r\n", "ttl=3"), ("b", "!#a=b+c/d?", "")]),
            "a=%C3%BC%2C%20%22x%22%3B%20%5C%20100%25%0D%0A;ttl=3,b=!#a=b+c/d?"
        );
    }

    #[test]
    fn names_that_are_no_tokens_stay_behind() {
        assert_eq!(written(&[("a b", "1", ""), ("ü", "1", ""), ("c", "2", "")]), "c=2");
        assert_eq!(written(&[("a,b", "1", "")]), "");
        assert_eq!(written(&[]), "");
    }

    #[test]
    fn sixty_four_members_and_8192_bytes_travel_over_all_headers() {
        let members: Vec<_> = (0..64).map(|i| format!("k{i:02}={}", "v".repeat(123))).collect();
        let (one, other) = (members[..32].join(","), members[32..].join(","));
        assert_eq!(one.len() + 1 + other.len(), 8191);
        let headers = [("baggage", one.as_str()), ("baggage", other.as_str())];
        let baggage = extract(&headers);
        assert_eq!(baggage.len(), 64);
        assert_eq!(header(&baggage), members.join(","));
    }

    #[test]
    fn beyond_the_limits_the_first_stay_and_a_long_one_loses_itself() {
        let members: Vec<_> = (0..1000).map(|i| format!("k{i}=v")).collect();
        assert_eq!(read(&[&members.join(",")]).lines().count(), 64);
        let long = format!("a=1,long={},b=2", "x".repeat(8190));
        assert_eq!(read(&[&long]), "a: 1\nb: 2\n");
    }

    proptest! {
        #[test]
        fn any_header_is_read_and_what_was_read_travels(header in prop_oneof![".*", "([a-c%]{0,2}[=;, ][%0-9a-f;= é]{0,6},?){0,9}"]) {
            let baggage = extract(&[("baggage", header.as_str())]);
            let again = self::header(&baggage);
            prop_assert!(again.len() <= Baggage::MAX_BYTES);
            prop_assert_eq!(extract(&[("baggage", again.as_str())]), baggage);
        }

        #[test]
        fn any_value_travels(value in ".*", metadata in ".*") {
            let mut baggage = Baggage::new();
            prop_assume!(baggage.insert_with_metadata("name", value, &metadata));
            prop_assert_eq!(extract(&[("baggage", header(&baggage).as_str())]), baggage);
        }
    }
}
