//! Reads a receiver's answer in JSON: a partial success, or why it refused.
//!
//! Flow: receiver -> `response` -> **`json_answer`**. Any bytes are read, in time linear in their
//! length; what makes no sense counts nothing.

/// Objects and arrays inside of each other, beyond which nobody looks.
const MOST_DEPTH: u32 = 64;

/// What an `Export…ServiceResponse` says was rejected, and why.
pub(super) fn partial_success(body: &[u8]) -> (u64, String) {
    let mut said = (0, String::new());
    // Broken in the middle, it has said what came before.
    let _ = Reader::new(body).object(&mut |reader, name| match name {
        "partialSuccess" => reader.object(&mut |reader, name| match name {
            "rejectedSpans" | "rejectedDataPoints" | "rejectedLogRecords" => {
                // A negative count is nonsense: nothing was rejected.
                said.0 = reader.number()?.max(0).unsigned_abs();
                Some(())
            }
            "errorMessage" => {
                said.1 = reader.text_or_nothing()?;
                Some(())
            }
            _ => reader.skip(),
        }),
        _ => reader.skip(),
    });
    said
}

/// The message of a `google.rpc.Status`.
pub(super) fn message(body: &[u8]) -> Option<String> {
    let mut message = None;
    let _ = Reader::new(body).object(&mut |reader, name| match name {
        "message" => {
            message = Some(reader.text_or_nothing()?);
            Some(())
        }
        _ => reader.skip(),
    });
    message
}

/// What stands in front of us; `None` is no JSON.
struct Reader<'a> {
    rest: &'a [u8],
    depth: u32,
}

type Field<'a, 'f> = &'f mut dyn FnMut(&mut Reader<'a>, &str) -> Option<()>;

impl<'a> Reader<'a> {
    fn new(body: &'a [u8]) -> Self {
        Self { rest: body, depth: 0 }
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.takes(byte).then_some(())
    }

    /// Shows the name of each field; who is shown it takes the value.
    fn object(&mut self, field: Field<'a, '_>) -> Option<()> {
        if self.peek()? != b'{' {
            // `null`, for instance, is an object without fields.
            return self.skip();
        }
        self.inside(b'{', b'}', &mut |reader| {
            let name = reader.text()?;
            reader.expect(b':')?;
            field(reader, &name)
        })
    }

    /// Whatever stands there.
    fn skip(&mut self) -> Option<()> {
        match self.peek()? {
            b'{' => self.inside(b'{', b'}', &mut |reader| {
                reader.text()?;
                reader.expect(b':')?;
                reader.skip()
            }),
            b'[' => self.inside(b'[', b']', &mut Self::skip),
            b'"' => self.text().map(drop),
            _ => self.word().map(drop),
        }
    }

    /// What is between two brackets, item by item.
    fn inside(
        &mut self,
        open: u8,
        close: u8,
        item: &mut dyn FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.expect(open)?;
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return None;
        }
        if !self.takes(close) {
            loop {
                item(self)?;
                if !self.takes(b',') {
                    break;
                }
            }
            self.expect(close)?;
        }
        self.depth -= 1;
        Some(())
    }

    /// A number, also one in quotes: so 64 bits travel in JSON.
    fn number(&mut self) -> Option<i64> {
        let text = if self.peek()? == b'"' { self.text()? } else { self.word()?.to_owned() };
        Some(text.parse().unwrap_or(0))
    }

    /// A text; what is none is empty.
    fn text_or_nothing(&mut self) -> Option<String> {
        if self.peek()? == b'"' { self.text() } else { self.skip().map(|()| String::new()) }
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<&'a str> {
        let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let length = self.rest.iter().take_while(|byte| inside(byte)).count();
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        std::str::from_utf8(word).ok().filter(|word| !word.is_empty())
    }

    fn text(&mut self) -> Option<String> {
        self.expect(b'"')?;
        let mut bytes = Vec::new();
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            match byte {
                b'"' => return Some(String::from_utf8_lossy(&bytes).into_owned()),
                b'\\' => {
                    let mut buffer = [0; 4];
                    bytes.extend_from_slice(self.escape()?.encode_utf8(&mut buffer).as_bytes());
                }
                byte => bytes.push(byte),
            }
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Option<char> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(match byte {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.code_point()?,
            other => char::from(other),
        })
    }

    /// Four hex digits, and four more where two stand for one character.
    fn code_point(&mut self) -> Option<char> {
        let high = self.four_digits()?;
        let low = match self.rest {
            [b'\\', b'u', rest @ ..] if (0xd800..0xdc00).contains(&high) => {
                self.rest = rest;
                self.four_digits()?
            }
            _ => return Some(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER)),
        };
        let paired = 0x1_0000 + ((high - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff);
        Some(char::from_u32(paired).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn four_digits(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        let text = std::str::from_utf8(digits).ok()?;
        u32::from_str_radix(text, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_DEPTH, message, partial_success};
    use proptest::prelude::*;

    fn partial(body: &str) -> (u64, String) {
        partial_success(body.as_bytes())
    }

    #[test]
    fn a_partial_success_is_read_in_every_form_that_it_may_have() {
        let none = (0, String::new());
        for body in ["", "{}", "null", r#"{"partialSuccess":{}}"#, r#"{"partialSuccess":null}"#] {
            assert_eq!(partial(body), none, "{body}");
        }
        for name in ["rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"] {
            let body =
                format!(r#" {{ "x" : [1, {{}}], "partialSuccess" : {{ "{name}" : "7" }} }} "#);
            assert_eq!(partial(&body), (7, String::new()));
        }
        let body = r#"{"partialSuccess":{"errorMessage":"a \"b\" \u00fc \ud83e\udd80\n","rejectedSpans":3}}"#;
        assert_eq!(partial(body), (3, "a \"b\" ü 🦀\n".to_owned()));
        assert_eq!(partial(r#"{"partialSuccess":{"rejectedSpans":"-3"}}"#), none);
        assert_eq!(partial(r#"{"partialSuccess":{"rejectedSpans":1.5,"errorMessage":[2]}}"#), none);
    }

    #[test]
    fn what_breaks_off_has_said_what_came_before() {
        assert_eq!(partial(r#"{"partialSuccess":{"rejectedSpans":2,"errorMessage":"ab"#).0, 2);
        assert_eq!(message(br#"{"code":3,"message":"no","details":[{"#).as_deref(), Some("no"));
        assert_eq!(message(b"<html>"), None);
        assert_eq!(message(br#"{"message":"\ud800"}"#).as_deref(), Some("\u{fffd}"));
    }

    #[test]
    fn deep_and_long_bodies_are_little_work() {
        let deep = "[".repeat(1 << 20);
        assert_eq!(message(format!(r#"{{"a":{deep}"#).as_bytes()), None);
        let most = MOST_DEPTH as usize - 1;
        let well = format!(r#"{{"a":{}{},"message":"m"}}"#, "[".repeat(most), "]".repeat(most));
        assert_eq!(message(well.as_bytes()).as_deref(), Some("m"));
        let long = format!(r#"{{{}"message":"m"}}"#, r#""a":1,"#.repeat(1 << 19));
        assert_eq!(message(long.as_bytes()).as_deref(), Some("m"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..100), text in r#"[\[\]{}",:\\u0-9a-f ]{0,80}"#) {
            for body in [&bytes[..], text.as_bytes(), format!("{{\"message\":{text}").as_bytes()] {
                let _ = (message(body), partial_success(body));
            }
        }
    }
}
