//! Values of the API's log records as ours, which borrow: lists and maps live on the stack while
//! they are looked at.

use crate::record::Value;
use opentelemetry::logs::AnyValue;
use std::fmt::Write as _;

/// Lists and maps inside of one value; what goes beyond is text.
const MOST_NESTED: usize = 64;

/// A value that is no list and no map.
pub(super) fn plain(value: &AnyValue) -> Option<Value<'_>> {
    match value {
        AnyValue::Int(number) => Some(Value::I64(*number)),
        AnyValue::Double(number) => Some(Value::F64(*number)),
        AnyValue::String(text) => Some(Value::Str(text.as_str())),
        AnyValue::Boolean(flag) => Some(Value::Bool(*flag)),
        AnyValue::Bytes(bytes) => Some(Value::Bytes(bytes)),
        // Lists, maps, and kinds that this build does not know.
        _ => None,
    }
}

/// Calls `then`, once, with the value as one of ours.
pub(super) fn with_value(value: &AnyValue, then: &mut dyn FnMut(Value<'_>)) {
    let mut left = MOST_NESTED;
    nested(value, &mut left, then);
}

fn nested(value: &AnyValue, left: &mut usize, then: &mut dyn FnMut(Value<'_>)) {
    if let Some(value) = plain(value) {
        return then(value);
    }
    if *left == 0 {
        let mut text = String::new();
        // As far as it prints.
        let _ = write!(text, "{value:?}");
        return then(Value::Str(&text));
    }
    *left -= 1;
    match value {
        AnyValue::ListAny(items) => {
            with_items(items, Vec::with_capacity(items.len()), left, &mut |items| {
                then(Value::Array(items));
            });
        }
        AnyValue::Map(pairs) => {
            let mut pairs: Vec<_> = pairs.iter().map(|(key, item)| (key.as_str(), item)).collect();
            // The API's map has no order of its own.
            pairs.sort_by_key(|(key, _)| *key);
            with_pairs(&pairs, Vec::with_capacity(pairs.len()), left, &mut |pairs| {
                then(Value::Map(pairs));
            });
        }
        other => {
            let text = format!("{other:?}");
            then(Value::Str(&text));
        }
    }
}

fn with_items<'a>(
    rest: &'a [AnyValue],
    mut made: Vec<Value<'a>>,
    left: &mut usize,
    then: &mut dyn FnMut(&[Value<'_>]),
) {
    for (at, item) in rest.iter().enumerate() {
        match plain(item) {
            Some(item) => made.push(item),
            None => {
                let mut inner = *left;
                nested(item, &mut inner, &mut |item| {
                    let mut made = made.clone();
                    made.push(item);
                    let mut left = left.saturating_sub(1);
                    with_items(&rest[at + 1..], made, &mut left, then);
                });
                return;
            }
        }
    }
    then(&made);
}

fn with_pairs<'a>(
    rest: &[(&'a str, &'a AnyValue)],
    mut made: Vec<(&'a str, Value<'a>)>,
    left: &mut usize,
    then: &mut dyn FnMut(&[(&str, Value<'_>)]),
) {
    for (at, (key, item)) in rest.iter().enumerate() {
        match plain(item) {
            Some(item) => made.push((key, item)),
            None => {
                let mut inner = *left;
                nested(item, &mut inner, &mut |item| {
                    let mut made = made.clone();
                    made.push((key, item));
                    let mut left = left.saturating_sub(1);
                    with_pairs(&rest[at + 1..], made, &mut left, then);
                });
                return;
            }
        }
    }
    then(&made);
}
