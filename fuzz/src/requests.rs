//! Requests of OTLP that no encoder would write, and what must hold for their JSON.

use crate::case::Case;
use crate::mutate::change_value;
use crate::random::Random;
use oxitel::export::{Request, SignalKind};

const SIGNALS: [(&str, SignalKind); 3] =
    [("traces", SignalKind::Traces), ("metrics", SignalKind::Metrics), ("logs", SignalKind::Logs)];

/// A byte becomes so much text at most: `{"droppedAttributesCount":0}` comes of four.
const MOST_GROWTH: usize = 16;

/// One request, of any signal.
pub(crate) fn request(random: &mut Random) -> Case {
    let (name, _) = *random.pick(&SIGNALS);
    let depth = *random.pick(&[3, 8, 8, 200]);
    let mut bytes = Vec::new();
    for _ in 0..=random.below(3) {
        // A resource with its scopes with their records, where it all begins.
        let record = message(random, depth);
        let scope = [field(2, &record), field(2, &message(random, 2))].concat();
        let group = [field(1, &message(random, 4)), field(2, &scope)].concat();
        bytes.extend(field(1, &group));
    }
    for _ in 0..random.below(5) {
        change_value(&mut bytes, random);
    }
    Case(vec![(name.to_owned(), bytes)])
}

/// What is wrong with the JSON of these requests; a panic goes through.
pub(crate) fn check(case: &Case) -> Result<(), String> {
    case.0.iter().try_for_each(|(name, bytes)| {
        let known = SIGNALS.iter().find(|(known, _)| known == name);
        let (_, signal) = known.ok_or_else(|| format!("{name:?} is no signal"))?;
        let json = Request::new(*signal, 1, &[bytes]).to_json();
        if json.len() > MOST_GROWTH * bytes.len() + 2 {
            return Err(format!("{} bytes become {}", bytes.len(), json.len()));
        }
        let read = Reader { text: json.as_bytes(), at: 0 }.whole();
        read.map_err(|at| format!("no JSON at {at}: {json}"))
    })
}

/// Fields of every wire type, numbered as OTLP numbers its own.
fn message(random: &mut Random, depth: usize) -> Vec<u8> {
    if depth > 20 {
        // A list in a list in a list, and nothing beside it.
        let inner = message(random, depth - 1);
        return field(*random.pick(&[2, 5, 6, 9]), &field(1, &inner));
    }
    let mut bytes = Vec::new();
    for _ in 0..random.below(5) {
        let number = 1 + random.below(16) as u64;
        match random.below(8) {
            0 => {
                varint(&mut bytes, number << 3);
                let bits = random.below(64);
                varint(&mut bytes, random.number() >> bits);
            }
            1 => {
                varint(&mut bytes, number << 3 | 1);
                bytes.extend(random.number().to_le_bytes());
            }
            2 => {
                varint(&mut bytes, number << 3 | 5);
                bytes.extend((random.number() as u32).to_le_bytes());
            }
            3 | 4 => {
                let text =
                    random.pick(&["", "k", "\"\\\n\0", "\u{fc}\u{2028}", "0123456789abcdef"]);
                bytes.extend(field(number, text.as_bytes()));
            }
            _ if depth == 0 => {}
            _ => bytes.extend(field(number, &message(random, depth - 1))),
        }
    }
    bytes
}

fn field(number: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len() + 4);
    varint(&mut bytes, number << 3 | 2);
    varint(&mut bytes, content.len() as u64);
    bytes.extend_from_slice(content);
    bytes
}

fn varint(bytes: &mut Vec<u8>, mut rest: u64) {
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

/// Reads JSON of any depth; errors are where they are.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn whole(mut self) -> Result<(), usize> {
        // What closes each open bracket, and whether something stands in it already.
        let mut open: Vec<(u8, bool)> = Vec::new();
        loop {
            let value_follows = match open.last_mut() {
                None => true,
                Some((close, _)) if self.text.get(self.at) == Some(close) => {
                    self.at += 1;
                    open.pop();
                    false
                }
                Some((close, is_begun)) => {
                    if std::mem::replace(is_begun, true) {
                        self.expect(b",")?;
                    }
                    if *close == b'}' {
                        self.string()?;
                        self.expect(b":")?;
                    }
                    true
                }
            };
            if value_follows {
                match self.text.get(self.at) {
                    Some(b'{') => self.enter(&mut open, b'}'),
                    Some(b'[') => self.enter(&mut open, b']'),
                    _ => self.plain()?,
                }
            }
            if open.is_empty() {
                return if self.at == self.text.len() { Ok(()) } else { Err(self.at) };
            }
        }
    }

    fn enter(&mut self, open: &mut Vec<(u8, bool)>, close: u8) {
        self.at += 1;
        open.push((close, false));
    }

    fn expect(&mut self, word: &[u8]) -> Result<(), usize> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.at);
        }
        self.at += word.len();
        Ok(())
    }

    fn plain(&mut self) -> Result<(), usize> {
        match self.text.get(self.at) {
            Some(b'"') => self.string(),
            Some(b't') => self.expect(b"true"),
            Some(b'f') => self.expect(b"false"),
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Result<(), usize> {
        let rest = &self.text[self.at..];
        let is_part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'.' | b'e' | b'+');
        let length = rest.iter().take_while(is_part).count();
        let word = str::from_utf8(&rest[..length]).map_err(|_| self.at)?;
        let digits = word.strip_prefix('-').unwrap_or(word);
        let begins_well = digits.starts_with(|letter: char| letter.is_ascii_digit());
        let padded = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        if !begins_well || padded || word.parse::<f64>().is_err() {
            return Err(self.at);
        }
        self.at += length;
        Ok(())
    }

    fn string(&mut self) -> Result<(), usize> {
        self.expect(b"\"")?;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => match self.text.get(self.at + 1) {
                    Some(b'"' | b'\\' | b'n' | b'r' | b't') => self.at += 2,
                    Some(b'u') => self.at += 6,
                    _ => return Err(self.at),
                },
                Some(0..0x20) | None => return Err(self.at),
                Some(_) => self.at += 1,
            }
        }
        self.expect(b"\"")
    }
}

#[cfg(test)]
mod tests {
    use super::Reader;

    fn reads(text: &str) -> bool {
        Reader { text: text.as_bytes(), at: 0 }.whole().is_ok()
    }

    #[test]
    fn the_reader_knows_json() {
        for text in ["{}", "[]", r#"{"a":[1,-0.5,{"b":"\u0000\""}],"c":true}"#, "[[],[{}],1e300]"] {
            assert!(reads(text), "{text}");
        }
        let broken = ["", "{", "[1,]", "[1 2]", r#"{"a"}"#, r#"{"a":}"#, "[]]", "[01]", "[nul]"];
        for text in broken.iter().copied().chain(["\"\n\"", r#""\x""#, "{,}", r#"{"a":1,}"#]) {
            assert!(!reads(text), "{text}");
        }
    }
}
