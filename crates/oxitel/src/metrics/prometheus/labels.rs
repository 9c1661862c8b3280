//! Attributes as labels.

use super::{Style, names};
use crate::record::{ValueRef, pair};
use crate::wire::{Content, Fields};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Labels by name. Where several keys give one name, their values are joined, in the order of the
/// keys.
pub(super) type Labels = BTreeMap<String, String>;

/// Adds encoded attributes, whatever field they are in, with `prefix` before their names.
pub(super) fn add(labels: &mut Labels, attributes: &[u8], prefix: &str, style: Style) {
    let mut own: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (key, value) in pairs(attributes) {
        let name = names::label(&format!("{prefix}{key}"), style);
        own.entry(name).or_default().push((key, value));
    }
    for (name, mut values) in own {
        values.sort();
        let joined = values.into_iter().map(|(_, value)| value).collect::<Vec<_>>().join(";");
        // Those that were there before tell what the point is of; they stay.
        labels.entry(name).or_insert(joined);
    }
}

/// Keys and values as text.
pub(super) fn pairs(attributes: &[u8]) -> Vec<(String, String)> {
    let messages = Fields::new(attributes).flatten().filter_map(|(_, content)| match content {
        Content::Bytes(message) => pair(message),
        _ => None,
    });
    messages.map(|(key, value)| (key.to_owned(), as_text(&value))).collect()
}

/// Texts as they are, all else as JSON.
fn as_text(value: &ValueRef<'_>) -> String {
    match value {
        ValueRef::Str(text) => (*text).to_owned(),
        other => {
            let mut json = String::new();
            write_json(&mut json, other);
            json
        }
    }
}

fn write_json(json: &mut String, value: &ValueRef<'_>) {
    // Writing to a `String` does not fail.
    let _ = match value {
        ValueRef::Empty => write!(json, "null"),
        ValueRef::Str(text) => write!(json, "{}", quoted(text)),
        ValueRef::Bool(flag) => write!(json, "{flag}"),
        ValueRef::I64(number) => write!(json, "{number}"),
        ValueRef::F64(number) => write!(json, "{number}"),
        ValueRef::Bytes(bytes) => write!(json, "\"{}\"", bytes.escape_ascii()),
        ValueRef::Array(items) => {
            let items = items.clone().map(|item| {
                let mut json = String::new();
                write_json(&mut json, &item);
                json
            });
            write!(json, "[{}]", items.collect::<Vec<_>>().join(","))
        }
        ValueRef::Map(pairs) => {
            let pairs = pairs.clone().map(|(key, value)| {
                let mut json = quoted(key) + ":";
                write_json(&mut json, &value);
                json
            });
            write!(json, "{{{}}}", pairs.collect::<Vec<_>>().join(","))
        }
    };
}

fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => json.extend(['\\', char]),
            control if control < ' ' => {
                let _ = write!(json, "\\u{:04x}", u32::from(control));
            }
            other => json.push(other),
        }
    }
    json + "\""
}
