//! Values as JSON writes them; strings, ids and other bytes.

use std::fmt::{Display, Write as _};

/// As it is.
pub(super) fn number(json: &mut String, number: impl Display) {
    // Writing to a String cannot fail.
    let _ = write!(json, "{number}");
}

/// A number of 64 bits: readers whose numbers are doubles would round it.
pub(super) fn quoted(json: &mut String, number: impl Display) {
    let _ = write!(json, "\"{number}\"");
}

/// JSON has no word for what is not finite; protobuf's mapping has.
pub(crate) fn double(json: &mut String, value: f64) {
    if value.is_finite() {
        // `Debug` writes exponents where `Display` would write 300 zeros.
        let _ = write!(json, "{value:?}");
    } else if value.is_nan() {
        json.push_str("\"NaN\"");
    } else {
        json.push_str(if value > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" });
    }
}

/// Text; bytes that are none become U+FFFD.
pub(super) fn string(json: &mut String, bytes: &[u8]) {
    quote(json, &String::from_utf8_lossy(bytes));
}

/// Text that cannot break out of its quotes.
pub(crate) fn quote(json: &mut String, text: &str) {
    json.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(must_be_escaped) {
        json.push_str(&rest[..at]);
        escape(json, rest.as_bytes()[at]);
        // What must be escaped is one byte long.
        rest = &rest[at + 1..];
    }
    json.push_str(rest);
    json.push('"');
}

#[inline(always)]
fn must_be_escaped(byte: u8) -> bool {
    const TABLE: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] =
                byte < 0x20 || byte == 0x7f || byte == b'"' as usize || byte == b'\\' as usize;
            byte += 1;
        }
        table
    };
    TABLE[usize::from(byte)]
}

#[cold]
fn escape(json: &mut String, byte: u8) {
    let escaped = match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        byte => {
            // Writing to a String cannot fail.
            let _ = write!(json, "\\u{byte:04x}");
            return;
        }
    };
    json.push_str(escaped);
}

/// Two digits a byte, in lower case.
pub(super) fn hex(json: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    json.push('"');
    for byte in bytes {
        json.push(char::from(DIGITS[usize::from(byte >> 4)]));
        json.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    json.push('"');
}

/// Four letters for three bytes, padded.
pub(super) fn base64(json: &mut String, bytes: &[u8]) {
    json.push('"');
    base64_letters(json, bytes);
    json.push('"');
}

/// The same without the quotes.
pub(crate) fn base64_letters(text: &mut String, bytes: &[u8]) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for three in bytes.chunks(3) {
        let byte = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > three.len() { '=' } else { char::from(letter) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{base64, double, string};

    fn written(write: impl FnOnce(&mut String)) -> String {
        let mut json = String::new();
        write(&mut json);
        json
    }

    #[test]
    fn base64_is_that_of_the_standard() {
        let table = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (bytes, expected) in table {
            assert_eq!(written(|json| base64(json, bytes.as_bytes())), format!("\"{expected}\""));
        }
        assert_eq!(written(|json| base64(json, b"\xfb\xff\xfe")), "\"+//+\"");
    }

    #[test]
    fn a_string_cannot_break_out_and_broken_text_is_repaired() {
        let said = written(|json| string(json, b"a\"b\\c\n\r\t\x00\x1b\x7f\xff\xc3\xbc"));
        assert_eq!(said, "\"a\\\"b\\\\c\\n\\r\\t\\u0000\\u001b\\u007f\u{fffd}ü\"");
    }

    #[test]
    fn every_double_has_a_form() {
        let table = [
            (0.5, "0.5"),
            (-0.0, "-0.0"),
            (3.0, "3.0"),
            (1e300, "1e300"),
            (5e-324, "5e-324"),
            (f64::NAN, "\"NaN\""),
            (f64::INFINITY, "\"Infinity\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
        ];
        for (value, expected) in table {
            assert_eq!(written(|json| double(json, value)), expected);
        }
    }
}
