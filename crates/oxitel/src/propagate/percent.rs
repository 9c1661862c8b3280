//! Percent-encoding, as far as the formats share it.

use crate::context::push_encoded;

/// Encodes every byte that does not stand for itself.
pub(super) fn encode(text: &mut String, value: &str, stands_for_itself: impl Fn(u8) -> bool) {
    for &byte in value.as_bytes() {
        if stands_for_itself(byte) {
            text.push(char::from(byte));
        } else {
            push_encoded(text, byte);
        }
    }
}

/// Decodes what is encoded; a `%` before anything but two digits stands for itself. What is no
/// UTF-8 then becomes U+FFFD.
pub(super) fn decode(value: &str, plus_is_space: bool) -> String {
    match String::from_utf8(decode_bytes(value.as_bytes(), plus_is_space)) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

/// As [`decode`], whatever the bytes are.
pub(super) fn decode_bytes(value: &[u8], plus_is_space: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&first, others)) = rest.split_first() {
        let encoded = if first == b'%' { octet(others) } else { None };
        let plain = if first == b'+' && plus_is_space { b' ' } else { first };
        bytes.push(encoded.unwrap_or(plain));
        rest = if encoded.is_some() { &others[2..] } else { others };
    }
    bytes
}

/// The byte that two leading digits say.
fn octet(text: &[u8]) -> Option<u8> {
    let digit = |index: usize| char::from(*text.get(index)?).to_digit(16);
    Some((digit(0)? << 4 | digit(1)?) as u8)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn what_is_encoded_is_decoded_and_the_rest_stays() {
        let decoded = |text| decode(text, false);
        assert_eq!(decoded("a%20b%2C%c3%BC"), "a b,ü");
        assert_eq!(decoded("100% %zz %2 %"), "100% %zz %2 %");
        assert_eq!(decoded("%%41"), "%A");
        assert_eq!(decoded("1+1"), "1+1");
        assert_eq!(decode("1+1%2B", true), "1 1+");
    }

    #[test]
    fn what_is_no_utf_8_becomes_the_replacement_character() {
        assert_eq!(decode("a%ffb%C3", false), "a\u{fffd}b\u{fffd}");
    }
}
