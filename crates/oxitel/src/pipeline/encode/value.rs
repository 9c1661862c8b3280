//! Keys and values as `KeyValue` and `AnyValue` messages.

use super::writer::{Writer, field_length, varint_length};
use crate::record::Value;

/// Arrays and maps nested deeper than this are written as empty.
const MAX_DEPTH: usize = 64;

/// How deep a value is nested, and how long its texts may be.
#[derive(Clone, Copy)]
struct Nesting {
    depth: usize,
    limit: usize,
}

impl Nesting {
    fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }

    #[inline]
    fn cut_text(self, text: &str) -> &str {
        // A text of so many bytes has at most so many characters.
        if text.len() <= self.limit {
            return text;
        }
        text.char_indices().nth(self.limit).map_or(text, |(end, _)| &text[..end])
    }

    #[inline]
    fn cut_bytes(self, bytes: &[u8]) -> &[u8] {
        &bytes[..bytes.len().min(self.limit)]
    }
}

/// Shorter keys and texts leave every length of a `KeyValue` below 128: one byte each.
pub(crate) const SHORT: usize = 56;

/// The length of a short attribute; `None` for one that has to go the long way.
#[inline(always)]
pub(crate) fn short_length(key: &str, value: &Value<'_>) -> Option<usize> {
    let value_length = match *value {
        Value::Str(text) if text.len() < SHORT => 2 + text.len(),
        Value::Bool(_) => 2,
        Value::I64(number) => 1 + varint_length(number as u64),
        Value::F64(_) => 9,
        _ => return None,
    };
    (1..SHORT).contains(&key.len()).then_some(6 + key.len() + value_length)
}

/// Appends an attribute whose [`short_length`] is `length`.
#[inline(always)]
pub(crate) fn short_attribute(
    target: &mut Vec<u8>,
    tag: u8,
    key: &str,
    value: &Value<'_>,
    length: usize,
) {
    let value_length = (length - 6 - key.len()) as u8;
    let mut writer = Writer::reserve(target, length);
    writer.bytes(&[tag, (length - 2) as u8, 0x0a, key.len() as u8]);
    writer.bytes(key.as_bytes());
    match *value {
        Value::Str(text) => {
            writer.bytes(&[0x12, value_length, 0x0a, text.len() as u8]);
            writer.bytes(text.as_bytes());
        }
        Value::Bool(flag) => writer.bytes(&[0x12, value_length, 0x10, u8::from(flag)]),
        Value::I64(number) => {
            writer.bytes(&[0x12, value_length, 0x18]);
            writer.varint(number as u64);
        }
        Value::F64(number) => {
            writer.bytes(&[0x12, value_length, 0x21]);
            writer.bytes(&number.to_le_bytes());
        }
        // `short_length` has no length for these.
        _ => {}
    }
    writer.finish();
}

/// The longest record: one that a request of 64 MiB still carries with its envelope.
pub(crate) const MAX_RECORD: usize = (64 << 20) - (64 << 10);

/// Appends one `KeyValue` field under `tag`, texts cut to `limit` characters. `false`: with it,
/// `target` would be longer than any record may be.
pub(crate) fn attribute(
    target: &mut Vec<u8>,
    tag: u8,
    key: &str,
    value: &Value<'_>,
    limit: usize,
) -> bool {
    let nesting = Nesting { depth: 0, limit };
    let value_length = any_length(value, nesting);
    let pair_length = field_length(key.len()).saturating_add(field_length(value_length));
    if pair_length.saturating_add(target.len()) > MAX_RECORD {
        return false;
    }
    let mut writer = Writer::reserve(target, field_length(pair_length));
    writer.open(tag, pair_length);
    writer.field(0x0a, key.as_bytes());
    writer.open(0x12, value_length);
    any(&mut writer, value, nesting);
    writer.finish();
    true
}

/// The encoded length of an `AnyValue`'s content.
#[inline]
fn any_length(value: &Value<'_>, at: Nesting) -> usize {
    match *value {
        Value::Str(text) => field_length(at.cut_text(text).len()),
        Value::Bytes(bytes) => field_length(at.cut_bytes(bytes).len()),
        Value::Bool(_) => 2,
        Value::I64(number) => 1 + varint_length(number as u64),
        Value::U64(number) => match i64::try_from(number) {
            Ok(_) => 1 + varint_length(number),
            Err(_) => field_length(decimal(number, &mut [0; 20]).len()),
        },
        Value::F64(_) => 9,
        Value::Array(_) | Value::Map(_) => field_length(list_length(value, at)),
    }
}

/// The encoded length of an `ArrayValue` or `KeyValueList`.
fn list_length(value: &Value<'_>, at: Nesting) -> usize {
    if at.depth >= MAX_DEPTH {
        return 0;
    }
    match *value {
        Value::Array(items) => items
            .iter()
            .map(|item| field_length(any_length(item, at.deeper())))
            .fold(0, usize::saturating_add),
        Value::Map(pairs) => pairs
            .iter()
            .map(|(key, item)| field_length(pair_length(key, item, at.deeper())))
            .fold(0, usize::saturating_add),
        _ => 0,
    }
}

fn pair_length(key: &str, value: &Value<'_>, at: Nesting) -> usize {
    field_length(key.len()).saturating_add(field_length(any_length(value, at)))
}

#[inline]
fn any(writer: &mut Writer<'_>, value: &Value<'_>, at: Nesting) {
    match *value {
        Value::Str(text) => writer.field(0x0a, at.cut_text(text).as_bytes()),
        Value::Bool(flag) => {
            writer.byte(0x10);
            writer.byte(u8::from(flag));
        }
        Value::I64(number) => {
            writer.byte(0x18);
            writer.varint(number as u64);
        }
        Value::U64(number) => match i64::try_from(number) {
            Ok(number) => any(writer, &Value::I64(number), at),
            Err(_) => writer.field(0x0a, decimal(number, &mut [0; 20])),
        },
        Value::F64(number) => {
            writer.byte(0x21);
            writer.bytes(&number.to_le_bytes());
        }
        Value::Bytes(bytes) => writer.field(0x3a, at.cut_bytes(bytes)),
        Value::Array(_) => {
            writer.open(0x2a, list_length(value, at));
            list(writer, value, at);
        }
        Value::Map(_) => {
            writer.open(0x32, list_length(value, at));
            list(writer, value, at);
        }
    }
}

/// The digits of a number that no `int64` can hold; it travels as a string.
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

fn list(writer: &mut Writer<'_>, value: &Value<'_>, at: Nesting) {
    if at.depth >= MAX_DEPTH {
        return;
    }
    match *value {
        Value::Array(items) => {
            for item in items {
                writer.open(0x0a, any_length(item, at.deeper()));
                any(writer, item, at.deeper());
            }
        }
        Value::Map(pairs) => {
            for (key, item) in pairs {
                writer.open(0x0a, pair_length(key, item, at.deeper()));
                writer.field(0x0a, key.as_bytes());
                writer.open(0x12, any_length(item, at.deeper()));
                any(writer, item, at.deeper());
            }
        }
        _ => {}
    }
}
