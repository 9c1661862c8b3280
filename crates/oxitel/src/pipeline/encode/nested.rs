//! Lists and maps: written in one pass, each length put in front of what it counts.
//!
//! Values may share their parts: sixty-four lists, each twice in the next, are a few hundred bytes
//! of memory and more bytes on the wire than there is memory. So the work is bounded by what was
//! written, and what goes beyond is refused as a whole.

use super::value::{MAX_DEPTH, MAX_RECORD, cut_bytes, cut_text, decimal};
use super::writer::varint_length;
use crate::record::redact::{Class, Rules, or_itself};
use crate::record::{REDACTED, Value};

/// Messages inside of each other that an attribute may have. The usual decoders refuse a request
/// with more than a hundred, and with it every record that it holds; the envelopes take six.
const MAX_MESSAGES: usize = 92;

/// Items of all lists and maps of one attribute together.
const MAX_ITEMS: usize = 1 << 20;

/// More items, or more bytes, than an attribute may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

/// How deep a value lies.
#[derive(Clone, Copy, Debug, Default)]
struct Depth {
    levels: usize,
    messages: usize,
}

impl Depth {
    /// One list or map further in; `None` where it has to be empty.
    fn within(self, messages: usize) -> Option<Self> {
        let inner = Self { levels: self.levels + 1, messages: self.messages + messages };
        (self.levels < MAX_DEPTH && inner.messages <= MAX_MESSAGES).then_some(inner)
    }
}

/// What happens to the texts on the way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Treatment<'a> {
    pub(crate) rules: Option<&'a Rules>,
    pub(crate) class: Class,
    /// Characters of a text, bytes of a byte value.
    pub(crate) length: usize,
}

/// Appends one `KeyValue` field under `tag`; on an error `target` is as it was. Returns how many
/// texts were replaced.
pub(super) fn attribute(
    target: &mut Vec<u8>,
    tag: u8,
    key: &str,
    value: &Value<'_>,
    treatment: Treatment<'_>,
) -> Result<u32, TooMuch> {
    let (length, capacity) = (target.len(), target.capacity());
    let mut writer = Nested { out: target, items: 0, redacted: 0, treatment };
    let written =
        writer.message(tag, |writer| writer.pair(key, value, Depth::default(), treatment.class));
    let redacted = writer.redacted;
    if written.is_err() {
        target.truncate(length);
        target.shrink_to(capacity);
    }
    written.map(|()| redacted)
}

/// Appends the content of an `AnyValue`; on an error `target` is as it was. Returns how many texts
/// were replaced.
pub(super) fn value(
    target: &mut Vec<u8>,
    value: &Value<'_>,
    treatment: Treatment<'_>,
) -> Result<u32, TooMuch> {
    let (length, capacity) = (target.len(), target.capacity());
    let mut writer = Nested { out: target, items: 0, redacted: 0, treatment };
    let written = writer.any("", value, Depth::default(), treatment.class);
    let redacted = writer.redacted;
    if written.is_err() {
        target.truncate(length);
        target.shrink_to(capacity);
    }
    written.map(|()| redacted)
}

struct Nested<'a> {
    out: &'a mut Vec<u8>,
    items: usize,
    redacted: u32,
    treatment: Treatment<'a>,
}

impl Nested<'_> {
    /// A field of unknown length: one byte is kept free for it, most need no more.
    fn message(
        &mut self,
        tag: u8,
        content: impl FnOnce(&mut Self) -> Result<(), TooMuch>,
    ) -> Result<(), TooMuch> {
        self.out.extend_from_slice(&[tag, 0]);
        let start = self.out.len();
        content(self)?;
        let length = self.out.len() - start;
        if self.out.len() > MAX_RECORD {
            return Err(TooMuch);
        }
        let more = varint_length(length as u64) - 1;
        if more > 0 {
            let end = self.out.len();
            self.out.resize(end + more, 0);
            self.out.copy_within(start..end, start + more);
        }
        let mut rest = length;
        for byte in &mut self.out[start - 1..start + more] {
            *byte = rest as u8 & 0x7f | 0x80;
            rest >>= 7;
        }
        self.out[start - 1 + more] &= 0x7f;
        Ok(())
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    fn field(&mut self, tag: u8, content: &[u8]) -> Result<(), TooMuch> {
        if content.len().saturating_add(self.out.len()) > MAX_RECORD {
            return Err(TooMuch);
        }
        self.out.push(tag);
        self.varint(content.len() as u64);
        self.out.extend_from_slice(content);
        Ok(())
    }

    fn pair(
        &mut self,
        key: &str,
        value: &Value<'_>,
        depth: Depth,
        class: Class,
    ) -> Result<(), TooMuch> {
        self.field(0x0a, key.as_bytes())?;
        self.message(0x12, |writer| writer.any(key, value, depth, class))
    }

    fn any(
        &mut self,
        key: &str,
        value: &Value<'_>,
        depth: Depth,
        class: Class,
    ) -> Result<(), TooMuch> {
        match *value {
            Value::Empty => Ok(()),
            Value::Str(text) => self.text(key, text, class),
            Value::Bytes(_) if class == Class::Secret => self.replaced(),
            Value::Bytes(bytes) => self.field(0x3a, cut_bytes(bytes, self.treatment.length)),
            Value::Bool(flag) => {
                self.out.extend_from_slice(&[0x10, u8::from(flag)]);
                Ok(())
            }
            Value::I64(number) => {
                self.out.push(0x18);
                self.varint(number as u64);
                Ok(())
            }
            Value::U64(number) => match i64::try_from(number) {
                Ok(number) => self.any(key, &Value::I64(number), depth, class),
                Err(_) => self.field(0x0a, decimal(number, &mut [0; 20])),
            },
            Value::F64(number) => {
                self.out.push(0x21);
                self.out.extend_from_slice(&number.to_le_bytes());
                Ok(())
            }
            Value::Array(items) => self.message(0x2a, |writer| match depth.within(2) {
                Some(inner) => writer.items(key, items, inner, class),
                None => Ok(()),
            }),
            Value::Map(pairs) => self.message(0x32, |writer| match depth.within(3) {
                Some(inner) => writer.pairs(pairs, inner, class),
                None => Ok(()),
            }),
        }
    }

    fn items(
        &mut self,
        key: &str,
        items: &[Value<'_>],
        depth: Depth,
        class: Class,
    ) -> Result<(), TooMuch> {
        let rules = self.treatment.rules;
        let mut class_here = class;
        for item in items {
            self.count()?;
            self.message(0x0a, |writer| writer.any(key, item, depth, class_here))?;
            class_here = rules.map_or(class, |rules| rules.class_behind(class, item));
        }
        Ok(())
    }

    fn pairs(
        &mut self,
        pairs: &[(&str, Value<'_>)],
        depth: Depth,
        class: Class,
    ) -> Result<(), TooMuch> {
        for (key, item) in pairs {
            self.count()?;
            let rules = self.treatment.rules;
            let class = rules.map_or(class, |rules| rules.class_within(class, key));
            self.message(0x0a, |writer| writer.pair(key, item, depth, class))?;
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), TooMuch> {
        self.items += 1;
        if self.items > MAX_ITEMS { Err(TooMuch) } else { Ok(()) }
    }

    /// Redacted first and cut after: what is left of a cut URL may hide its password.
    fn text(&mut self, key: &str, text: &str, class: Class) -> Result<(), TooMuch> {
        let changed = self.treatment.rules.and_then(|rules| rules.scrubbed(class, key, text));
        self.redacted += u32::from(changed.is_some());
        let text = or_itself(changed, text);
        self.field(0x0a, cut_text(&text, self.treatment.length).as_bytes())
    }

    fn replaced(&mut self) -> Result<(), TooMuch> {
        self.redacted += 1;
        self.field(0x0a, REDACTED.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::{TooMuch, Treatment, attribute};
    use crate::record::Value;
    use crate::record::redact::Class;

    const PLAIN: Treatment<'_> = Treatment { rules: None, class: Class::Plain, length: usize::MAX };

    /// Lists inside of each other, each of which holds the one below twice.
    fn doubled<'a>(below: &'a [Value<'a>], levels: usize, done: &mut dyn FnMut(&Value<'_>)) {
        if levels == 0 {
            return done(&Value::Array(below));
        }
        let pair = [Value::Array(below), Value::Array(below)];
        doubled(&pair, levels - 1, done);
    }

    #[test]
    fn what_is_refused_leaves_nothing_behind() {
        let leaf = [Value::Bool(true), Value::Bool(true)];
        doubled(&leaf, 40, &mut |value| {
            let mut target = b"before".to_vec();
            let refused = attribute(&mut target, 0x4a, "key", value, PLAIN);
            assert_eq!((refused, target.as_slice()), (Err(TooMuch), &b"before"[..]));
            assert!(target.capacity() < 1 << 10, "{}", target.capacity());
        });
    }

    #[test]
    fn lengths_of_every_size_stand_in_front_of_what_they_count() {
        for length in [0, 1, 120, 127, 128, 16_383, 16_384, 3 << 20] {
            let text = "x".repeat(length);
            let items = [Value::Str(&text)];
            let mut target = Vec::new();
            attribute(&mut target, 0x4a, "key", &Value::Array(&items), PLAIN).expect("small");
            let mut rest = target.as_slice();
            // attribute, its value, the list, its item, the text
            for (tag, skipped) in [(0x4a, 5), (0x12, 0), (0x2a, 0), (0x0a, 0), (0x0a, 0)] {
                assert_eq!(rest[0], tag, "{length}");
                let bytes = rest[1..].iter().take_while(|byte| **byte >= 0x80).count() + 1;
                let told = rest[1..=bytes]
                    .iter()
                    .rev()
                    .fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
                rest = &rest[1 + bytes..];
                assert_eq!(told, rest.len(), "{length}");
                rest = &rest[skipped..];
            }
            assert_eq!(rest, text.as_bytes());
        }
    }
}
