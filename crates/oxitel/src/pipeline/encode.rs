//! Writes OTLP protobuf: the one place where a finished record becomes bytes.
//!
//! A [`Writer`] reserves the exact or an upper-bound length once and then writes without checks;
//! debug builds (all tests) check every write. Field numbers are those of
//! `opentelemetry/proto/{common,trace,resource}/v1`.

use super::scratch::Scratch;
use crate::record::Value;

/// Tags (field number and wire type) of the messages we write.
pub(crate) mod tag {
    const fn length(field: u8) -> u8 {
        field << 3 | 2
    }
    pub(crate) const RESOURCE_ATTRIBUTE: u8 = length(1);
    pub(crate) const SPAN_IN_SCOPE: u8 = length(2);
    pub(crate) const SPAN_ATTRIBUTE: u8 = length(9);
    pub(crate) const SPAN_EVENT: u8 = length(11);
    pub(crate) const SPAN_LINK: u8 = length(13);
    pub(crate) const EVENT_ATTRIBUTE: u8 = length(3);
    pub(crate) const LINK_ATTRIBUTE: u8 = length(4);
    pub(crate) const SCOPE_ATTRIBUTE: u8 = length(3);
}

/// How many bytes `value` takes as a varint.
#[inline(always)]
pub(crate) const fn varint_length(value: u64) -> usize {
    // 7 bits a byte: (bits * 9 + 64) / 64 is the division by 7, rounded up, for 1..=64.
    ((64 - (value | 1).leading_zeros() as usize) * 9 + 64) / 64
}

/// How many bytes a length-delimited field of `length` bytes takes, with a one-byte tag.
#[inline(always)]
pub(crate) const fn field_length(length: usize) -> usize {
    // Saturating: lists may share their items, and then lengths beyond all memory.
    length.saturating_add(1 + varint_length(length as u64))
}

/// Writes at the end of a vector, into space reserved once.
pub(crate) struct Writer<'a> {
    target: &'a mut Vec<u8>,
    at: *mut u8,
    #[cfg(debug_assertions)]
    end: *mut u8,
}

impl<'a> Writer<'a> {
    /// Space for `length` bytes; writing more is a bug that debug builds catch.
    #[inline(always)]
    pub(crate) fn reserve(target: &'a mut Vec<u8>, length: usize) -> Self {
        if target.capacity() - target.len() < length {
            grow(target, length);
        }
        // SAFETY: the capacity was just ensured, so the pointer stays inside the allocation.
        let at = unsafe { target.as_mut_ptr().add(target.len()) };
        Self {
            at,
            #[cfg(debug_assertions)]
            end: at.wrapping_add(length),
            target,
        }
    }

    #[inline(always)]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.check(bytes.len());
        // SAFETY: `reserve` made room for everything written; `bytes` cannot overlap it, since
        // the writer holds the only reference to the target.
        unsafe {
            copy(bytes.as_ptr(), self.at, bytes.len());
            self.at = self.at.add(bytes.len());
        }
    }

    #[inline(always)]
    pub(crate) fn byte(&mut self, byte: u8) {
        self.check(1);
        // SAFETY: as in `bytes`.
        unsafe {
            *self.at = byte;
            self.at = self.at.add(1);
        }
    }

    #[inline(always)]
    pub(crate) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.byte(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8);
    }

    /// Tag and length of a field whose content follows.
    #[inline(always)]
    pub(crate) fn open(&mut self, tag: u8, length: usize) {
        self.byte(tag);
        self.varint(length as u64);
    }

    #[inline(always)]
    pub(crate) fn field(&mut self, tag: u8, content: &[u8]) {
        self.open(tag, content.len());
        self.bytes(content);
    }

    /// Makes what was written part of the vector.
    #[inline(always)]
    pub(crate) fn finish(self) {
        let base = self.target.as_ptr();
        // SAFETY: both pointers belong to the target's allocation, and every byte up to `at` has
        // been written.
        unsafe {
            let length = self.at.offset_from_unsigned(base);
            self.target.set_len(length);
        }
    }

    #[inline(always)]
    #[cfg_attr(not(debug_assertions), expect(unused_variables, reason = "checked in debug builds"))]
    fn check(&self, length: usize) {
        #[cfg(debug_assertions)]
        assert!(self.at.wrapping_add(length) <= self.end, "the reserved length was too small");
    }
}

/// Copies without a call what most keys and values are: a few bytes. Longer than one word, two
/// words that overlap in the middle cover every length up to twice theirs.
///
/// # Safety
/// As `copy_nonoverlapping`: `from` and `to` are valid for `length` bytes and do not overlap.
#[inline(always)]
unsafe fn copy(from: *const u8, to: *mut u8, length: usize) {
    /// Both ends of the range, as one word each.
    #[inline(always)]
    unsafe fn ends<W: Copy>(from: *const u8, to: *mut u8, length: usize) {
        let last = length - size_of::<W>();
        // SAFETY: the caller's range is at least one word long; `last` is its last word's place.
        unsafe {
            let head = from.cast::<W>().read_unaligned();
            let tail = from.add(last).cast::<W>().read_unaligned();
            to.cast::<W>().write_unaligned(head);
            to.add(last).cast::<W>().write_unaligned(tail);
        }
    }
    // SAFETY: each arm stays inside the range, as its bounds say.
    unsafe {
        match length {
            0 => {}
            1..=3 => {
                *to = *from;
                *to.add(length / 2) = *from.add(length / 2);
                *to.add(length - 1) = *from.add(length - 1);
            }
            4..=7 => ends::<u32>(from, to, length),
            8..=16 => ends::<u64>(from, to, length),
            17..=32 => ends::<u128>(from, to, length),
            _ => std::ptr::copy_nonoverlapping(from, to, length),
        }
    }
}

#[cold]
#[inline(never)]
fn grow(target: &mut Vec<u8>, length: usize) {
    target.reserve(length);
}

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

const fn count_length(count: u32) -> usize {
    if count == 0 { 0 } else { 1 + varint_length(count as u64) }
}

/// The length of the `Span` message that [`span`] writes.
#[inline]
pub(crate) fn span_length(scratch: &Scratch) -> usize {
    let optional = |length: usize| if length == 0 { 0 } else { field_length(length) };
    18 // trace id
        + 10 // span id
        + optional(scratch.trace_state.as_deref().map_or(0, str::len))
        + if scratch.parent == 0 { 0 } else { 10 }
        + field_length(scratch.name.len())
        + 2 // kind
        + 18 // start and end
        + scratch.attributes.live_length()
        + count_length(scratch.attributes.dropped)
        + scratch.events.bytes.len()
        + count_length(scratch.events.dropped)
        + scratch.links.bytes.len()
        + count_length(scratch.links.dropped)
        + optional(scratch.status.encoded_length())
        + 6 // flags
}

/// Appends the finished span as a `spans` field of `ScopeSpans`; `length` is [`span_length`].
#[inline]
pub(crate) fn span(target: &mut Vec<u8>, scratch: &Scratch, length: usize, end_ns: u64) {
    let state = scratch.trace_state.as_deref().unwrap_or("");
    let status = scratch.status.encoded_length();
    let mut writer = Writer::reserve(target, field_length(length));
    let out = &mut writer;
    out.open(tag::SPAN_IN_SCOPE, length);
    out.byte(0x0a);
    out.byte(16);
    out.bytes(&scratch.ids.trace_high.to_be_bytes());
    out.bytes(&scratch.ids.trace_low.to_be_bytes());
    out.byte(0x12);
    out.byte(8);
    out.bytes(&scratch.ids.span.to_be_bytes());
    if !state.is_empty() {
        out.field(0x1a, state.as_bytes());
    }
    if scratch.parent != 0 {
        out.byte(0x22);
        out.byte(8);
        out.bytes(&scratch.parent.to_be_bytes());
    }
    out.field(0x2a, scratch.name.as_bytes());
    out.byte(0x30);
    out.byte(scratch.kind as u8);
    out.byte(0x39);
    out.bytes(&scratch.start.wall_ns.to_le_bytes());
    out.byte(0x41);
    out.bytes(&end_ns.to_le_bytes());
    scratch.attributes.write_live(out);
    count(out, 0x50, scratch.attributes.dropped);
    out.bytes(&scratch.events.bytes);
    count(out, 0x60, scratch.events.dropped);
    out.bytes(&scratch.links.bytes);
    count(out, 0x70, scratch.links.dropped);
    if status != 0 {
        out.open(0x7a, status);
        scratch.status.encode(out);
    }
    out.bytes(&[0x85, 0x01]); // field 16, fixed32
    out.bytes(&scratch.flags.to_le_bytes());
    writer.finish();
}

fn count(out: &mut Writer<'_>, tag: u8, count: u32) {
    if count != 0 {
        out.byte(tag);
        out.varint(u64::from(count));
    }
}

/// Appends a `Span.Event` under the span's tag; `attributes` are encoded fields.
pub(crate) fn event(
    target: &mut Vec<u8>,
    time_ns: u64,
    name: &str,
    attributes: &[u8],
    dropped: u32,
) {
    let length = 9 + field_length(name.len()) + attributes.len() + count_length(dropped);
    let mut writer = Writer::reserve(target, field_length(length));
    writer.open(tag::SPAN_EVENT, length);
    writer.byte(0x09);
    writer.bytes(&time_ns.to_le_bytes());
    writer.field(0x12, name.as_bytes());
    writer.bytes(attributes);
    count(&mut writer, 0x20, dropped);
    writer.finish();
}

/// What a link points at, ready for the wire.
pub(crate) struct LinkTarget<'a> {
    pub(crate) trace_id: [u8; 16],
    pub(crate) span_id: [u8; 8],
    pub(crate) trace_state: &'a str,
    pub(crate) flags: u32,
}

/// Appends a `Span.Link` under the span's tag; `attributes` are encoded fields.
pub(crate) fn link(target: &mut Vec<u8>, to: &LinkTarget<'_>, attributes: &[u8], dropped: u32) {
    let state = to.trace_state;
    let length = 18
        + 10
        + if state.is_empty() { 0 } else { field_length(state.len()) }
        + attributes.len()
        + count_length(dropped)
        + 5;
    let mut writer = Writer::reserve(target, field_length(length));
    writer.open(tag::SPAN_LINK, length);
    writer.field(0x0a, &to.trace_id);
    writer.field(0x12, &to.span_id);
    if !state.is_empty() {
        writer.field(0x1a, state.as_bytes());
    }
    writer.bytes(attributes);
    count(&mut writer, 0x28, dropped);
    writer.byte(0x35);
    writer.bytes(&to.flags.to_le_bytes());
    writer.finish();
}

/// Appends a length-delimited field.
pub(crate) fn message(target: &mut Vec<u8>, tag: u8, content: &[u8]) {
    let mut writer = Writer::reserve(target, field_length(content.len()));
    writer.field(tag, content);
    writer.finish();
}
