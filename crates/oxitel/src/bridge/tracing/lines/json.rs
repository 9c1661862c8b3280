//! An event as a JSON object. No text can break out of its string, or its line.

use super::{Told, time};
use crate::bridge::tracing::fields::Fields;
#[cfg(feature = "otel")]
use crate::pipeline::{scratch::fingerprint, settings};
use crate::record::Value;
#[cfg(feature = "otel")]
use crate::record::redact::{self, Class, Examined, Rules};
use crate::wire::json::{double, quote};
use std::fmt::Write as _;

/// Appends the event and the end of its line.
pub(super) fn write(line: &mut String, told: &Told<'_>) {
    line.push_str("{\"timestamp\":\"");
    time::write(line, told.wall_ns);
    line.push_str("\",\"level\":\"");
    line.push_str(told.metadata.level().as_str());
    line.push_str("\",\"target\":");
    quote(line, told.metadata.target());
    if let Some(message) = told.fields.message() {
        line.push_str(",\"message\":");
        tell_message(line, message);
    }
    tell_fields(line, told.fields);
    if let Some((trace_id, span_id)) = told.place {
        // Writing to a String cannot fail.
        let _ = write!(line, ",\"trace_id\":\"{trace_id}\",\"span_id\":\"{span_id}\"");
    }
    line.push_str("}\n");
}

/// All values but the message. Of two of one name the last one counts.
fn tell_fields(line: &mut String, fields: &Fields) {
    let lists = fields.lists();
    let mut separator = ",\"fields\":{";
    let mut rest = fields.pairs(&lists);
    while let Some((name, value)) = rest.next() {
        let is_told_later = fields.repeats(name) && rest.clone().any(|(other, _)| other == name);
        // An error without sources has an empty list of them.
        if is_told_later || value == Value::Array(&[]) {
            continue;
        }
        line.push_str(separator);
        separator = ",";
        quote(line, name);
        line.push(':');
        tell(line, name, &value);
    }
    if separator == "," {
        line.push('}');
    }
}

/// The value as it is.
fn plain(line: &mut String, value: &Value<'_>) {
    // Writing to a String cannot fail.
    let _ = match value {
        Value::Empty => {
            line.push_str("null");
            Ok(())
        }
        Value::Str(text) => {
            quote(line, text);
            Ok(())
        }
        Value::Bool(value) => write!(line, "{value}"),
        Value::I64(value) => write!(line, "{value}"),
        Value::U64(value) => write!(line, "{value}"),
        Value::F64(value) => {
            double(line, *value);
            Ok(())
        }
        Value::Bytes(bytes) => {
            line.push('"');
            let _ = bytes.iter().try_for_each(|byte| write!(line, "{byte:02x}"));
            line.push('"');
            Ok(())
        }
        Value::Array(items) => {
            list(line, items, plain);
            Ok(())
        }
        // Fields of `tracing` are none.
        Value::Map(_) => {
            line.push_str("{}");
            Ok(())
        }
    };
}

fn list(line: &mut String, items: &[Value<'_>], mut item: impl FnMut(&mut String, &Value<'_>)) {
    line.push('[');
    for (index, value) in items.iter().enumerate() {
        line.push_str(if index == 0 { "" } else { "," });
        item(line, value);
    }
    line.push(']');
}

#[cfg(feature = "otel")]
fn rules() -> &'static Rules {
    settings::current().map_or(&redact::UNUSED, |settings| &settings.rules)
}

#[cfg(feature = "otel")]
fn tell_message(line: &mut String, message: &str) {
    quote(line, &redact::or_itself(rules().message(message), message));
}

/// The value without its secrets, by the rules of what is sent.
#[cfg(feature = "otel")]
fn tell(line: &mut String, name: &str, value: &Value<'_>) {
    let (rules, fingerprint) = (rules(), fingerprint(name.as_bytes()));
    if rules.passes(name, fingerprint, value) {
        return plain(line, value);
    }
    match (rules.examine(name, fingerprint, value), value) {
        (Examined::Text(text), _) => quote(line, &text),
        (Examined::Parts(class), Value::Array(items)) => tell_list(line, name, items, class),
        (Examined::AsItIs | Examined::Parts(_), value) => plain(line, value),
    }
}

#[cfg(feature = "otel")]
fn tell_list(line: &mut String, name: &str, items: &[Value<'_>], class: Class) {
    let rules = rules();
    let mut class_here = class;
    list(line, items, |line, item| {
        match item {
            Value::Str(text) => {
                let changed = rules.scrubbed(class_here, name, text);
                quote(line, &redact::or_itself(changed, text));
            }
            item => plain(line, item),
        }
        class_here = rules.class_behind(class, item);
    });
}

#[cfg(not(feature = "otel"))]
fn tell_message(line: &mut String, message: &str) {
    quote(line, message);
}

#[cfg(not(feature = "otel"))]
fn tell(line: &mut String, _name: &str, value: &Value<'_>) {
    plain(line, value);
}
