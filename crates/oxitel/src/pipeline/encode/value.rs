//! Keys and values as `KeyValue` and `AnyValue` messages.

use super::nested::{self, Treatment};
use super::writer::{Writer, field_length, varint_length};
use crate::record::Value;
use crate::record::redact::Class;

/// Arrays and maps nested deeper than this are written as empty.
pub(super) const MAX_DEPTH: usize = 64;

#[inline]
pub(super) fn cut_text(text: &str, limit: usize) -> &str {
    // A text of so many bytes has at most so many characters.
    if text.len() <= limit {
        return text;
    }
    text.char_indices().nth(limit).map_or(text, |(end, _)| &text[..end])
}

#[inline]
pub(super) fn cut_bytes(bytes: &[u8], limit: usize) -> &[u8] {
    &bytes[..bytes.len().min(limit)]
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
    let treatment = Treatment { rules: None, class: Class::Plain, length: limit };
    treated_attribute(target, tag, key, value, treatment).is_some()
}

/// Appends the content of an `AnyValue`, and tells how many texts were replaced; `None`, and
/// nothing is written, when it is longer than any record may be.
pub(crate) fn any_value(
    target: &mut Vec<u8>,
    value: &Value<'_>,
    treatment: Treatment<'_>,
) -> Option<u32> {
    nested::value(target, value, treatment).ok()
}

/// As [`attribute`], and tells how many texts in lists and maps were replaced; `None` when it was
/// refused. A text by itself is written as it is.
pub(crate) fn treated_attribute(
    target: &mut Vec<u8>,
    tag: u8,
    key: &str,
    value: &Value<'_>,
    treatment: Treatment<'_>,
) -> Option<u32> {
    if matches!(value, Value::Array(_) | Value::Map(_)) {
        return nested::attribute(target, tag, key, value, treatment).ok();
    }
    let limit = treatment.length;
    let value_length = scalar_length(value, limit);
    let pair_length = field_length(key.len()).saturating_add(field_length(value_length));
    if pair_length.saturating_add(target.len()) > MAX_RECORD {
        return None;
    }
    let mut writer = Writer::reserve(target, field_length(pair_length));
    writer.open(tag, pair_length);
    writer.field(0x0a, key.as_bytes());
    writer.open(0x12, value_length);
    scalar(&mut writer, value, limit);
    writer.finish();
    Some(0)
}

/// The encoded length of an `AnyValue`'s content.
#[inline]
fn scalar_length(value: &Value<'_>, limit: usize) -> usize {
    match *value {
        Value::Str(text) => field_length(cut_text(text, limit).len()),
        Value::Bytes(bytes) => field_length(cut_bytes(bytes, limit).len()),
        Value::Bool(_) => 2,
        Value::I64(number) => 1 + varint_length(number as u64),
        Value::U64(number) => match i64::try_from(number) {
            Ok(_) => 1 + varint_length(number),
            Err(_) => field_length(decimal(number, &mut [0; 20]).len()),
        },
        Value::F64(_) => 9,
        // `nested` writes lists and maps.
        Value::Empty | Value::Array(_) | Value::Map(_) => 0,
    }
}

#[inline]
fn scalar(writer: &mut Writer<'_>, value: &Value<'_>, limit: usize) {
    match *value {
        Value::Str(text) => writer.field(0x0a, cut_text(text, limit).as_bytes()),
        Value::Bool(flag) => {
            writer.byte(0x10);
            writer.byte(u8::from(flag));
        }
        Value::I64(number) => {
            writer.byte(0x18);
            writer.varint(number as u64);
        }
        Value::U64(number) => match i64::try_from(number) {
            Ok(number) => scalar(writer, &Value::I64(number), limit),
            Err(_) => writer.field(0x0a, decimal(number, &mut [0; 20])),
        },
        Value::F64(number) => {
            writer.byte(0x21);
            writer.bytes(&number.to_le_bytes());
        }
        Value::Bytes(bytes) => writer.field(0x3a, cut_bytes(bytes, limit)),
        Value::Empty | Value::Array(_) | Value::Map(_) => {}
    }
}

/// The digits of a number that no `int64` can hold; it travels as a string.
pub(super) fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
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
