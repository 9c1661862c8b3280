//! OTLP's JSON from OTLP's protobuf: any bytes give JSON, in time linear in their length.
//!
//! Flow: bytes of a request -> `wire::walk` -> **json** by the tables of `schema` -> text.
//!
//! Fields stand in the order in which the bytes have them first; of a field that is repeated, all
//! values are gathered into one array. What is broken ends its message, what is unknown is left
//! out. A value that lies deeper than [`MOST_DEPTH`] in arrays and maps is written as `{}`, which
//! is no value.

mod schema;
#[cfg(test)]
pub(crate) mod tests;
mod text;

use super::{Content, Fields, fixed64s, varints};
use crate::export::SignalKind;
use schema::{Field, Kind, MOST_FIELDS, Message, Place};
use std::borrow::Cow;
#[cfg(feature = "otel")]
pub(crate) use text::base64_letters;
#[cfg(feature = "tracing")]
pub(crate) use text::{double, quote};

/// Values in arrays and maps are followed so deep.
pub(crate) const MOST_DEPTH: usize = 64;

/// The JSON of an `Export…ServiceRequest`, which is that of `TracesData`, `MetricsData` or
/// `LogsData` as well.
pub(crate) fn request(signal: SignalKind, bytes: &[u8]) -> String {
    let mut json = String::with_capacity(bytes.len() * 2);
    write(&mut json, signal, bytes);
    json
}

/// The same, behind what `json` holds already.
pub(crate) fn write(json: &mut String, signal: SignalKind, bytes: &[u8]) {
    let table = match signal {
        SignalKind::Traces => &schema::TRACES,
        SignalKind::Metrics => &schema::METRICS,
        SignalKind::Logs => &schema::LOGS,
    };
    message(json, table, bytes, 0);
}

fn message(json: &mut String, table: &'static Message, bytes: &[u8], depth: usize) {
    let depth = depth + usize::from(std::ptr::eq(table, &raw const schema::ANY_VALUE));
    if depth > MOST_DEPTH {
        json.push_str("{}");
        return;
    }
    let found = Found::of(table, bytes);
    let mut separator = '{';
    for index in found.order() {
        let (field, slot) = (&table.fields[index], &found.slots[index]);
        json.push(separator);
        separator = ',';
        json.push('"');
        json.push_str(field.name);
        json.push_str("\":");
        match field.place {
            Place::Many | Place::AlwaysMany => array(json, field, slot, depth),
            _ => single(json, field, slot, depth),
        }
    }
    json.push_str(if separator == '{' { "{}" } else { "}" });
}

fn array(json: &mut String, field: &Field, slot: &Slot<'_>, depth: usize) {
    json.push('[');
    let mut separator = "";
    let mut element = |content: Content<'_>| {
        json.push_str(separator);
        separator = ",";
        value(json, field.kind, content, depth);
    };
    for content in slot.contents(field) {
        match content {
            Content::Bytes(packed) => field.kind.unpack(packed, &mut element),
            content => element(content),
        }
    }
    json.push(']');
}

/// A field that stands once. Of values the last one counts; messages are taken together, as
/// protobuf demands.
fn single(json: &mut String, field: &Field, slot: &Slot<'_>, depth: usize) {
    let Some(last) = slot.last else {
        json.push_str("\"\"");
        return;
    };
    match (field.kind, last) {
        (Kind::Nested(table), Content::Bytes(last)) => {
            let whole = if slot.count > 1 { slot.merged(field) } else { Cow::Borrowed(last) };
            message(json, table, &whole, depth);
        }
        (kind, content) => value(json, kind, content, depth),
    }
}

fn value(json: &mut String, kind: Kind, content: Content<'_>, depth: usize) {
    match (kind, content) {
        (Kind::Bool, Content::Varint(bits)) => {
            json.push_str(if bits == 0 { "false" } else { "true" });
        }
        (Kind::Int32, Content::Varint(bits)) => text::number(json, bits as i32),
        (Kind::Uint32, Content::Varint(bits)) => text::number(json, bits as u32),
        (Kind::Sint32, Content::Varint(bits)) => text::number(json, zigzag(bits as u32)),
        (Kind::Fixed32, Content::Fixed32(bits)) => text::number(json, bits),
        (Kind::Int64, Content::Varint(bits)) | (Kind::Sfixed64, Content::Fixed64(bits)) => {
            text::quoted(json, bits as i64);
        }
        (Kind::Uint64, Content::Varint(bits)) | (Kind::Fixed64, Content::Fixed64(bits)) => {
            text::quoted(json, bits);
        }
        (Kind::Double, Content::Fixed64(bits)) => text::double(json, f64::from_bits(bits)),
        (Kind::Text, Content::Bytes(bytes)) => text::string(json, bytes),
        (Kind::Hex, Content::Bytes(bytes)) => text::hex(json, bytes),
        (Kind::Base64, Content::Bytes(bytes)) => text::base64(json, bytes),
        (Kind::Nested(table), Content::Bytes(bytes)) => message(json, table, bytes, depth),
        // Such an occurrence is not found in the first place.
        _ => json.push_str("null"),
    }
}

fn zigzag(bits: u32) -> i32 {
    (bits >> 1) as i32 ^ -((bits & 1) as i32)
}

impl Kind {
    /// Whether protobuf may have the field so; another form is another field, which is unknown.
    fn fits(self, content: Content<'_>, place: Place) -> bool {
        let is_list = matches!(place, Place::Many | Place::AlwaysMany);
        match (self, content) {
            (Self::Text | Self::Hex | Self::Base64 | Self::Nested(_), content) => {
                matches!(content, Content::Bytes(_))
            }
            (_, Content::Bytes(_)) => is_list,
            (Self::Fixed64 | Self::Sfixed64 | Self::Double, Content::Fixed64(_))
            | (Self::Fixed32, Content::Fixed32(_)) => true,
            (Self::Fixed64 | Self::Sfixed64 | Self::Double | Self::Fixed32, _) => false,
            (_, content) => matches!(content, Content::Varint(_)),
        }
    }

    /// The elements of one occurrence of a list: one, or, where they are numbers, any number.
    fn unpack<'a>(self, packed: &'a [u8], element: &mut impl FnMut(Content<'a>)) {
        match self {
            Self::Text | Self::Hex | Self::Base64 | Self::Nested(_) => {
                element(Content::Bytes(packed));
            }
            Self::Fixed64 | Self::Sfixed64 | Self::Double => {
                fixed64s(packed).for_each(|bits| element(Content::Fixed64(bits)));
            }
            // No list of OTLP has them.
            Self::Fixed32 => {}
            _ => varints(packed).for_each(|bits| element(Content::Varint(bits))),
        }
    }
}

/// Where the fields of one message are.
struct Found<'a> {
    slots: [Slot<'a>; MOST_FIELDS],
    /// Indices of fields, in the order of their first occurrence.
    order: [u8; MOST_FIELDS],
    seen: usize,
}

/// The occurrences of one field.
#[derive(Clone)]
struct Slot<'a> {
    count: usize,
    last: Option<Content<'a>>,
    /// What follows from the first occurrence on.
    from: Fields<'a>,
    is_wanted: bool,
}

impl<'a> Found<'a> {
    fn of(table: &'static Message, bytes: &'a [u8]) -> Self {
        let none = Slot { count: 0, last: None, from: Fields::new(&[]), is_wanted: false };
        let slots = std::array::from_fn(|_| none.clone());
        let mut found = Self { slots, order: [0; MOST_FIELDS], seen: 0 };
        let mut fields = Fields::new(bytes);
        loop {
            let here = fields.clone();
            let Some(Ok((number, content))) = fields.next() else { break };
            let known = table.fields.iter().position(|field| field.number == number);
            let Some(index) = known else { continue };
            let field = &table.fields[index];
            if field.kind.fits(content, field.place) {
                found.add(table, index, here, content);
            }
        }
        for (index, field) in table.fields.iter().enumerate() {
            if matches!(field.place, Place::Always | Place::AlwaysMany) {
                found.want(index);
            }
        }
        found
    }

    fn add(
        &mut self,
        table: &'static Message,
        index: usize,
        here: Fields<'a>,
        content: Content<'a>,
    ) {
        let fields = table.fields;
        if fields[index].place == Place::Either && self.slots[index].count == 0 {
            // The last one counts.
            for (other, field) in fields.iter().enumerate() {
                if field.place == Place::Either {
                    self.slots[other].count = 0;
                }
            }
        }
        self.want(index);
        let slot = &mut self.slots[index];
        if slot.count == 0 {
            slot.from = here;
        }
        slot.count += 1;
        slot.last = Some(content);
    }

    fn want(&mut self, index: usize) {
        if !std::mem::replace(&mut self.slots[index].is_wanted, true) {
            self.order[self.seen] = index as u8;
            self.seen += 1;
        }
    }

    fn order(&self) -> impl Iterator<Item = usize> + '_ {
        let order = self.order[..self.seen].iter().map(|index| usize::from(*index));
        order.filter(|index| {
            let slot = &self.slots[*index];
            // What was excluded by a later one has none left.
            slot.count > 0 || slot.last.is_none()
        })
    }
}

impl<'a> Slot<'a> {
    /// Every occurrence, and no look at what follows the last one.
    fn contents<'t>(&self, field: &'t Field) -> impl Iterator<Item = Content<'a>> + use<'a, 't> {
        let fitting = self.from.clone().flatten().filter_map(|(number, content)| {
            let is_one = number == field.number && field.kind.fits(content, field.place);
            is_one.then_some(content)
        });
        fitting.take(self.count)
    }

    /// All occurrences of a message as one.
    fn merged(&self, field: &Field) -> Cow<'a, [u8]> {
        let mut whole = Vec::new();
        for content in self.contents(field) {
            if let Content::Bytes(part) = content {
                whole.extend_from_slice(part);
            }
        }
        Cow::Owned(whole)
    }
}
